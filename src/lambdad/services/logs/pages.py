"""Lists given out page by page: a token says where the last page ended, and nothing else is one."""

import base64
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import orjson

from lambdad.errors.logs import InvalidParameterException
from lambdad.protocols.context import Members
from lambdad.services.pages import page_after

T = TypeVar("T")
PAGE = 50


def token_of(place: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode()


def read_token(token: str) -> Any:
    """The place. Raises InvalidParameterException."""
    try:
        return orjson.loads(base64.urlsafe_b64decode(token))
    except ValueError as error:
        raise InvalidParameterException.token() from error


def name_before(request: Members) -> str | None:
    """The last that the page before had, if there was one. Raises InvalidParameterException."""
    if "nextToken" not in request:
        return None
    name = read_token(request["nextToken"])
    if not isinstance(name, str):
        raise InvalidParameterException.token()
    return name


def page_of(items: Sequence[T], name_of: Callable[[T], str], request: Members) -> tuple[Sequence[T], str | None]:
    """Those after that; and the token for more. Raises InvalidParameterException."""
    page, last = page_after(items, name_of, name_before(request), request.get("limit", PAGE))
    return page, None if last is None else token_of(last)
