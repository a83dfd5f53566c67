"""The model's constraints, checked before an operation sees its request; every violation is named, in AWS's words.

Where the service is known to differ from its published model, `OVERRIDES` says so, once.
"""

from collections.abc import Mapping
from re import Pattern
from typing import Any

from lambdad.api.model import Operation, Shape, compile_pattern
from lambdad.errors import ValidationException, enum_violation, length_violation, maximum_violation, violation

OVERRIDES: Mapping[str, str] = {
    # A version or alias: the service knows $LATEST.PUBLISHED, too.
    "Qualifier": r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+",
    "FunctionVersion": "",
}
"""Patterns by shape name."""

UNCHECKED = frozenset({"Runtime", "EventSourcePosition"})
"""Shapes whose values the operations check themselves, because AWS answers with another error."""

_ENUM_ORDER: Mapping[str, tuple[str, ...]] = {
    "EventSourcePosition": ("LATEST", "AT_TIMESTAMP", "TRIM_HORIZON"),
    "RecursiveLoop": ("Terminate", "Allow"),
    "SnapStartApplyOn": ("PublishedVersions", "None"),
}
"""How AWS lists an enumeration, where that is known: its order is not the model's."""


def validate(operation: Operation, request: Mapping[str, Any]) -> None:
    """Raises ValidationException with all violations."""
    if operation.input is None:
        return
    violations: list[str] = []
    _structure(request, operation.input, "", violations)
    if violations:
        raise ValidationException.of(violations)


def _structure(value: Mapping[str, Any], shape: Shape, path: str, violations: list[str]) -> None:
    for member in shape.members.values():
        name = f"{path}{member.name[0].lower()}{member.name[1:]}"
        given = value.get(member.name)
        if given is None:
            if member.required:
                violations.append(f"Value null at '{name}' failed to satisfy constraint: Member must not be null")
        else:
            _check(given, member.shape, name, violations)


def _check(value: Any, shape: Shape, path: str, violations: list[str]) -> None:
    kind = shape.type
    if kind == "structure":
        _structure(value, shape, f"{path}.", violations)
    elif kind == "list":
        _length(value, shape, path, violations)
        for number, item in enumerate(value, 1):
            _check(item, shape.element, f"{path}.{number}.member", violations)
    elif kind == "map":
        for key, item in value.items():
            _check(key, shape.key, f"{path}.{key}.key" if shape.key.pattern else path, violations)
            _check(item, shape.element, f"{path}.{key}.member", violations)
    elif kind == "string":
        _string(value, shape, path, violations)
    elif kind in ("integer", "long", "double"):
        _range(value, shape, path, violations)
    elif kind == "blob":
        _length(value, shape, path, violations)


def _string(value: str, shape: Shape, path: str, violations: list[str]) -> None:
    if shape.name in UNCHECKED:
        return
    if shape.enum:
        if value not in shape.enum:
            violations.append(enum_violation(value, path, _ENUM_ORDER.get(shape.name, shape.enum)))
        return
    _length(value, shape, path, violations)
    pattern = OVERRIDES.get(shape.name, shape.pattern)
    if pattern and not _compiled(shape, pattern).fullmatch(value):
        violations.append(violation(value, path, f"satisfy regular expression pattern: {pattern}"))


def _compiled(shape: Shape, pattern: str) -> Pattern[str]:
    return shape.regex if shape.regex is not None and pattern == shape.pattern else compile_pattern(pattern)


def _length(value: Any, shape: Shape, path: str, violations: list[str]) -> None:
    shown = value if isinstance(value, str) else _shown(value)
    if shape.maximum is not None and len(value) > shape.maximum:
        violations.append(length_violation(shown, path, shape.maximum))
    if shape.minimum is not None and len(value) < shape.minimum:
        violations.append(violation(shown, path, f"have length greater than or equal to {shape.minimum}"))


def _range(value: float, shape: Shape, path: str, violations: list[str]) -> None:
    if shape.maximum is not None and value > shape.maximum:
        violations.append(maximum_violation(value, path, shape.maximum))
    if shape.minimum is not None and value < shape.minimum:
        violations.append(violation(value, path, f"have value greater than or equal to {shape.minimum}"))


def _shown(value: Any) -> str:
    """As Java prints a collection."""
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)
