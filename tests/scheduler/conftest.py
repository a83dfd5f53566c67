"""A client of EventBridge Scheduler, and schedules that are gone after the test."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from functions import new_name
from schedules import NEVER, OFF
from server import Server


@pytest.fixture(scope="session")
def scheduler(server: Server) -> Any:
    return server.client("scheduler")


@pytest.fixture
def schedule(scheduler: Any) -> Iterator[Callable[..., str]]:
    """Makes schedules that are gone after the test; the name."""
    made: list[tuple[str, str]] = []

    def make(target: dict[str, Any], expression: str = NEVER, **more: Any) -> str:
        name = more.pop("Name", None) or new_name("s")
        scheduler.create_schedule(
            **{"Name": name, "ScheduleExpression": expression, "FlexibleTimeWindow": OFF, "Target": target, **more}
        )
        made.append((name, more.get("GroupName", "default")))
        return name

    yield make
    for name, group in made:
        try:
            scheduler.delete_schedule(Name=name, GroupName=group)
        except scheduler.exceptions.ResourceNotFoundException:
            continue
