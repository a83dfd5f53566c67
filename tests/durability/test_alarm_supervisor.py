"""The alarms' supervisor, minute by minute: states follow the metrics, and what is done about it is committed with them."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from lambdad.observability.datapoint import Datapoint
from lambdad.observability.metric_store import MetricStore
from lambdad.resources.alarm import Alarm, AlarmKey, initial_state
from lambdad.services.cloudwatch.alarm_actions import AlarmActions
from lambdad.services.cloudwatch.alarm_supervisor import AlarmSupervisor
from lambdad.services.outbox import Outbox
from lambdad.store.alarms import AlarmChange, Alarms
from lambdad.store.database import Database, DatabaseClosed
from lambdad.store.deliveries import Deliveries
from lambdad.store.metrics import Metrics, SeriesKey
from lambdad.store.queue import EventQueue

BEGIN = 1_790_000_000 // 3600 * 3600
KEY = AlarmKey("000000000000", "us-east-1", "a")
TOPIC = "arn:aws:sns:us-east-1:000000000000:t"
SERIES = SeriesKey("000000000000", "us-east-1", "App", "m", (), "None")


class HandClock:
    time = float(BEGIN)

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


class Nobody:
    """There is no function, and nobody waits for what is committed."""

    def get(self, key: object) -> None:
        return None

    def wake(self) -> None:
        return None


class World:
    def __init__(self, path: Path, clock: HandClock) -> None:
        self.clock = clock
        self.database = Database(path)
        self.database.open()
        self.metrics = MetricStore(Metrics(self.database), clock, 455, 100)
        self.metrics.load()
        self.alarms = Alarms(self.database)
        self.alarms.load()
        deliveries = Deliveries(self.database)
        deliveries.load()
        queue = EventQueue(self.database, deliveries)
        queue.load()
        outbox = Outbox(queue, deliveries, Nobody(), Nobody())  # type: ignore[arg-type]
        actions = AlarmActions(Nobody(), outbox)  # type: ignore[arg-type]
        self.supervisor = AlarmSupervisor(self.alarms, self.metrics, actions, clock)

    async def put(self, **more: Any) -> None:
        settings = {
            "Namespace": "App",
            "MetricName": "m",
            "Statistic": "Maximum",
            "Period": 60,
            "EvaluationPeriods": 2,
            "Threshold": 5.0,
            "ComparisonOperator": "GreaterThanThreshold",
            "AlarmActions": [TOPIC],
            "OKActions": [TOPIC],
            **more,
        }
        now = self.clock.now()
        alarm = Alarm(key=KEY, settings=settings, configured_at=now, state=initial_state(now))
        await self.alarms.change(KEY, lambda before: AlarmChange(alarm))

    async def minute(self, value: float | None) -> str:
        """One passes, with this value or none; the alarm's state then."""
        minute = int(self.clock.time) // 60 * 60
        if value is not None:
            self.metrics.add([(SERIES, minute, Datapoint.of([value]))])
        self.clock.time = minute + 65.0
        await self.supervisor.evaluate_all()
        return self.state

    @property
    def state(self) -> str:
        alarm = self.alarms.get(KEY)
        assert alarm is not None
        return alarm.state.value

    def told(self) -> list[str]:
        rows = self.database.read("SELECT body FROM deliveries WHERE kind = 'alarm' ORDER BY id")
        return [json.loads(body)["NewStateValue"] for (body,) in rows]

    async def close(self) -> None:
        await self.metrics.close()
        await self.database.close()


def test_states_follow_the_metric(tmp_path: Path) -> None:
    async def test() -> None:
        world = World(tmp_path, HandClock())
        await world.put()
        values = [None, 1.0, 9.0, 9.0, 9.0, 1.0, 9.0, None, None, None, None]
        states = [await world.minute(value) for value in values]
        assert states == [
            *("INSUFFICIENT_DATA", "OK", "OK", "ALARM", "ALARM", "OK", "OK"),
            # one that breaches and is alone stands for those that never came, once it is old enough
            *("OK", "OK", "ALARM", "INSUFFICIENT_DATA"),
        ]
        assert world.told() == ["OK", "ALARM", "OK", "ALARM"]
        await world.close()

    asyncio.run(test())


def test_a_period_of_several_minutes_is_the_last_ones(tmp_path: Path) -> None:
    async def test() -> None:
        world = World(tmp_path, HandClock())
        await world.put(Period=300, EvaluationPeriods=1, Statistic="Sum", Threshold=10.0)
        states = [await world.minute(3.0) for _ in range(5)]
        assert states == ["OK", "OK", "OK", "ALARM", "ALARM"]
        await world.close()

    asyncio.run(test())


def test_state_and_action_are_committed_together_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        world = World(tmp_path, HandClock())
        await world.put(EvaluationPeriods=1)

        async def full(change: object) -> None:
            raise DatabaseClosed

        with monkeypatch.context() as patch:
            patch.setattr(world.database, "write", full)
            assert await world.minute(9.0) == "INSUFFICIENT_DATA"
        assert world.told() == []
        assert await world.minute(9.0) == "ALARM"
        assert world.told() == ["ALARM"]
        await world.close()
        world = World(tmp_path, world.clock)
        assert (world.state, world.told()) == ("ALARM", ["ALARM"])
        assert await world.minute(9.0) == "ALARM"
        assert world.told() == ["ALARM"], "what another server has told is not told again"
        await world.close()

    asyncio.run(test())


def test_history_is_bounded(tmp_path: Path) -> None:
    async def test() -> None:
        world = World(tmp_path, HandClock())
        await world.put(EvaluationPeriods=1, AlarmActions=[], OKActions=[])
        for number in range(1100):
            await world.minute(9.0 if number % 2 else 1.0)
        found = await world.alarms.history(KEY.account, KEY.region, KEY.name, None, 0.0, world.clock.now())
        assert len(found) == 1000
        assert found[-1].summary == "Alarm updated from OK to ALARM"
        world.clock.time += 31 * 86400
        await world.minute(None)
        await world.minute(1.0)
        found = await world.alarms.history(KEY.account, KEY.region, KEY.name, None, 0.0, world.clock.now())
        assert len(found) == 2
        await world.close()

    asyncio.run(test())


RECOMMENDED: list[tuple[dict[str, Any], int, float]] = [
    ({"MetricName": "ClaimedAccountConcurrency", "Statistic": "Maximum", "Threshold": 900.0}, 10, 950.0),
    ({"MetricName": "ConcurrentExecutions", "Statistic": "Maximum", "Threshold": 900.0}, 10, 950.0),
    ({"MetricName": "Errors", "Statistic": "Sum", "Threshold": 0.0}, 3, 1.0),
    (
        {
            "MetricName": "Throttles",
            "Statistic": "Sum",
            "Threshold": 1.0,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        },
        5,
        1.0,
    ),
    ({"MetricName": "Duration", "ExtendedStatistic": "p90", "Statistic": None, "Threshold": 2700.0}, 15, 2800.0),
]


@pytest.mark.parametrize(("settings", "datapoints", "value"), RECOMMENDED, ids=lambda one: str(one)[:40])
def test_what_aws_recommends_alarms_after_so_many_minutes(
    tmp_path: Path, settings: dict[str, Any], datapoints: int, value: float
) -> None:
    """docs/observability.md has the table."""

    async def test() -> None:
        world = World(tmp_path, HandClock())
        await world.put(**{**settings, "MetricName": "m"}, EvaluationPeriods=datapoints, DatapointsToAlarm=datapoints)
        quiet = 0.0
        for _ in range(datapoints):
            assert await world.minute(quiet) == "OK"
        states = [await world.minute(value) for _ in range(datapoints)]
        assert states == ["OK"] * (datapoints - 1) + ["ALARM"]
        assert await world.minute(quiet) == "OK"
        await world.close()

    asyncio.run(test())
