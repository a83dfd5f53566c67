"""Fixtures: who asks the shared server's CloudWatch."""

from typing import Any

import pytest

from metric_reading import Reading
from server import Server


@pytest.fixture
def cloudwatch(server: Server) -> Any:
    return server.client("cloudwatch")


@pytest.fixture
def reading(cloudwatch: Any) -> Reading:
    return Reading(cloudwatch)
