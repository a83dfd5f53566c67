"""A request's bytes → the members of an operation's input, by the service model. Protocol: rest-json.

AWS: smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html. Unknown members are ignored, null is absent, and a member of the
wrong JSON type is refused as AWS does.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson

from lambdad.api.model import Member, Operation, Shape
from lambdad.errors import InvalidRequestContentException, SerializationException

_PIECE = 1 << 18
"""Characters; a multiple of four."""
_NAMES = {str: "STRING_VALUE", int: "NUMBER_VALUE", float: "DECIMAL_VALUE", bool: "TRUE_VALUE"}
_NAMES |= {list: "START_ARRAY", dict: "START_OBJECT"}
_WANTED = {"string": "String", "integer": "Integer", "long": "Long", "double": "Double", "boolean": "Boolean"}


def decode(
    operation: Operation, path: Mapping[str, str], query: str, headers: Mapping[bytes, bytes], body: bytes
) -> dict[str, Any]:
    """By member name; only what was given. Raises SerializationException, InvalidRequestContentException."""
    shape = operation.input
    if shape is None:
        return {}
    values: dict[str, Any] = {}
    given = _query(query)
    document: Any = None
    for member in shape.members.values():
        if member.location == "uri":
            values[member.name] = _from_text(path[member.wire_name], member.shape)
        elif member.location == "querystring":
            _put_query(values, member, given)
        elif member.location in ("header", "headers"):
            text = headers.get(member.wire_name.lower().encode())
            if text is not None:
                values[member.name] = _from_text(text.decode("latin-1"), member.shape)
        elif shape.payload == member.name and member.shape.type == "blob":
            values[member.name] = body
        elif shape.payload == member.name:
            values[member.name] = _value(_parse(body), member.shape)
        else:
            if document is None:
                document = _parse(body)
            value = document.get(member.wire_name)
            if value is not None:
                values[member.name] = _value(value, member.shape)
    return values


def _parse(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequestContentException.body(body, error.pos) from error
    if not isinstance(document, dict):
        raise SerializationException(f"Unexpected value type in payload: {_NAMES.get(type(document), 'NULL_VALUE')}")
    return document


def _query(query: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return found


def _put_query(values: dict[str, Any], member: Member, given: Mapping[str, list[str]]) -> None:
    texts = given.get(member.wire_name)
    if not texts:
        return
    if member.shape.type == "list":
        values[member.name] = [_from_text(text, member.shape.element) for text in texts]
    else:
        values[member.name] = _from_text(texts[0], member.shape)


def _from_text(text: str, shape: Shape) -> Any:
    """A value that travels as text: path, query string, header."""
    if shape.type in ("integer", "long"):
        try:
            return int(text)
        except ValueError as error:
            raise SerializationException(f"{text!r} can not be converted to an Integer") from error
    if shape.type == "boolean":
        return text.lower() == "true"
    return text


def _value(value: Any, shape: Shape) -> Any:
    """A JSON value as the shape wants it."""
    kind = shape.type
    if kind == "structure":
        if not isinstance(value, dict):
            raise _mismatch(value, None)
        return {
            member.name: _value(value[member.wire_name], member.shape)
            for member in shape.members.values()
            if value.get(member.wire_name) is not None
        }
    if kind == "list":
        if not isinstance(value, list):
            raise _mismatch(value, None)
        return [_value(item, shape.element) for item in value if item is not None]
    if kind == "map":
        if not isinstance(value, dict):
            raise _mismatch(value, None)
        return {key: _value(item, shape.element) for key, item in value.items() if item is not None}
    return _scalar(value, kind)


def _scalar(value: Any, kind: str) -> Any:
    if kind == "string":
        if isinstance(value, str):
            return value
        if isinstance(value, (int, float)):  # AWS's parser takes these as their text
            return str(value).lower() if isinstance(value, bool) else str(value)
    elif kind in ("integer", "long"):
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, float) and value.is_integer():
            return int(value)
    elif kind == "boolean":
        if isinstance(value, bool):
            return value
    elif kind in ("double", "float", "timestamp"):
        if isinstance(value, (int, float)) and not isinstance(value, bool) and (kind != "timestamp" or _is_time(value)):
            return float(value)
    elif kind == "blob" and isinstance(value, str):
        return _blob(value)
    raise _mismatch(value, _WANTED.get(kind))


def _blob(text: str) -> bytes:
    """Piece by piece: a package of 50 MB at once would keep every other thread from running for as long."""
    try:
        encoded = text.encode("ascii")
        if b"=" in encoded[:-2]:
            raise binascii.Error("padding before the end")
        pieces = (encoded[start : start + _PIECE] for start in range(0, len(encoded), _PIECE))
        return b"".join(base64.b64decode(piece, validate=True) for piece in pieces)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise SerializationException("Invalid base64 in a binary member") from error


def _is_time(seconds: float) -> bool:
    """One that SDKs can read again: years 1970 to 9999."""
    return 0 <= seconds < 253_402_300_800


def _mismatch(value: Any, wanted: str | None) -> SerializationException:
    name = _NAMES.get(type(value), "NULL_VALUE")
    if value is False:
        name = "FALSE_VALUE"
    if wanted is None:
        return SerializationException("Unexpected field type" if name.startswith("START") else "Expected a container")
    return SerializationException(f"{name} can not be converted to a{'n' if wanted[0] in 'AEIOU' else ''} {wanted}")
