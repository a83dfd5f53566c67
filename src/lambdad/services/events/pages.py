"""Lists given out page by page, in the order of names: a token is the last that was given."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from lambdad.errors.events import ValidationException
from lambdad.protocols.context import Members
from lambdad.services.pages import page_after

T = TypeVar("T")
_PAGE: Final = 100


def page_of(items: Sequence[T], name_of: Callable[[T], str], request: Members) -> tuple[Sequence[T], Members]:
    """`items` sorted by name; the members that say where to go on. Raises ValidationException."""
    token = request.get("NextToken")
    try:
        after = base64.b64decode(token, validate=True).decode() if token else ""
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValidationException.token() from error
    page, last = page_after(items, name_of, after, request.get("Limit") or _PAGE)
    return page, {} if last is None else {"NextToken": base64.b64encode(last.encode()).decode()}
