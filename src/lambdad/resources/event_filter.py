"""Does an event match a pattern? As filters of event source mappings and rules have it. Pure.

AWS: docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html. The pattern is a well-formed one
(`event_pattern.py`). A field that has several values (an array) matches if one of them does.
"""

import ipaddress
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Pattern = Mapping[str, Any]


def matches(pattern: Pattern, event: Any) -> bool:
    """Every field of the pattern is matched by the event's of that name."""
    return all(_field_matches(name, wanted, event) for name, wanted in pattern.items())


def _field_matches(name: str, wanted: Any, event: Any) -> bool:
    if name == "$or" and isinstance(wanted, list) and all(isinstance(one, dict) for one in wanted):
        return any(matches(one, event) for one in wanted)
    given = event.get(name, _ABSENT) if isinstance(event, Mapping) else _ABSENT
    if isinstance(wanted, Mapping):
        below = given if isinstance(given, list) else [given]
        return any(matches(wanted, one) for one in below or [_ABSENT])
    values = list(_values(given))
    return any(_matcher_matches(matcher, values) for matcher in wanted)


_ABSENT = object()


def _values(given: Any) -> Iterator[Any]:
    """The leaves at one name; objects are none."""
    if isinstance(given, list):
        for one in given:
            yield from _values(one)
    elif given is not _ABSENT and not isinstance(given, Mapping):
        yield given


def _matcher_matches(matcher: Any, values: list[Any]) -> bool:
    if not isinstance(matcher, Mapping):
        return any(_equal(matcher, value) for value in values)
    ((name, wanted),) = matcher.items()
    if name == "exists":
        return bool(values) is wanted
    test = _TESTS[name]
    return any(test(wanted, value) for value in values)


def _equal(wanted: Any, value: Any) -> bool:
    """Numbers by value; nothing else is equal to something of another type."""
    if isinstance(wanted, bool) or isinstance(value, bool) or wanted is None or value is None:
        return wanted is value
    if isinstance(wanted, (int, float)) and isinstance(value, (int, float)):
        return wanted == value
    return type(wanted) is type(value) and bool(wanted == value)


def _of_text(test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    """An operator on text; where it takes another operator (`{"prefix": {"equals-ignore-case": …}}`), case does not count."""

    def tested(wanted: Any, value: Any) -> bool:
        if not isinstance(value, str):
            return False
        if isinstance(wanted, Mapping):
            (text,) = wanted.values()
            return test(text.lower(), value.lower())
        return test(wanted, value)

    return tested


def _wildcard(wanted: str, value: str) -> bool:
    """`*` is any text; a backslash takes the next character as it is."""
    parts = re.findall(r"\\(.)|(\*)|([^\\*]+)", wanted, re.DOTALL)
    expression = "".join(".*" if star else re.escape(escaped or text) for escaped, star, text in parts)
    return re.fullmatch(expression, value, re.DOTALL) is not None


def _anything_but(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, Mapping):
        ((name, texts),) = wanted.items()
        several = texts if isinstance(texts, list) else [texts]
        return not any(_TESTS[name](text, value) for text in several)
    several = wanted if isinstance(wanted, list) else [wanted]
    return not any(_equal(one, value) for one in several)


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _numeric(wanted: list[Any], value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    pairs = zip(wanted[::2], wanted[1::2], strict=True)
    return all(_COMPARISONS[sign](value, bound) for sign, bound in pairs)


def _cidr(wanted: str, value: Any) -> bool:
    try:
        return isinstance(value, str) and ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:  # it is no address
        return False


_TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "prefix": _of_text(lambda wanted, value: value.startswith(wanted)),
    "suffix": _of_text(lambda wanted, value: value.endswith(wanted)),
    "equals-ignore-case": _of_text(lambda wanted, value: value.lower() == wanted.lower()),
    "wildcard": _of_text(_wildcard),
    "anything-but": _anything_but,
    "numeric": _numeric,
    "cidr": _cidr,
}
