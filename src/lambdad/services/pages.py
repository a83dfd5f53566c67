"""Lists given out page by page: what follows a page names the last item that was given, so that what goes or comes meanwhile
shifts nothing."""

import heapq
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


def page_after(
    items: Iterable[T], name_of: Callable[[T], str], after: str | None, most: int
) -> tuple[Sequence[T], str | None]:
    """By their names, whatever the order of `items`: those after the name, and the last one's if there are more."""
    rest = [item for item in items if after is None or name_of(item) > after]
    page = heapq.nsmallest(most, rest, key=name_of)
    return page, name_of(page[-1]) if len(rest) > len(page) else None
