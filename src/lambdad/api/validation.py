"""The model's constraints, checked before an operation sees its request; every violation is named, in AWS's words.

Where the service is known to differ from its published model, `OVERRIDES` says so, once.
"""

from collections.abc import Iterable, Mapping, Sequence
from re import Pattern
from typing import Any

from lambdad.api.model import Operation, Shape, compile_pattern
from lambdad.api.violations import must_be_one_of, of_contents, of_enum, of_length, of_maximum, of_null, violation
from lambdad.errors import ValidationException
from lambdad.runtimes.catalogue import RUNTIMES

OVERRIDES: Mapping[str, str] = {
    # A version or alias: the service knows $LATEST.PUBLISHED, too.
    "Qualifier": r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+",
    "FunctionVersion": "",
    # Without the model's outer parentheses.
    "LayerVersionArn": (
        r"(arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}"
        r":layer:[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)"
    ),
}
"""Patterns by shape name."""

UNCHECKED = frozenset({"runtime"})
"""What the operations check themselves, because AWS answers with another error: a function's runtime."""

_ENUM_ORDER: Mapping[str, tuple[str, ...]] = {
    "EventSourcePosition": ("LATEST", "AT_TIMESTAMP", "TRIM_HORIZON"),
    "InvokeMode": ("RESPONSE_STREAM", "BUFFERED"),
    "RecursiveLoop": ("Terminate", "Allow"),
    "Runtime": tuple(RUNTIMES),
    "SnapStartApplyOn": ("PublishedVersions", "None"),
}
"""How AWS lists an enumeration, where that is known: its order is not the model's."""

_NAMED_LAST = frozenset({"CompatibleArchitecture", "CompatibleArchitectures"})
"""Otherwise violations are named in the order of the model's members."""

_NUMBERS = frozenset({"integer", "long", "double"})
_SCALARS = _NUMBERS | {"string"}


def validate(operation: Operation, request: Mapping[str, Any]) -> None:
    """Raises ValidationException with all violations."""
    if operation.input is None:
        return
    violations: list[str] = []
    _structure(request, operation.input, "", violations)
    if violations:
        raise ValidationException.of(violations)


def _structure(value: Mapping[str, Any], shape: Shape, path: str, violations: list[str]) -> None:
    for member in sorted(shape.members.values(), key=lambda member: member.name in _NAMED_LAST):
        name = f"{path}{member.name[0].lower()}{member.name[1:]}"
        given = value.get(member.name)
        if given is None:
            if member.required:
                violations.append(of_null(name))
        else:
            _check(given, member.shape, name, violations)


def _check(value: Any, shape: Shape, path: str, violations: list[str]) -> None:
    kind = shape.type
    if kind == "structure":
        _structure(value, shape, f"{path}.", violations)
    elif kind == "list":
        _length(value, shape, path, violations)
        _list(value, shape, path, violations)
    elif kind == "map":
        _map(value, shape, path, violations)
    elif kind == "string":
        _string(value, shape, path, violations)
    elif kind in _NUMBERS:
        _range(value, shape, path, violations)
    elif kind == "blob":
        _length(value, shape, path, violations)


def _list(value: list[Any], shape: Shape, path: str, violations: list[str]) -> None:
    element = shape.element
    if element.type in _SCALARS:
        _contents(value, element, _shown(value), path, "Member", violations)
    else:
        for number, item in enumerate(value, 1):
            _check(item, element, f"{path}.{number}.member", violations)


def _map(value: Mapping[str, Any], shape: Shape, path: str, violations: list[str]) -> None:
    shown = None if shape.sensitive else _shown(value)
    _contents(value, shape.key, shown, path, "Map keys", violations)
    if shape.element.type in _SCALARS:
        _contents(value.values(), shape.element, shown, path, "Map value", violations)
    else:
        for key, item in value.items():
            _check(item, shape.element, f"{path}.{key}.member", violations)


def _contents(
    items: Iterable[Any], shape: Shape, shown: str | None, path: str, what: str, violations: list[str]
) -> None:
    """Strings or numbers in a list or map: however many are wrong, the whole is named once, with all that they must be."""
    wrong: list[str] = []
    for item in items:
        _check(item, shape, path, wrong)
    if wrong:
        musts = [*_musts(shape), *(["not be null"] if shown is not None else [])]
        violations.append(of_contents(shown, path, what, musts))


def _musts(shape: Shape) -> list[str]:
    """All constraints of a string or number, in AWS's order."""
    if shape.enum:
        return [must_be_one_of(_values_of(shape))]
    pattern = OVERRIDES.get(shape.name, shape.pattern)
    measure = "length" if shape.type == "string" else "value"
    return [
        *([] if shape.maximum is None else [f"have {measure} less than or equal to {shape.maximum}"]),
        *([] if shape.minimum is None else [f"have {measure} greater than or equal to {shape.minimum}"]),
        *([f"satisfy regular expression pattern: {pattern}"] if pattern else []),
    ]


def _string(value: str, shape: Shape, path: str, violations: list[str]) -> None:
    if path in UNCHECKED:
        return
    if shape.enum:
        if value not in _values_of(shape):
            violations.append(of_enum(value, path, _values_of(shape)))
        return
    _length(value, shape, path, violations)
    pattern = OVERRIDES.get(shape.name, shape.pattern)
    if pattern and not _compiled(shape, pattern).fullmatch(value):
        violations.append(violation(value, path, f"satisfy regular expression pattern: {pattern}"))


def _values_of(shape: Shape) -> Sequence[str]:
    return _ENUM_ORDER.get(shape.name, shape.enum)


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
