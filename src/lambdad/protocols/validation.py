"""A model's constraints, checked before an operation sees its request; every violation is named, in AWS's words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from re import Pattern
from typing import Any

from lambdad.protocols.model import Operation, Shape, compile_pattern
from lambdad.protocols.violations import must_be_one_of, of_contents, of_enum, of_length, of_maximum, of_null, violation

_NUMBERS = frozenset({"integer", "long", "double"})
_SCALARS = _NUMBERS | {"string"}


@dataclass(frozen=True, slots=True)
class Deviations:
    """Where a service is known to differ from its published model."""

    patterns: Mapping[str, str] = field(default_factory=dict)
    """By shape name."""
    anchored: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """By shape name, what AWS writes before and after the model's pattern: published models have lost it."""
    unchecked: frozenset[str] = frozenset()
    """Members that the operations check themselves, because AWS answers with another error."""
    enums: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """How AWS lists an enumeration, where that is known: its order is not the model's."""
    named_last: frozenset[str] = frozenset()
    """Otherwise violations are named in the order of the model's members."""


class Validation:
    """Of one service's requests."""

    def __init__(self, deviations: Deviations | None = None) -> None:
        self._rules = deviations or Deviations()

    def violations(self, operation: Operation, request: Mapping[str, Any]) -> list[str]:
        """All of them, worded."""
        violations: list[str] = []
        if operation.input is not None:
            self._structure(request, operation.input, "", violations)
        return violations

    def _structure(self, value: Mapping[str, Any], shape: Shape, path: str, violations: list[str]) -> None:
        for member in sorted(shape.members.values(), key=lambda member: member.name in self._rules.named_last):
            name = f"{path}{member.name[0].lower()}{member.name[1:]}"
            given = value.get(member.name)
            if given is None:
                if member.required:
                    violations.append(of_null(name))
            else:
                self._check(given, member.shape, name, violations)

    def _check(self, value: Any, shape: Shape, path: str, violations: list[str]) -> None:
        kind = shape.type
        if kind == "structure":
            self._structure(value, shape, f"{path}.", violations)
        elif kind == "list":
            _length(value, shape, path, violations)
            self._list(value, shape, path, violations)
        elif kind == "map":
            _length(value, shape, path, violations)
            self._map(value, shape, path, violations)
        elif kind == "string":
            self._string(value, shape, path, violations)
        elif kind in _NUMBERS:
            _range(value, shape, path, violations)
        elif kind == "blob":
            _length(value, shape, path, violations)

    def _list(self, value: list[Any], shape: Shape, path: str, violations: list[str]) -> None:
        element = shape.element
        if element.type in _SCALARS:
            self._contents(value, element, _shown(value), path, "Member", violations)
        else:
            for number, item in enumerate(value, 1):
                self._check(item, element, f"{path}.{number}.member", violations)

    def _map(self, value: Mapping[str, Any], shape: Shape, path: str, violations: list[str]) -> None:
        shown = None if shape.sensitive else _shown(value)
        _length(value, shape, path, violations)
        self._contents(value, shape.key, shown, path, "Map keys", violations)
        if shape.element.type in _SCALARS:
            self._contents(value.values(), shape.element, shown, path, "Map value", violations)
        else:
            for key, item in value.items():
                self._check(item, shape.element, f"{path}.{key}.member", violations)

    def _contents(
        self, items: Iterable[Any], shape: Shape, shown: str | None, path: str, what: str, violations: list[str]
    ) -> None:
        """Strings or numbers in a list or map: however many are wrong, the whole is named once, with all that they must be."""
        wrong: list[str] = []
        for item in items:
            self._check(item, shape, path, wrong)
        if wrong:
            musts = [*self._musts(shape), *(["not be null"] if shown is not None else [])]
            violations.append(of_contents(shown, path, what, musts))

    def _musts(self, shape: Shape) -> list[str]:
        """All constraints of a string or number, in AWS's order."""
        if shape.enum:
            return [must_be_one_of(self._values_of(shape))]
        pattern = self._pattern_of(shape)
        measure = "length" if shape.type == "string" else "value"
        return [
            *([] if shape.maximum is None else [f"have {measure} less than or equal to {shape.maximum}"]),
            *([] if shape.minimum is None else [f"have {measure} greater than or equal to {shape.minimum}"]),
            *([f"satisfy regular expression pattern: {pattern}"] if pattern else []),
        ]

    def _string(self, value: str, shape: Shape, path: str, violations: list[str]) -> None:
        if path in self._rules.unchecked:
            return
        if shape.enum:
            if value not in self._values_of(shape):
                violations.append(of_enum(value, path, self._values_of(shape)))
            return
        _length(value, shape, path, violations)
        pattern = self._pattern_of(shape)
        if pattern and not _compiled(shape, pattern).fullmatch(value):
            violations.append(violation(value, path, f"satisfy regular expression pattern: {pattern}"))

    def _pattern_of(self, shape: Shape) -> str | None:
        pattern = self._rules.patterns.get(shape.name, shape.pattern)
        before, after = self._rules.anchored.get(shape.name, ("", ""))
        return f"{before}{pattern}{after}" if pattern else pattern

    def _values_of(self, shape: Shape) -> Sequence[str]:
        return self._rules.enums.get(shape.name, shape.enum)


def _compiled(shape: Shape, pattern: str) -> Pattern[str]:
    return shape.regex if shape.regex is not None and pattern == shape.pattern else compile_pattern(pattern)


def _length(value: Any, shape: Shape, path: str, violations: list[str]) -> None:
    if shape.maximum is not None and len(value) > shape.maximum:
        violations.append(of_length(_shown(value), path, shape.maximum))
    if shape.minimum is not None and len(value) < shape.minimum:
        violations.append(violation(_shown(value), path, f"have length greater than or equal to {shape.minimum}"))


def _range(value: float, shape: Shape, path: str, violations: list[str]) -> None:
    if shape.maximum is not None and value > shape.maximum:
        violations.append(of_maximum(value, path, shape.maximum))
    if shape.minimum is not None and value < shape.minimum:
        violations.append(violation(value, path, f"have value greater than or equal to {shape.minimum}"))


def _shown(value: Any) -> str:
    """As Java prints a collection."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}={_shown(item)}' for key, item in value.items())}}}"
    return f"[{', '.join(map(_shown, value))}]" if isinstance(value, list) else str(value)
