"""What a function is given: is its payload one that may be, and the client context. A payload goes on as the bytes that came."""

import base64
import binascii
import json

import msgspec
import orjson

from lambdad.errors import InvalidRequestContentException, RequestTooLargeException

_SYNTAX = msgspec.json.Decoder(msgspec.Raw)
"""Reads JSON and builds nothing: 6 MB of small objects keep the event loop for 6 ms, parsing them would for 85."""


def check_payload(payload: bytes, limit: int) -> None:
    """`limit` in bytes. Raises RequestTooLargeException, InvalidRequestContentException."""
    if len(payload) > limit:
        raise RequestTooLargeException.invoke(limit)
    if _is_plainly_json(payload):
        return
    try:
        orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        if not _is_json_all_the_same(payload):
            raise InvalidRequestContentException.payload(payload, error.pos, error.msg) from error


def _is_plainly_json(payload: bytes) -> bool:
    """False: look closer."""
    try:
        _SYNTAX.decode(payload)  # it does not look at how strings are encoded
        return payload.isascii() or bool(payload.decode())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def _is_json_all_the_same(payload: bytes) -> bool:
    """orjson refuses what RFC 8259 allows and AWS takes: numbers beyond a double, halves of surrogate pairs."""
    try:
        json.loads(payload.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse_constant(name: str) -> None:
    raise ValueError(name)  # NaN and Infinity are Python's own


def read_client_context(encoded: bytes) -> str:
    """Base64 of a JSON object, as one line of text. Raises InvalidRequestContentException."""
    try:
        document = orjson.loads(base64.b64decode(encoded, validate=True))
    except (binascii.Error, orjson.JSONDecodeError) as error:
        raise InvalidRequestContentException.client_context() from error
    if not isinstance(document, dict):
        raise InvalidRequestContentException.client_context()
    # It travels to the runtime in a header: control characters must be escaped, which a re-encoding does.
    return orjson.dumps(document).decode()
