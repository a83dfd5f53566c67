"""What AWS's JSON parser (Jackson) says of a text that is no JSON: in its words, with line and column. Pure.

github.com/FasterXML/jackson-core: UTF8StreamJsonParser. Where it stops and what it has expected, orjson knows as well; it tells of
an unexpected character where that stands, and of all else when it is past it.
"""

import re

import orjson

_SOURCE = "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: {}, column: {}]"
_VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
_VALUE = f"expected a valid value {_VALUES}"
_EXPECTED = {
    "expected a string key": "was expecting double-quote to start field name",
    "expected ':' after key": "was expecting a colon to separate field name and value",
    "expected ',' or '}'": "was expecting comma to separate Object entries",
    "expected ',' or ']'": "was expecting comma to separate Array entries",
}
"""By what orjson says at the same place."""
_TOO_DEEP = "Document nesting depth (1001) exceeds the maximum allowed (1000, from `StreamReadConstraints.getMaxNestingDepth()`)"
"""orjson takes 1,024."""
_WORD = re.compile(rb"[A-Za-z_$][A-Za-z0-9_$]{0,255}")
"""An identifier of Java, as far as ASCII goes."""
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_MOST = 1 << 16
"""Bytes of a text whose open brackets are looked for."""


def jackson(data: bytes, position: int, reason: str) -> str:
    """`position` and `reason`: orjson's, in characters and in its words."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        return _undecodable(data, error)
    return _said(data, len(text[:position].encode()), reason)


def _said(data: bytes, position: int, reason: str) -> str:
    if "trailing comma" in reason:
        position = len(data) - len(data[position + 1 :].lstrip(b" \t\r\n"))
        reason = "expected a string key" if data[position : position + 1] == b"}" else ""
    if position >= len(data) or reason in ("unexpected end of data", "input data is empty"):
        return f"Unexpected end-of-input{_unclosed(data)}{_at(data, len(data))}"
    if "depth limit" in reason:
        return f"{_TOO_DEEP}{_at(data, position)}"
    if "control character" in reason:
        shown = _shown(data[position])
        said = f"Illegal unquoted character ({shown}): has to be escaped using backslash to be included in string value"
        return f"{said}{_at(data, position + 1)}"
    if "escaped sequence" in reason:
        return f"Unrecognized character escape {_shown(data[position + 1])}{_at(data, position + 2)}"
    expected = next((said for clue, said in _EXPECTED.items() if clue in reason), _VALUE)
    word = _WORD.match(data, position)
    if expected == _VALUE and word is not None:
        past = min(word.end() + 1, len(data))
        return f"Unrecognized token '{word[0].decode()}': was expecting {_VALUES}{_at(data, past)}"
    return f"Unexpected character ({_shown(data[position])}): {expected}{_at(data, position)}"


def _undecodable(data: bytes, error: UnicodeDecodeError) -> str:
    """Bytes that are no UTF-8: matter only where the parser comes so far, and is in a string or a word."""
    start = error.start
    try:
        orjson.loads(data[:start])
    except orjson.JSONDecodeError as before:
        at = len(data[:start].decode()[: before.pos].encode())
        word = _WORD.match(data, at)
        is_word = word is not None and word.end() == start and not any(clue in before.msg for clue in _EXPECTED)
        if before.msg != "unexpected end of data" and at < start and not is_word:
            return jackson(data[:start], before.pos, before.msg)
    if not data[:start][-1:].isalpha() and b'"' not in _STRING.sub(b"", data[:start]):
        return f"Unexpected character ({_shown(data[start])}): {_VALUE}{_at(data, start)}"
    if error.reason == "invalid continuation byte":
        return f"Invalid UTF-8 middle byte 0x{data[error.end]:02x}{_at(data, error.end + 1)}"
    return f"Invalid UTF-8 start byte 0x{data[start]:02x}{_at(data, start + 1)}"


def _unclosed(data: bytes) -> str:
    """Of a text that ends too early: in the midst of what."""
    if len(data) > _MOST:
        return ""
    rest = _STRING.sub(lambda string: b" " * len(string[0]), data)
    opened: list[int] = []
    for bracket in re.finditer(rb"[\[\]{}]", rest.partition(b'"')[0]):
        if bracket[0] in b"[{":
            opened.append(bracket.start())
        elif opened:
            opened.pop()
    is_object = bool(opened) and rest[opened[-1]] == ord("{")
    if b'"' in rest:
        is_name = is_object and not rest.partition(b'"')[0].rstrip().endswith(b":")
        return " in field name" if is_name else " in VALUE_STRING"
    if not opened:
        return ""
    kind = "Object" if is_object else "Array"
    return f": expected close marker for {kind} (start marker at {_where(data, opened[-1])})"


def _shown(byte: int) -> str:
    return f"'{chr(byte)}' (code {byte})" if 32 <= byte < 127 else f"(CTRL-CHAR, code {byte})"


def _at(data: bytes, position: int) -> str:
    return f"\n at {_where(data, position)}"


def _where(data: bytes, position: int) -> str:
    line = data.count(b"\n", 0, position) + 1
    return _SOURCE.format(line, position - (data.rfind(b"\n", 0, position) + 1) + 1)
