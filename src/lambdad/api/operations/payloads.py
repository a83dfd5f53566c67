"""Is a payload one that a function may be given: its size and that it is JSON; it goes on as the bytes that came."""

import json

import orjson

from lambdad.errors import InvalidRequestContentException, RequestTooLargeException


def check_payload(payload: bytes, limit: int) -> None:
    """`limit` in bytes. Raises RequestTooLargeException, InvalidRequestContentException."""
    if len(payload) > limit:
        raise RequestTooLargeException.invoke(limit)
    try:
        orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        if not _is_json_all_the_same(payload):
            raise InvalidRequestContentException.payload(payload, error.pos) from error


def _is_json_all_the_same(payload: bytes) -> bool:
    """orjson refuses what RFC 8259 allows and AWS takes: numbers beyond a double, halves of surrogate pairs."""
    try:
        json.loads(payload.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse_constant(name: str) -> None:
    raise ValueError(name)  # NaN and Infinity are Python's own
