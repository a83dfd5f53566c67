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
_MOST_DIGITS = 38
_MAGNITUDES = range(-130, 126)
"""Of numbers: powers of ten."""


def malformed(why: str = "Unexpected term") -> MockValidationException:
    return MockValidationException(f"Statement wasn't well formed, can't be processed: {why}")


def plain_number(text: str) -> str:
    """As it is told of: without an exponent, nor noughts that say nothing. Raises moto's ValidationException."""
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
