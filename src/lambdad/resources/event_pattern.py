"""Event patterns, as rules, as filters of event source mappings and of topics: read, or refused with AWS's reason. Pure.

AWS: docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html, github.com/aws/event-ruler
(JsonRuleCompiler). `event_filter.py` matches events.
"""

import ipaddress
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import product
from typing import Any, Final

import orjson

from lambdad.errors.event_patterns import InvalidEventPatternException, PatternObjection, located
from lambdad.resources import event_filter
from lambdad.resources.event_filter import EventPattern, Field, Test
from lambdad.resources.json_position import index_of, line_and_column

_MOST_COMBINATIONS = 1000
_LARGEST = 5e9
_OR = "$or"
_RESERVED: Final = frozenset(
    {
        *("exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr"),
        *("=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case", "date-after"),
        *("date-on-or-after", "date-before", "date-on-or-before", "in-date-range", "ip-address-in-range"),
        "ip-address-not-in-range",
    }
)
"""Members that nothing within `$or` may have: they would be operators by mistake."""
_Branch = dict[str, Field]


def is_event_pattern(text: str) -> bool:
    try:
        pattern_of(text)
    except InvalidEventPatternException:
        return False
    return True


@lru_cache(maxsize=4096)
def pattern_of(text: str) -> EventPattern:
    """Raises InvalidEventPatternException."""
    try:
        return compile_document(_parsed(text))
    except PatternObjection as objection:
        raise InvalidEventPatternException.of(explained(objection, text)) from objection


def explained(objection: PatternObjection, text: str) -> str:
    """Its reason, and where it is in the pattern's text."""
    index = index_of(text, objection.path) if objection.position is None else objection.position + 1
    return located(objection.reason, text, *line_and_column(text, index))


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise PatternObjection.no_json(text, error.pos) from error


def compile_document(document: Any) -> EventPattern:
    """Of a pattern that is parsed. Raises PatternObjection."""
    if not isinstance(document, dict):
        raise PatternObjection.no_object()
    try:
        branches = _object(document, "", False)
    except RecursionError as error:
        raise PatternObjection.too_deep() from error
    return EventPattern(tuple(tuple(branch[name] for name in sorted(branch, key=_order)) for branch in branches))


def _order(name: str) -> list[str]:
    """Fields of one object are beside each other."""
    return name.split(".")


def _object(document: Mapping[str, Any], prefix: str, within_or: bool) -> list[_Branch]:
    """Every way to match it."""
    if not document:
        raise PatternObjection.empty_object()
    ways: list[list[_Branch]] = []
    for name, value in document.items():
        try:
            ways.append(_member(name, value, prefix, within_or))
        except PatternObjection as objection:
            raise objection.within(name) from None
        if _count(ways) > _MOST_COMBINATIONS:
            raise PatternObjection.combinations(_MOST_COMBINATIONS)
    return [{name: one for part in parts for name, one in part.items()} for parts in product(*ways)]


def _count(ways: Sequence[Sequence[Any]]) -> int:
    count = 1
    for way in ways:
        count *= len(way)
    return count


def _member(name: str, value: Any, prefix: str, within_or: bool) -> list[_Branch]:
    if is_or(name, value):
        return [branch for number, one in enumerate(value) for branch in _alternative(number, one, prefix)]
    if within_or and name in _RESERVED:
        raise PatternObjection.reserved(name)
    full = f"{prefix}{name}"
    if isinstance(value, dict):
        return _object(value, f"{full}.", within_or)
    if isinstance(value, list):
        return [{full: _field(full, value)}]
    raise PatternObjection.no_array(name)


def is_or(name: str, value: Any) -> bool:
    """Otherwise it is a name like any other, as it was before there was the operator."""
    return (
        name == _OR
        and isinstance(value, list)
        and len(value) > 1
        and all(isinstance(one, dict) and not _RESERVED & one.keys() for one in value)
    )


def _alternative(number: int, document: Mapping[str, Any], prefix: str) -> list[_Branch]:
    try:
        return _object(document, prefix, True)
    except PatternObjection as objection:
        raise objection.within(number) from None


def _field(name: str, values: list[Any]) -> Field:
    if not values:
        raise PatternObjection.empty_array()
    tests: list[Test] = []
    scalars: list[Any] = []
    absent = False
    for number, value in enumerate(values):
        if isinstance(value, list):
            raise PatternObjection.value().within(number)
        if not isinstance(value, dict):
            scalars.append(value)
        elif value == {"exists": False}:
            absent = True
        else:
            tests.append(_expression(value, number))
    if scalars:
        tests.append(event_filter.equals_any(scalars))
    return Field(name, tuple(tests), absent)


# --- Operators ----------------------------------------------------------------------------------------------------------


def _expression(expression: Mapping[str, Any], number: int) -> Test:
    if not expression:
        raise PatternObjection.no_operator().within(number)
    operator, operand = next(iter(expression.items()))
    read = _OPERATORS.get(operator)
    if read is None:
        raise PatternObjection.operator(operator).within(number, operator)
    try:
        test = read(operand)
    except PatternObjection as objection:
        raise objection.within(number, operator) from None
    if len(expression) > 1:
        raise PatternObjection.two_operators().within(number)
    return test


def _exactly(operand: Any) -> Test:
    return event_filter.equals_any([_text(operand, "exact")])


def _prefix(operand: Any) -> Test:
    ignoring = _ignoring_case(operand, "prefix")
    if ignoring is not None:
        return event_filter.begins_with_ignoring_case(ignoring)
    return event_filter.begins_with(_text(operand, "prefix"))


def _suffix(operand: Any) -> Test:
    ignoring = _ignoring_case(operand, "suffix")
    if ignoring is not None:
        return event_filter.ends_with_ignoring_case(ignoring)
    return event_filter.ends_with(_text(operand, "suffix"))


def _ignoring_case(operand: Any, operator: str) -> str | None:
    if not isinstance(operand, dict):
        return None
    if list(operand) != ["equals-ignore-case"]:
        raise PatternObjection.no_string(operator)
    return _text(operand["equals-ignore-case"], "equals-ignore-case")


def _equals_ignore_case(operand: Any) -> Test:
    return event_filter.equals_ignoring_case(_text(operand, "equals-ignore-case"))


def _wildcard(operand: Any) -> Test:
    return event_filter.is_like(_pieces(_text(operand, "wildcard")))


def _text(operand: Any, operator: str) -> str:
    if not isinstance(operand, str):
        raise PatternObjection.no_string(operator)
    return operand


def _pieces(text: str) -> list[str]:
    """What stands between the wildcards, of which `*` is one and `\\*` is not."""
    pieces = [""]
    characters = enumerate(text)
    wildcard_at = -2
    for position, character in characters:
        if character == "*":
            if wildcard_at == position - 1:
                raise PatternObjection.wildcards(position)
            wildcard_at = position
            pieces.append("")
        elif character == "\\":
            _, escaped = next(characters, (0, ""))
            if escaped not in ("*", "\\"):
                raise PatternObjection.escape(position)
            pieces[-1] += escaped
        else:
            pieces[-1] += character
    return pieces


def _exists(operand: Any) -> Test:
    if operand is not True:  # that it must not exist is no test of a leaf
        raise PatternObjection.exists()
    return event_filter.exists


def _cidr(operand: Any) -> Test:
    """From the address that is named, whatever the mask, to the last of its network."""
    parts = _text(operand, "prefix").split("/")
    if len(parts) != 2:
        raise PatternObjection.network()
    try:
        address = ipaddress.ip_address(parts[0])
    except ValueError:
        raise PatternObjection.address(parts[0]) from None
    if not parts[1].isascii() or not parts[1].isdecimal():
        raise PatternObjection.network_mask()
    bits = int(parts[1])
    if bits > address.max_prefixlen:
        raise PatternObjection.network_bits(address.version, address.max_prefixlen)
    network = ipaddress.ip_network(f"{address}/{bits}", strict=False)
    return event_filter.is_in_network(address, network.broadcast_address)


# --- Numbers ------------------------------------------------------------------------------------------------------------


def _numeric(operand: Any) -> Test:
    """One comparison, or two that bound from both sides."""
    if not isinstance(operand, list):
        raise PatternObjection.numeric()
    sign = operand[0] if operand else None
    if not isinstance(sign, str):
        raise PatternObjection.numeric_member("]" if sign is None else sign)
    if sign not in ("=", "<", "<=", ">", ">="):
        raise PatternObjection.numeric_operator(sign)
    number = _number(operand, 1, sign)
    if sign == "=":
        _check_end(operand)
        return event_filter.is_within(number, False, number, False)
    if sign[0] == "<":
        _check_end(operand)
        return event_filter.is_within(None, False, number, sign == "<")
    if len(operand) == 2:
        return event_filter.is_within(number, sign == ">", None, False)
    return _between(operand, number, sign == ">")


def _check_end(operand: list[Any]) -> None:
    if len(operand) > 2:
        raise PatternObjection.numeric_elements()


def _between(operand: list[Any], lowest: float, open_below: bool) -> Test:
    sign = operand[2]
    if not isinstance(sign, str):
        raise PatternObjection.range_value(sign)
    if sign not in ("<", "<="):
        raise PatternObjection.range_operator(sign)
    highest = _number(operand, 3, sign)
    if len(operand) > 4:
        raise PatternObjection.range_terms()
    if lowest >= highest:
        raise PatternObjection.empty_range()
    return event_filter.is_within(lowest, open_below, highest, sign == "<")


def _number(operand: list[Any], index: int, sign: str) -> float:
    if len(operand) <= index:
        raise PatternObjection.no_number(sign)
    number: Any = operand[index]
    if not _is_number(number):
        raise PatternObjection.no_number(sign).within(index)
    if not -_LARGEST <= number <= _LARGEST:
        raise PatternObjection.number_bounds()
    return float(number)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


# --- What must not be ---------------------------------------------------------------------------------------------------


def _anything_but(operand: Any) -> Test:
    """A value, several of one kind, or one operator on text with a text or several."""
    if isinstance(operand, dict):
        return event_filter.none_of(list(_excluded(operand)))
    values = operand if isinstance(operand, list) else [operand]
    if not isinstance(operand, list) and not (isinstance(operand, str) or _is_number(operand)):
        raise PatternObjection.exclusion()
    if not all(isinstance(value, str) or _is_number(value) for value in values):
        raise PatternObjection.exclusion_member()
    if len({isinstance(value, str) for value in values}) != 1:
        raise PatternObjection.exclusion_kinds()
    wanted = frozenset(values)
    return lambda value: isinstance(value, bool) or value not in wanted


def _excluded(operand: Mapping[str, Any]) -> Iterator[Test]:
    if not operand:
        raise PatternObjection.no_operator()
    operator, texts = next(iter(operand.items()))
    if operator not in ("prefix", "suffix", "equals-ignore-case", "wildcard"):
        raise PatternObjection.exclusion_operator(operator)
    if len(operand) > 1:
        raise PatternObjection.two_operators()
    listed = texts if isinstance(texts, list) else [texts]
    if not listed or not all(isinstance(text, str) for text in listed):
        raise PatternObjection.excluded_text(operator)
    if operator != "equals-ignore-case" and "" in listed:
        raise PatternObjection.excluded_nothing()
    for text in listed:
        yield _OPERATORS[operator](text)


_OPERATORS: Final[Mapping[str, Callable[[Any], Test]]] = {
    "anything-but": _anything_but,
    "cidr": _cidr,
    "equals-ignore-case": _equals_ignore_case,
    "exactly": _exactly,
    "exists": _exists,
    "numeric": _numeric,
    "prefix": _prefix,
    "suffix": _suffix,
    "wildcard": _wildcard,
}
