"""Event patterns, as filters of event source mappings and as rules: is one well-formed? Pure.

AWS: docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from typing import Any

import orjson

_NUMERIC = frozenset({"=", "<", "<=", ">", ">="})
_TEXTS = ("prefix", "suffix", "equals-ignore-case", "wildcard")
"""Operators on text that `anything-but` takes, too."""


def is_event_pattern(text: str) -> bool:
    """A JSON object whose leaves are arrays of values and operators."""
    try:
        pattern = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    try:
        return isinstance(pattern, dict) and bool(pattern) and _is_object(pattern)
    except RecursionError:  # deeper than any event
        return False


def _is_object(pattern: dict[str, Any]) -> bool:
    return all(_is_member(name, value) for name, value in pattern.items())


def _is_member(name: str, value: Any) -> bool:
    if name == "$or" and isinstance(value, list) and all(isinstance(one, dict) for one in value):
        return len(value) > 1 and all(one and _is_object(one) for one in value)
    if isinstance(value, dict):
        return bool(value) and _is_object(value)
    return isinstance(value, list) and bool(value) and all(_is_matcher(one) for one in value)


def _is_matcher(value: Any) -> bool:
    if not isinstance(value, dict):
        return _is_scalar(value)
    if len(value) != 1:
        return False
    ((operator, operand),) = value.items()
    if operator in ("prefix", "suffix"):
        return isinstance(operand, str) or _is_ignoring_case(operand)
    if operator in _TEXTS:
        return isinstance(operand, str)
    if operator == "exists":
        return isinstance(operand, bool)
    if operator == "cidr":
        return isinstance(operand, str)
    if operator == "numeric":
        return isinstance(operand, list) and _is_range(operand)
    return operator == "anything-but" and _is_exclusion(operand)


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float))


def _is_ignoring_case(operand: Any) -> bool:
    return (
        isinstance(operand, dict)
        and list(operand) == ["equals-ignore-case"]
        and isinstance(operand["equals-ignore-case"], str)
    )


def _is_range(operand: list[Any]) -> bool:
    """One comparison, or two that bound from both sides."""
    pairs = list(zip(operand[::2], operand[1::2], strict=False))
    if len(operand) not in (2, 4):
        return False
    fine = all(
        isinstance(sign, str) and sign in _NUMERIC and isinstance(number, (int, float)) and not isinstance(number, bool)
        for sign, number in pairs
    )
    return fine and (len(pairs) == 1 or (pairs[0][0][0] == ">" and pairs[1][0][0] == "<"))


def _is_exclusion(operand: Any) -> bool:
    """A value, several of one kind, or one operator on text with a text or several."""
    if isinstance(operand, dict):
        if len(operand) != 1:
            return False
        ((operator, texts),) = operand.items()
        listed = texts if isinstance(texts, list) else [texts]
        return operator in _TEXTS and bool(listed) and all(isinstance(text, str) for text in listed)
    if isinstance(operand, list):
        texts = [isinstance(one, str) for one in operand]
        return bool(operand) and all(_is_scalar(one) for one in operand) and (all(texts) or not any(texts))
    return _is_scalar(operand)
