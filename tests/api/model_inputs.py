"""Requests made from AWS's service model: valid ones, and ones that violate a constraint of it."""

import re
import string
from collections.abc import Mapping
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from hypothesis import strategies as st

_JAVA = {r"\p{L}": "a-z", r"\p{N}": "0-9", r"\p{Z}": " ", r"\x22": '"'}
_TEXT = st.text(string.ascii_letters + string.digits + "-_ é", max_size=40)
_MOST = 300
"""Characters and items are kept few: the limits themselves are tested elsewhere."""


def valid(shape: Shape, known: Mapping[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """Values that satisfy all constraints. `known` has strategies for some shapes by name, for resources that exist."""
    if shape.name in known:
        return known[shape.name]
    if isinstance(shape, StructureShape):
        return _structure(shape, known)
    if isinstance(shape, ListShape):
        least, most = shape.metadata.get("min", 0), min(shape.metadata.get("max", 3), 3)
        return st.lists(valid(shape.member, known), min_size=least, max_size=max(least, most))
    if isinstance(shape, MapShape):
        return st.dictionaries(valid(shape.key, known), valid(shape.value, known), max_size=2)
    return _scalar(shape)


def least(
    shape: StructureShape, known: Mapping[str, st.SearchStrategy[Any]], more: Mapping[str, st.SearchStrategy[Any]]
) -> st.SearchStrategy[dict[str, Any]]:
    """Only what the model requires, and `more`."""
    return st.fixed_dictionaries({**_required(shape, known), **more})


def _required(shape: StructureShape, known: Mapping[str, st.SearchStrategy[Any]]) -> dict[str, st.SearchStrategy[Any]]:
    return {name: valid(shape.members[name], known) for name in shape.required_members}


def _structure(shape: StructureShape, known: Mapping[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    required = _required(shape, known)
    optional = {name: valid(member, known) for name, member in shape.members.items() if name not in required}
    return st.fixed_dictionaries(required, optional=optional)


def _scalar(shape: Shape) -> st.SearchStrategy[Any]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    kind = shape.type_name
    if kind == "string":
        return st.sampled_from(shape.enum) if getattr(shape, "enum", None) else _text(shape)
    if kind in ("integer", "long"):
        return st.integers(least if least is not None else 0, most if most is not None else 10_000)
    if kind in ("double", "float"):
        return st.floats(least or 0.0, most if most is not None else 1.0)
    if kind == "boolean":
        return st.booleans()
    if kind == "timestamp":
        return st.integers(0, 2_000_000_000)
    assert kind == "blob", kind
    return st.binary(max_size=200)


def _text(shape: Shape) -> st.SearchStrategy[str]:
    least, most = shape.metadata.get("min", 0), min(shape.metadata.get("max", 60), _MOST)
    pattern = shape.metadata.get("pattern")
    if pattern is None:
        return _TEXT.filter(lambda text: least <= len(text) <= most)
    return st.from_regex(_compiled(pattern), fullmatch=True).filter(lambda text: least <= len(text) <= max(most, least))


def _compiled(pattern: str) -> re.Pattern[str]:
    for java, python in _JAVA.items():
        pattern = pattern.replace(java, python)
    return re.compile(f"(?:{pattern})", re.ASCII)


_MATCHES_NOTHING = "\u00a7"
"""A value that no pattern of the model allows."""


def violating(shape: Shape) -> st.SearchStrategy[Any] | None:
    """Values of the right type that violate a constraint, maybe further inside; None when there is none to violate."""
    ways: list[st.SearchStrategy[Any]] = []
    if isinstance(shape, StructureShape):
        inside = {name: violating(member) for name, member in shape.members.items()}
        ways = [st.fixed_dictionaries({name: way}) for name, way in inside.items() if way is not None]
    elif isinstance(shape, (ListShape, MapShape)):
        way = violating(shape.member if isinstance(shape, ListShape) else shape.value)
        if way is not None:
            ways.append(way.map(lambda one: [one] if isinstance(shape, ListShape) else {"key": one}))
    else:
        ways = _violating_scalar(shape)
    return st.one_of(ways) if ways else None


def _violating_scalar(shape: Shape) -> list[st.SearchStrategy[Any]]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    ways: list[st.SearchStrategy[Any]] = []
    if shape.type_name == "string":
        if getattr(shape, "enum", None):
            return [st.sampled_from(["", "no such value", shape.enum[0] + "x"])]
        if most is not None and most < 20_000:
            ways.append(st.just("a" * (most + 1)))
        if least:
            ways.append(st.just("a" * (least - 1)))
        pattern = shape.metadata.get("pattern")
        if pattern is not None and not _compiled(pattern).fullmatch(_MATCHES_NOTHING):
            ways.append(st.just(_MATCHES_NOTHING))
    elif shape.type_name in ("integer", "long", "double"):
        ways += [st.just(most + 1)] if most is not None else []
        ways += [st.just(least - 1)] if least is not None else []
    return ways


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
"""Any JSON value."""


def in_body(operation: OperationModel) -> dict[str, Shape]:
    """The members that travel in the request's JSON document."""
    shape = operation.input_shape
    if shape is None or "payload" in shape.serialization:
        return {}
    return {name: member for name, member in shape.members.items() if "location" not in member.serialization}
