"""What NextToken says: where the last page ended."""

import base64
from typing import Any, Final

import orjson

from lambdad.errors.xray import InvalidRequestException
from lambdad.protocols.context import Members

_HIGHEST: Final = 2**63 - 1


def refuse_token(request: Members) -> None:
    """Of an operation whose first page is its last: nobody was given a token. Raises InvalidRequestException."""
    if request.get("NextToken"):
        raise InvalidRequestException.token()


def token_of(value: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode()


def read_place(token: str | None) -> tuple[float, int] | None:
    """The time and number of the last trace that was looked at. Raises InvalidRequestException."""
    if not token:
        return None
    try:
        value = orjson.loads(base64.b64decode(token, b"-_", validate=True))
    except ValueError as error:
        raise InvalidRequestException.token() from error
    match value:
        case [int() | float() as time, int(number)] if 0 <= number <= _HIGHEST:
            return float(time), number
    raise InvalidRequestException.token()
