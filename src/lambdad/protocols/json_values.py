"""JSON documents ↔ members, by a shape of the service model: what all of AWS's JSON protocols have in common.

Unknown members are ignored, null is absent, and a value of the wrong JSON type is refused as AWS does.
"""

import base64
import binascii
from collections.abc import Callable
from typing import Any

from lambdad.errors import SerializationException
from lambdad.protocols.model import Shape

_PIECE = 1 << 18
"""Characters; a multiple of four."""
NAMES = {str: "STRING_VALUE", int: "NUMBER_VALUE", float: "DECIMAL_VALUE", bool: "TRUE_VALUE"}
NAMES |= {list: "START_ARRAY", dict: "START_OBJECT"}
_INTEGER = 1 << 31
_WANTED = {"string": "String", "integer": "Integer", "long": "Long", "double": "Double", "boolean": "Boolean"}


def from_json(value: Any, shape: Shape, scalar: Callable[[Any, str], Any] | None = None) -> Any:
    """What a parsed document holds, as the shape wants it. `scalar`: how a simple value of a type is read, unless as in JSON.

    Raises SerializationException.
    """
    read = scalar or from_scalar
    kind = shape.type
    if kind == "structure":
        if not isinstance(value, dict):
            raise mismatch(value, None)
        return {
            member.name: from_json(value[member.wire_name], member.shape, scalar)
            for member in shape.members.values()
            if value.get(member.wire_name) is not None
        }
    if kind == "list":
        if not isinstance(value, list):
            raise mismatch(value, None)
        return [from_json(item, shape.element, scalar) for item in value if item is not None]
    if kind == "map":
        if not isinstance(value, dict):
            raise mismatch(value, None)
        return {key: from_json(item, shape.element, scalar) for key, item in value.items() if item is not None}
    return read(value, kind)


def to_json(value: Any, shape: Shape, scalar: Callable[[Any, str], Any] | None = None) -> Any:
    """Members as a document; those that are None are left out. `scalar`: how a simple value is written, unless as in JSON."""
    write = scalar or to_scalar
    kind = shape.type
    if kind == "structure":
        return {
            member.wire_name: to_json(value[member.name], member.shape, scalar)
            for member in shape.members.values()
            if value.get(member.name) is not None
        }
    if kind == "list":
        return [to_json(item, shape.element, scalar) for item in value]
    if kind == "map":
        return {key: to_json(item, shape.element, scalar) for key, item in value.items()}
    return write(value, kind)


def to_scalar(value: Any, kind: str) -> Any:
    return base64.b64encode(value).decode() if kind == "blob" else value


def from_scalar(value: Any, kind: str) -> Any:
    """A value of a simple type. Raises SerializationException."""
    if kind == "string":
        if isinstance(value, str):
            return value
        if isinstance(value, (int, float)):  # AWS's parser takes these as their text
            return str(value).lower() if isinstance(value, bool) else str(value)
    elif kind in ("integer", "long"):
        if isinstance(value, int) and not isinstance(value, bool) and (kind == "long" or -_INTEGER <= value < _INTEGER):
            return value
        if isinstance(value, float) and value.is_integer():
            return from_scalar(int(value), kind)
    elif kind == "boolean":
        if isinstance(value, bool):
            return value
    elif kind in ("double", "float", "timestamp"):
        if isinstance(value, (int, float)) and not isinstance(value, bool) and (kind != "timestamp" or _is_time(value)):
            return float(value)
    elif kind == "blob" and isinstance(value, str):
        return _blob(value)
    raise mismatch(value, _WANTED.get(kind))


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


def mismatch(value: Any, wanted: str | None) -> SerializationException:
    """`wanted`: the type's name; None: a list or an object."""
    name = NAMES.get(type(value), "NULL_VALUE")
    if value is False:
        name = "FALSE_VALUE"
    if wanted is None:
        return SerializationException("Unexpected field type" if name.startswith("START") else "Expected a container")
    return SerializationException(f"{name} can not be converted to a{'n' if wanted[0] in 'AEIOU' else ''} {wanted}")
