"""Does an event match a pattern? Pure.

AWS: docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html, and for what it leaves open
github.com/aws/event-ruler: an event is its leaves by dotted name; an array has the leaves of all its elements; members that a
pattern asks for together are found in the same element. `event_pattern.py` reads patterns.
"""

import ipaddress
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Test = Callable[[Any], bool]
"""Of one leaf: a string, number, boolean or None."""
Place = tuple[tuple[int, int], ...]
"""Elements that a leaf is within: (array, index), the outermost first. Arrays are numbered in the order of the event."""


@dataclass(frozen=True, slots=True)
class Field:
    """What a pattern asks of one name."""

    name: str
    tests: tuple[Test, ...]
    """Any of them."""
    absent: bool = False
    """Or there is no such leaf."""


@dataclass(frozen=True, slots=True)
class EventPattern:
    alternatives: tuple[tuple[Field, ...], ...]
    """Each with fields of one object beside each other; `$or` makes several."""

    def matches(self, event: Any) -> bool:
        """Of a JSON document: what is no object has no leaves."""
        return self.matches_leaves(leaves_of(event))

    def matches_leaves(self, leaves: "Leaves") -> bool:
        return any(_match(fields, leaves) for fields in self.alternatives)


@dataclass(frozen=True, slots=True)
class Leaves:
    """An event, taken apart once for all the patterns that look at it."""

    by_name: Mapping[str, Sequence[tuple[Any, Place]]]
    arrays: Sequence[str]
    """By number: the name of what the array is the value of."""


@dataclass(slots=True)
class _Taking:
    by_name: dict[str, list[tuple[Any, Place]]] = field(default_factory=dict)
    arrays: list[str] = field(default_factory=list)


def leaves_of(event: Any) -> Leaves:
    taking = _Taking()
    waiting: list[tuple[str, Any, Place]] = [("", event, ())] if isinstance(event, dict) else []
    while waiting:
        name, value, place = waiting.pop()
        if isinstance(value, dict):
            prefix = f"{name}." if name else ""
            waiting += [(f"{prefix}{member}", inner, place) for member, inner in value.items()]
        elif isinstance(value, list):
            number = len(taking.arrays)
            taking.arrays.append(name)
            waiting += [(name, inner, (*place, (number, index))) for index, inner in enumerate(value)]
        else:
            taking.by_name.setdefault(name, []).append((value, place))
    return Leaves(taking.by_name, taking.arrays)


def _match(fields: Sequence[Field], leaves: Leaves) -> bool:
    """All of them, in elements that go together."""
    each = _match_each(fields, leaves)
    if each is not None:
        return each
    found: set[Place] = {()}
    for number, one in enumerate(fields):
        rest = [later.name for later in fields[number + 1 :]]
        found = {_projected(place, rest, leaves) for place in _places(one, leaves, found)}
        if not found:
            return False
    return True


def _match_each(fields: Sequence[Field], leaves: Leaves) -> bool | None:
    """What is decided without looking at elements, and that is most: one of them holds nowhere, or none is within an array."""
    decided = True
    for one in fields:
        among = leaves.by_name.get(one.name, ())
        if any(test(value) for value, _ in among for test in one.tests):
            decided = decided and not any(place for _, place in among)
        elif not one.absent:
            return False
        elif among:
            decided = False
    return True if decided else None


def _places(one: Field, leaves: Leaves, before: set[Place]) -> set[Place]:
    """Where it holds, each together with where the fields before it do."""
    among = leaves.by_name.get(one.name, ())
    together = _Together(before)
    arrays = {array for place in before for array, _ in place}
    found: set[Place] = set()
    if one.absent:
        found |= before
        for where in {tuple(pair for pair in where if pair[0] in arrays) for _, where in among}:
            found.difference_update(together.with_(where))
    for where in {where for value, where in among if any(test(value) for test in one.tests)}:
        for place in together.with_(where):
            found.add(tuple(sorted({*place, *where})))
    return found


class _Together:
    """Places of which those are found, without looking at all of them, that are in no other element of an array than a given one.

    A place within an inner array is within the outer ones, too: so they are told apart from the outside in.
    """

    def __init__(self, places: set[Place]) -> None:
        self._places = list(places)
        self._apart: dict[tuple[Place, int], dict[int | None, list[Place]]] = {}

    def with_(self, where: Place) -> Iterator[Place]:
        group = self._places
        for depth, (array, index) in enumerate(where):
            key = (where[:depth], array)
            apart = self._apart.get(key)
            if apart is None:
                apart = self._apart[key] = {}
                for place in group:
                    apart.setdefault(dict(place).get(array), []).append(place)
            yield from apart.get(None, ())
            group = apart.get(index, [])
        yield from group


def _projected(place: Place, rest: Sequence[str], leaves: Leaves) -> Place:
    """Without the arrays that no field still to come is within: else all combinations of elements would be looked at."""
    return tuple(
        (array, index)
        for array, index in place
        if any(name == leaves.arrays[array] or name.startswith(f"{leaves.arrays[array]}.") for name in rest)
    )


# --- Tests of a leaf ----------------------------------------------------------------------------------------------------


def equals_any(values: Sequence[Any]) -> Test:
    """Strings, numbers, booleans, None. An address is equal to another way to write it."""
    wanted = frozenset(_typed(value) for value in values)
    addresses = {found for value in values if (found := _address(value)) is not None}

    def test(value: Any) -> bool:
        return _typed(value) in wanted or (bool(addresses) and _address(value) in addresses)

    return test


def _typed(value: Any) -> tuple[bool, Any]:
    """`true` is not 1."""
    return isinstance(value, bool), value


def _address(value: Any) -> Any:
    if not isinstance(value, str) or not ("." in value or ":" in value):
        return None
    try:
        return ipaddress.ip_address(value)
    except ValueError:
        return None


def exists(value: Any) -> bool:
    return True


def begins_with(prefix: str) -> Test:
    return lambda value: isinstance(value, str) and value.startswith(prefix)


def ends_with(suffix: str) -> Test:
    return lambda value: isinstance(value, str) and value.endswith(suffix)


def equals_ignoring_case(text: str) -> Test:
    wanted = text.lower()
    return lambda value: isinstance(value, str) and value.lower() == wanted


def begins_with_ignoring_case(prefix: str) -> Test:
    wanted = prefix.lower()
    return lambda value: isinstance(value, str) and value.lower().startswith(wanted)


def ends_with_ignoring_case(suffix: str) -> Test:
    wanted = suffix.lower()
    return lambda value: isinstance(value, str) and value.lower().endswith(wanted)


def is_like(pieces: Sequence[str]) -> Test:
    """Text that has these in order, with anything between two of them. The first begins it, the last ends it."""

    def test(value: Any) -> bool:
        if not isinstance(value, str):
            return False
        if len(pieces) == 1:
            return value == pieces[0]
        first, *middle, last = pieces
        if not value.startswith(first) or not value.endswith(last):
            return False
        at, end = len(first), len(value) - len(last)
        for piece in middle:
            found = value.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return at <= end

    return test


def is_within(lowest: float | None, open_below: bool, highest: float | None, open_above: bool) -> Test:
    """Numbers only; None: without a bound."""

    def test(value: Any) -> bool:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return False
        if lowest is not None and (value < lowest or (open_below and value == lowest)):
            return False
        return highest is None or not (value > highest or (open_above and value == highest))

    return test


def is_in_network(lowest: Any, highest: Any) -> Test:
    """Between two addresses of one version."""

    def test(value: Any) -> bool:
        address = _address(value)
        return address is not None and address.version == lowest.version and lowest <= address <= highest

    return test


def none_of(tests: Sequence[Test]) -> Test:
    return lambda value: not any(test(value) for test in tests)
