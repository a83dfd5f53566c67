"""What NextToken says: where the last page ended."""

import base64
from typing import Any

import orjson

from lambdad.errors.xray import InvalidRequestException


def token_of(value: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode()


def read_place(token: str | None) -> tuple[float, int] | None:
    """The time and number of the last trace that was looked at. Raises InvalidRequestException."""
    if not token:
        return None
    try:
        value = orjson.loads(base64.urlsafe_b64decode(token))
    except ValueError as error:
        raise InvalidRequestException.token() from error
    if not isinstance(value, list) or len(value) != 2 or not all(isinstance(one, int | float) for one in value):
        raise InvalidRequestException.token()
    return float(value[0]), int(value[1])
