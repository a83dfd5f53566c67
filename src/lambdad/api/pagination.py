"""Marker and NextMarker: a list given out page by page."""

import base64
import binascii
from typing import TypeVar

from lambdad.errors import InvalidParameterValueException
from lambdad.resources.quotas import QUOTAS

T = TypeVar("T")


def page_of(items: list[T], marker: str | None, most: int | None) -> tuple[list[T], str | None]:
    """The page that `marker` begins, and the marker of the next one. Raises InvalidParameterValueException."""
    start = _read(marker) if marker else 0
    end = start + min(most or QUOTAS.page, QUOTAS.page)
    return items[start:end], _write(end) if end < len(items) else None


def _write(position: int) -> str:
    return base64.urlsafe_b64encode(f"from {position}".encode()).decode()


def _read(marker: str) -> int:
    try:
        word, _, position = base64.urlsafe_b64decode(marker).decode().partition(" ")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidParameterValueException.marker() from error
    if word != "from" or not position.isdigit():
        raise InvalidParameterValueException.marker()
    return int(position)
