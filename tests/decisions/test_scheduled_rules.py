"""When rules fire: by a clock of the test's own."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import apsw

from lambdad.resources.event_bus import BusKey, Rule, RuleKey
from lambdad.resources.event_document import BusEvent
from lambdad.services.events.scheduled_rules import ScheduledRules
from lambdad.store.database import Database
from lambdad.store.event_buses import EventRules, RuleFirings

BEGIN = 1_790_000_040.0
KEY = RuleKey(BusKey("000000000000", "us-east-1", "default"), "r")


class World:
    """Also the Clock and the Intake. `restart` as often as a test likes."""

    def __init__(self, path: Path) -> None:
        self.time = BEGIN
        self.fired: list[str] = []
        self.database = Database(path)
        self.database.open()
        self.restart()

    def restart(self) -> None:
        self.rules = EventRules(self.database)
        self.rules.load()
        self.scheduled = ScheduledRules(self.rules, RuleFirings(self.database), self, self)  # type: ignore[arg-type]
        self.scheduled.load()

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def fire(self, rule: Rule, event: BusEvent, also: Callable[[apsw.Connection], None]) -> None:
        await self.database.write(also)
        self.fired.append(str(event.document["time"])[11:])

    async def put(self, schedule: str, state: str = "ENABLED") -> None:
        settings = {"ScheduleExpression": schedule, "State": state}
        rule = Rule(key=KEY, settings=settings, scheduled_at=self.time)
        await self.rules.apply(KEY, lambda before: rule)

    async def after(self, seconds: float) -> list[str]:
        """What fires then."""
        self.time += seconds
        self.fired.clear()
        await self.scheduled.fire(KEY)
        return list(self.fired)


def run(path: Path, work: Callable[[World], Awaitable[Any]]) -> None:
    async def main() -> None:
        world = World(path)
        try:
            await work(world)
        finally:
            await world.scheduled.close()
            await world.database.close()

    asyncio.run(main())


def test_a_rate_counts_from_when_it_is_set(tmp_path: Path) -> None:
    async def work(world: World) -> None:
        await world.put("rate(5 minutes)")
        assert await world.after(299) == []
        assert await world.after(1) == ["14:19:00Z"]
        assert await world.after(299) == []
        assert await world.after(2) == ["14:24:00Z"]

    run(tmp_path, work)


def test_cron_is_by_the_clock(tmp_path: Path) -> None:
    async def work(world: World) -> None:
        await world.put("cron(0/15 14 * * ? *)")
        assert await world.after(59) == []
        assert await world.after(1) == ["14:15:00Z"]
        assert await world.after(15 * 60) == ["14:30:00Z"]
        assert await world.after(15 * 60) == ["14:45:00Z"]
        assert await world.after(15 * 60) == []

    run(tmp_path, work)


def test_what_was_missed_is_made_up_for_once(tmp_path: Path) -> None:
    async def work(world: World) -> None:
        await world.put("rate(1 minute)")
        assert await world.after(60) == ["14:15:00Z"]
        world.restart()
        assert await world.after(0) == []
        world.time += 3600 + 30
        world.restart()
        assert await world.after(0) == ["15:15:30Z"]
        world.restart()
        assert await world.after(29) == []
        assert await world.after(1) == ["15:16:00Z"]

    run(tmp_path, work)


def test_disabled_rules_and_deleted_ones_do_not_fire(tmp_path: Path) -> None:
    async def work(world: World) -> None:
        await world.put("rate(1 minute)", "DISABLED")
        assert await world.after(61) == []
        await world.put("rate(1 minute)")
        assert await world.after(60) == ["14:16:01Z"]
        await world.rules.apply(KEY, lambda before: None)
        assert await world.after(600) == []
        await world.put("rate(1 minute)")
        assert await world.after(59) == []
        assert await world.after(1) != []

    run(tmp_path, work)
