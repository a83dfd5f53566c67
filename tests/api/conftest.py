"""Fixtures of the API's tests."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from functions import PROMPT, ROLE, new_name, zip_of

Create = Callable[..., dict[str, Any]]


@pytest.fixture
def create_function(client: Any) -> Iterator[Create]:
    """CreateFunction with what it needs, and whatever a test adds or (with None) leaves out; deleted afterwards."""
    made: list[str] = []

    def create(**parameters: Any) -> dict[str, Any]:
        request = {
            "FunctionName": new_name(),
            "Runtime": "python3.12",
            "Role": ROLE,
            "Handler": "app.handler",
            "Code": {"ZipFile": zip_of({"app.py": "def handler(event, context):\n    return event\n"})},
            **parameters,
        }
        answer: dict[str, Any] = client.create_function(**{k: v for k, v in request.items() if v is not None})
        made.append(answer["FunctionName"])
        return answer

    yield create
    for name in made:
        try:
            client.delete_function(FunctionName=name)
        except client.exceptions.ResourceNotFoundException:
            continue


@pytest.fixture
def settled(client: Any) -> Callable[..., None]:
    """Waits as SDKs do, until the function is Active and its last update Successful."""

    def wait(name: str, **more: Any) -> None:
        for waiter in ("function_active_v2", "function_updated_v2"):
            client.get_waiter(waiter).wait(FunctionName=name, WaiterConfig=PROMPT, **more)

    return wait
