"""What is said of a text that is no JSON, as AWS's parser says it."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdad.errors.json_syntax import jackson

VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
SOURCE = "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: {}, column: {}]"


def said(data: bytes) -> tuple[str, int, int]:
    """What, and the line and column where the parser is."""
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError as error:
        what, _, where = jackson(data, error.pos, error.msg).rpartition("\n at ")
        line, column = where.partition("line: ")[2].rstrip("]").split(", column: ")
        assert where == SOURCE.format(line, column)
        return what, int(line), int(column)
    raise AssertionError(data)


@pytest.mark.parametrize(
    ("data", "what", "line", "column"),
    [
        (b"hello", f"Unrecognized token 'hello': was expecting {VALUES}", 1, 6),
        (b"nope", f"Unrecognized token 'nope': was expecting {VALUES}", 1, 5),
        (b'{"a":tru}', f"Unrecognized token 'tru': was expecting {VALUES}", 1, 10),
        (b'{\n "a": x}', f"Unrecognized token 'x': was expecting {VALUES}", 2, 9),
        ('{"éé": x}'.encode(), f"Unrecognized token 'x': was expecting {VALUES}", 1, 12),
        (b"{'a': 1}", "Unexpected character (''' (code 39)): was expecting double-quote to start field name", 1, 2),
        (b"{a: 1}", "Unexpected character ('a' (code 97)): was expecting double-quote to start field name", 1, 2),
        (b'{"a":1, }', "Unexpected character ('}' (code 125)): was expecting double-quote to start field name", 1, 9),
        (
            b'{"a" 1}',
            "Unexpected character ('1' (code 49)): was expecting a colon to separate field name and value",
            1,
            6,
        ),
        (
            b'{"a":1 "b":2}',
            "Unexpected character ('\"' (code 34)): was expecting comma to separate Object entries",
            1,
            8,
        ),
        (b"[1 2]", "Unexpected character ('2' (code 50)): was expecting comma to separate Array entries", 1, 4),
        (b"[1,]", f"Unexpected character (']' (code 93)): expected a valid value {VALUES}", 1, 4),
        (b'{"a":}', f"Unexpected character ('}}' (code 125)): expected a valid value {VALUES}", 1, 6),
        (b"\x99\xeb,j", f"Unexpected character ((CTRL-CHAR, code 153)): expected a valid value {VALUES}", 1, 1),
        (b"n\x87r\x9e", "Invalid UTF-8 start byte 0x87", 1, 3),
        (b'{"a": "\xff"}', "Invalid UTF-8 start byte 0xff", 1, 9),
        (b'{"a": "\xc3("}', "Invalid UTF-8 middle byte 0x28", 1, 10),
        (
            b'{"a" "\xff"}',
            "Unexpected character ('\"' (code 34)): was expecting a colon to separate field name and value",
            1,
            6,
        ),
        (
            b'"\x01"',
            "Illegal unquoted character ((CTRL-CHAR, code 1)): has to be escaped using backslash to be included in string value",
            1,
            3,
        ),
        (b'"\\x"', "Unrecognized character escape 'x' (code 120)", 1, 4),
        (
            b"{",
            f"Unexpected end-of-input: expected close marker for Object (start marker at {SOURCE.format(1, 1)})",
            1,
            2,
        ),
        (
            b'{"a":\n [1',
            f"Unexpected end-of-input: expected close marker for Array (start marker at {SOURCE.format(2, 2)})",
            2,
            4,
        ),
        (b'{"a":"b', "Unexpected end-of-input in VALUE_STRING", 1, 8),
        (b'{"a":"b","c', "Unexpected end-of-input in field name", 1, 12),
        (b"-", "Unexpected end-of-input", 1, 2),
        (
            b"[" * 2000 + b"]" * 2000,
            "Document nesting depth (1001) exceeds the maximum allowed "
            "(1000, from `StreamReadConstraints.getMaxNestingDepth()`)",
            1,
            1026,
        ),
        (b" ", "Unexpected end-of-input", 1, 2),
    ],
)
def test_words(data: bytes, what: str, line: int, column: int) -> None:
    assert said(data) == (what, line, column)


@given(st.binary(max_size=40) | st.text('{}[]",:\\truefalsnl01 \n\té', max_size=40).map(str.encode))
def test_something_is_said_of_everything(data: bytes) -> None:
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError as error:
        assert "\n at [Source: REDACTED" in jackson(data, error.pos, error.msg)
