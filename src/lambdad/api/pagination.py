"""Marker and NextMarker: a list given out page by page.

A marker names the last item that was given, not how many were: whoever deletes what a page lists misses none of the next.
"""

import base64
import bisect
from collections.abc import Callable, Sequence
from typing import TypeVar

import orjson

from lambdad.errors import InvalidParameterValueException
from lambdad.resources.quotas import QUOTAS

T = TypeVar("T")
Position = tuple[str, int]
"""Where an item stands: lists are sorted by it, and no two items share one."""


def page_of(
    items: Sequence[T],
    position_of: Callable[[T], Position],
    marker: str | None,
    most: int | None,
    largest: int | None = None,
) -> tuple[Sequence[T], str | None]:
    """The page after `marker`, and the marker of the next one. `largest`: where a page may have more than others.

    Raises InvalidParameterValueException.
    """
    start = bisect.bisect_right(items, _read(marker), key=position_of) if marker else 0
    limit = largest or QUOTAS.page
    end = start + min(most or limit, limit)
    page = items[start:end]
    return page, _write(position_of(page[-1])) if end < len(items) else None


def _write(position: Position) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(position)).decode()


def _read(marker: str) -> Position:
    try:
        name, number = orjson.loads(base64.urlsafe_b64decode(marker))
    except (ValueError, TypeError) as error:  # not base64, not JSON, not a pair
        raise InvalidParameterValueException.marker() from error
    if not isinstance(name, str) or not isinstance(number, int):
        raise InvalidParameterValueException.marker()
    return name, number
