"""Tags as most services have them: lists of keys and values. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence

Tags = Mapping[str, str]
Given = Iterable[Mapping[str, str]]
"""As a request has them."""


def tags_of(given: Given | None) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in given or ()}


def shown(tags: Tags) -> Sequence[Mapping[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def adding(given: Given) -> Callable[[Tags], Tags]:
    """What TagResource makes of those that there are."""
    new = tags_of(given)
    return lambda tags: {**tags, **new}


def removing(keys: Iterable[str]) -> Callable[[Tags], Tags]:
    """What UntagResource leaves."""
    gone = frozenset(keys)
    return lambda tags: {key: value for key, value in tags.items() if key not in gone}
