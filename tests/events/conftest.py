"""What the tests of EventBridge have in common."""

from typing import Any

import pytest

from server import Server


@pytest.fixture(scope="session")
def events(server: Server) -> Any:
    return server.client("events")
