"""The part of JSON path that rules know: `$`, members by dot, elements by index, and all of either by `*`. Pure.

AWS: docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

Step = str | int | None
"""A member's name, an element's index, or all of them."""
_PATH = re.compile(r"\$(\.[^.\[\]'\"\s]+|\[\d+\]|\[\*\])*")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\*)\]")
MISSING: Final = object()


@lru_cache(maxsize=4096)
def path_of(text: str) -> Sequence[Step] | None:
    """None: it is no such path."""
    if _PATH.fullmatch(text) is None:
        return None
    return tuple(_step(match) for match in _STEP.finditer(text))


def _step(match: re.Match[str]) -> Step:
    name, index = match[1], match[2]
    if "*" in (name, index):
        return None
    return name if name is not None else int(index)


def found_at(path: Sequence[Step], document: Any) -> Any:
    """The value there, of several a list of them; MISSING if there is none."""
    several = None in path
    values = [document]
    for step in path:
        values = [inner for value in values for inner in _inner(step, value)]
    if several:
        return values
    return values[0] if values else MISSING


def _inner(step: Step, value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        if step is None:
            yield from value.values()
        elif step in value:
            yield value[step]
    elif isinstance(value, list):
        if step is None:
            yield from value
        elif isinstance(step, int) and step < len(value):
            yield value[step]
