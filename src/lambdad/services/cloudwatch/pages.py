"""Lists given out page by page: a token names the last item that was given, so that what goes or comes meanwhile shifts nothing."""

import base64
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import orjson

from lambdad.errors.cloudwatch import InvalidNextToken
from lambdad.protocols.context import Members

T = TypeVar("T")
_PAGE: Final = 100


def page_by_name(items: Sequence[T], name_of: Callable[[T], str], request: Members) -> tuple[Sequence[T], str | None]:
    """`items` in the order of their names. Raises InvalidNextToken."""
    token = request.get("NextToken")
    after = read_token(token, str) if token else ""
    rest = [item for item in items if name_of(item) > after]
    page = rest[: request.get("MaxRecords") or _PAGE]
    return page, token_of(name_of(page[-1])) if len(page) < len(rest) else None


def page_by_number(
    items: Sequence[T], number_of: Callable[[T], int], request: Members
) -> tuple[Sequence[T], str | None]:
    """Those after the one that the token names. Raises InvalidNextToken."""
    token = request.get("NextToken")
    start = 0
    if token:
        last = read_token(token, int)
        start = next((at + 1 for at, item in enumerate(items) if number_of(item) == last), len(items))
    page = items[start : start + (request.get("MaxRecords") or _PAGE)]
    return page, token_of(number_of(page[-1])) if start + len(page) < len(items) else None


def token_of(value: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode()


def read_token(token: str, kind: type[T]) -> T:
    """Raises InvalidNextToken."""
    try:
        value = orjson.loads(base64.urlsafe_b64decode(token))
    except ValueError as error:
        raise InvalidNextToken.of_request() from error
    if not isinstance(value, kind):
        raise InvalidNextToken.of_request()
    return value
