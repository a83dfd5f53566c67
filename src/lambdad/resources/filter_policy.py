"""Filter policies of SNS's subscriptions: read, or refused with AWS's reason; and does one let a message through? Pure.

They are event patterns (`event_pattern.py`) over a message's attributes or its body, with some rules of their own.
AWS: docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html, …/subscription-filter-policy-constraints.html,
…/string-value-matching.html, …/numeric-value-matching.html, …/attribute-key-matching.html, …/and-or-logic.html
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import orjson

from lambdad.errors.event_patterns import PatternObjection
from lambdad.errors.filter_policies import InvalidFilterPolicy
from lambdad.resources import event_filter
from lambdad.resources.event_filter import EventPattern, Field, Leaves, leaves_of
from lambdad.resources.event_pattern import compile_document, explained, is_or

ATTRIBUTES: Final = "MessageAttributes"
BODY: Final = "MessageBody"
_LARGEST = 262_144
_MOST_KEYS = 5
"""At the top."""
_MOST_COMBINATIONS = 150
_MOST_WILDCARDS = 3
"""In one pattern."""
_MOST_WILDCARD_POINTS = 100
_ESCAPED = re.compile(r"\\.", re.DOTALL)
_EVERYTHING: Final = EventPattern(((),))
_NOTHING: Final = EventPattern(())
_NO_LEAVES: Final = Leaves({}, ())


def check_filter_policy(text: str, scope: str) -> None:
    """Raises InvalidFilterPolicy."""
    if len(text.encode()) > _LARGEST:
        raise InvalidFilterPolicy.too_long()
    document = _document(text)
    if len(document) > _MOST_KEYS:
        raise InvalidFilterPolicy.too_many_keys(_MOST_KEYS)
    if not document:  # `{}` takes a policy away
        return
    try:
        compile_document(document)
    except PatternObjection as objection:
        raise InvalidFilterPolicy.pattern(explained(objection, text)) from None
    if scope != BODY and any(depth > 1 for depth, _ in _fields(document, 1)):
        raise InvalidFilterPolicy.nested()
    if _combinations(document, 1) > _MOST_COMBINATIONS or _has_too_many_wildcards(document):
        raise InvalidFilterPolicy.too_complex()


def _document(text: str) -> dict[str, Any]:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise InvalidFilterPolicy.no_json()
    return document


def _combinations(document: Mapping[str, Any], depth: int) -> int:
    """Values count more, the deeper they are nested; alternatives add up."""
    count = 1
    for name, value in document.items():
        if is_or(name, value):
            count *= sum(_combinations(one, depth) for one in value)
        elif isinstance(value, dict):
            count *= _combinations(value, depth + 1)
        else:
            count *= len(value) * depth
    return count


def _fields(document: Mapping[str, Any], depth: int) -> Iterator[tuple[int, list[Any]]]:
    """What is asked of each name, and how deep that is."""
    for name, value in document.items():
        if is_or(name, value):
            for one in value:
                yield from _fields(one, depth)
        elif isinstance(value, dict):
            yield from _fields(value, depth + 1)
        else:
            yield depth, value


def _has_too_many_wildcards(document: Mapping[str, Any]) -> bool:
    """A pattern with one of them is a point, one with several three points for each; a field's patterns make each other dearer."""
    points = 0
    for _, values in _fields(document, 1):
        patterns = [count for value in values if isinstance(value, dict) for count in _wildcards(value)]
        if max(patterns, default=0) > _MOST_WILDCARDS:
            return True
        points += len(patterns) * sum(count if count < 2 else 3 * count for count in patterns)
    return points > _MOST_WILDCARD_POINTS


def _wildcards(expression: Mapping[str, Any]) -> Iterator[int]:
    """In each of its patterns."""
    operator, operand = next(iter(expression.items()))
    if operator == "anything-but" and isinstance(operand, dict):
        operator, operand = next(iter(operand.items()))
    if operator == "wildcard":
        for pattern in operand if isinstance(operand, list) else [operand]:
            yield _ESCAPED.sub("", pattern).count("*")


# --- Messages -----------------------------------------------------------------------------------------------------------


class Published:
    """A message, taken apart once for all the policies that look at it."""

    def __init__(self, attributes: Mapping[str, Mapping[str, Any]] | None) -> None:
        """`attributes`: as notifications have them, each with its `Type` and `Value`."""
        self._attributes = attributes or {}
        self._of_attributes: Leaves | None = None
        self._of_bodies: dict[str, Leaves] = {}

    def passes(self, policy: str, scope: str, body: str) -> bool:
        """Is it for the subscriber? Never raises. `body`: what would be sent, which may differ from subscriber to subscriber."""
        pattern = _compiled(policy)
        if pattern is _EVERYTHING:
            return True
        leaves = self._leaves(scope, body)
        if not leaves.by_name:  # that something does not exist is said only of a message that has anything
            return False
        return pattern.matches_leaves(leaves)

    def _leaves(self, scope: str, body: str) -> Leaves:
        if scope == BODY:
            if body not in self._of_bodies:
                self._of_bodies[body] = _leaves_of_body(body)
            return self._of_bodies[body]
        if self._of_attributes is None:
            self._of_attributes = leaves_of(dict(_values(self._attributes)))
        return self._of_attributes


@lru_cache(maxsize=4096)
def _compiled(text: str) -> EventPattern:
    """A policy that was taken before all of it was checked lets nothing through."""
    try:
        document = _document(text)
        if not document:
            return _EVERYTHING
        pattern = compile_document(document)
    except (InvalidFilterPolicy, PatternObjection):
        return _NOTHING
    return EventPattern(tuple(tuple(map(_strict, fields)) for fields in pattern.alternatives))


def _strict(field: Field) -> Field:
    """What exists has a value, here."""
    return replace(field, tests=tuple(_has_value if test is event_filter.exists else test for test in field.tests))


def _has_value(value: Any) -> bool:
    return value is not None and value != ""


def _leaves_of_body(body: str) -> Leaves:
    """What is no object has none, and passes no policy."""
    try:
        return leaves_of(orjson.loads(body))
    except orjson.JSONDecodeError:
        return _NO_LEAVES


def _values(attributes: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Binary attributes are passed over, and so is what is not what its type says."""
    for name, attribute in attributes.items():
        kind, value = attribute["Type"], attribute["Value"]
        if kind.startswith("Binary") or not isinstance(value, str):
            continue
        if kind in ("String.Array", "Number.Array"):
            found: Any = _elements(value)
        else:
            found = _number(value) if kind.startswith("Number") else value
        if found is not None:
            yield name, found


def _elements(text: str) -> list[Any] | None:
    try:
        elements = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return elements if isinstance(elements, list) else None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
