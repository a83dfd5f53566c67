"""Words, signs, texts and numbers of PartiQL's statements.

AWS: docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.data-types.html,
docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html (numbers)
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from moto.dynamodb.exceptions import MockValidationException

_TOKEN = re.compile(
    r"""\s*(?: (?P<text>'(?:[^']|'')*') | (?P<quoted>"(?:[^"]|"")*") | (?P<word>[A-Za-z_]\w*)
        | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?) | (?P<sign><<|>>|<=|>=|<>|!=|[=<>?,.:+*(){}\[\]-]) )""",
    re.VERBOSE | re.ASCII,
)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,9})?", re.ASCII)
_DEEPEST = 32
_PLAIN: dict[str, Any] = {"S": str, "N": str, "B": (str, bytes), "BOOL": bool, "NULL": bool}
_SETS = {"SS": "S", "NS": "N", "BS": "B"}
_EXACTLY_ONE = "must contain exactly one of the supported datatypes"
_MOST_DIGITS = 38
_MAGNITUDES = range(-130, 126)
"""Of numbers: powers of ten."""


def malformed(why: str = "Unexpected term") -> MockValidationException:
    return MockValidationException(f"Statement wasn't well formed, can't be processed: {why}")


def plain_number(text: str) -> str:
    """As it is told of: without an exponent, nor noughts that say nothing. Raises moto's ValidationException."""
    if not _NUMBER.fullmatch(text):
        raise MockValidationException(f"The parameter cannot be converted to a numeric value: {text}")
    number = Decimal(text)
    if number and number.adjusted() not in _MAGNITUDES:
        way, side = ("overflow", "larger") if number.adjusted() > 0 else ("underflow", "smaller")
        raise MockValidationException(
            f"Number {way}. Attempting to store a number with magnitude {side} than supported range"
        )
    if len("".join(map(str, number.as_tuple().digits)).strip("0")) > _MOST_DIGITS:
        raise MockValidationException("Attempting to store more than 38 significant digits in a Number")
    plain = f"{number:f}" if number else "0"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def set_of(values: Sequence[dict[str, Any]]) -> dict[str, Any]:
    kinds = {kind for value in values for kind in value}
    if len(kinds) != 1 or not kinds <= {"S", "N", "B"}:
        raise malformed()
    (kind,) = kinds
    return {f"{kind}S": [value[kind] for value in values]}


def check(value: Any, depth: int = 0) -> None:
    """A parameter. Raises moto's ValidationException."""
    check_depth(depth)
    if not isinstance(value, dict) or not value:
        raise MockValidationException(f"Supplied AttributeValue is empty, {_EXACTLY_ONE}")
    if len(value) > 1:
        raise MockValidationException(f"Supplied AttributeValue has more than one datatypes set, {_EXACTLY_ONE}")
    ((kind, content),) = value.items()
    parts: list[Any] = []
    if kind in _SETS and isinstance(content, list):
        parts = [{_SETS[kind]: one} for one in content]
    elif kind == "L" and isinstance(content, list):
        parts = content
    elif kind == "M" and isinstance(content, dict):
        parts = list(content.values())
    elif not (isinstance(content, _PLAIN.get(kind, ()))):
        raise MockValidationException(f"Supplied AttributeValue is empty, {_EXACTLY_ONE}")
    if kind == "N":
        plain_number(content)
    for part in parts:
        check(part, depth + 1)


def check_depth(depth: int) -> None:
    if depth > _DEEPEST:
        raise MockValidationException("Nesting Levels have exceeded supported limits")


def grouped(condition: str) -> str:
    """With placeholders. UpdateItem takes no parentheses around parentheses."""
    depth, closed = 0, []
    for place, sign in enumerate(condition):
        depth += (sign == "(") - (sign == ")")
        if sign == ")" and depth == 0:
            closed.append(place)
    whole = condition.startswith("(") and closed == [len(condition) - 1]
    return condition if whole else f"({condition})"


def tokens_of(statement: str) -> list[tuple[str, str]]:
    """(Kind, text without its quotes)."""
    found, place = [], 0
    statement = statement.strip()
    while place < len(statement):
        token = _TOKEN.match(statement, place)
        if token is None or token.lastgroup is None:
            raise malformed()
        kind, text, place = token.lastgroup, token[token.lastgroup], token.end()
        if kind in ("text", "quoted"):
            text = text[1:-1].replace(text[0] * 2, text[0])
        found.append((kind, text))
    return found
