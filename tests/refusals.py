"""What a refused request was answered."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


def refused(action: Callable[..., Any], **parameters: Any) -> tuple[str, int, str]:
    """(error code, HTTP status, message). Fails if it was not refused."""
    with pytest.raises(ClientError) as caught:
        action(**parameters)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]


def members_of_refusal(action: Callable[..., Any], **parameters: Any) -> set[str]:
    """Of the body as sent: AWS spells some differently, and leaves `Type` out of some."""
    with pytest.raises(ClientError) as caught:
        action(**parameters)
    return caught.value.response.keys() - {"Error", "ResponseMetadata"}


def invalid(message: str) -> tuple[str, int, str]:
    return "InvalidParameterValueException", 400, message


def violation(message: str) -> tuple[str, int, str]:
    return "ValidationException", 400, f"1 validation error detected: {message}"
