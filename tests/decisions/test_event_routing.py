"""Which rules an event reaches, and how much one commit may cause."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from lambdad.resources.event_bus import Archive, BusKey, EventBus, NamedKey, Rule, RuleKey
from lambdad.resources.event_document import BusEvent, event_of
from lambdad.services.events.router import Router, TooMuch
from lambdad.store.database import Database
from lambdad.store.event_archives import EventArchives
from lambdad.store.event_buses import EventBuses, EventRules

ACCOUNT = "000000000000"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"


def bus(name: str) -> BusKey:
    return BusKey(ACCOUNT, "us-east-1", name)


class World:
    def __init__(self, path: Path) -> None:
        self.database = Database(path)
        self.database.open()
        self.buses, self.rules = EventBuses(self.database), EventRules(self.database)
        self.archives = EventArchives(self.database)
        self.router = Router(self.buses, self.rules, self.archives, here=True)
        self.router.load()

    async def rule(self, name: str, pattern: Any, *targets: str, on: str = "default", state: str = "ENABLED") -> None:
        key = RuleKey(bus(on), name)
        numbered = [{"Id": str(number), "Arn": arn} for number, arn in enumerate(targets)]
        rule = Rule(key=key, settings={"EventPattern": json.dumps(pattern), "State": state}, targets=numbered)
        await self.rules.apply(key, lambda before: rule)

    async def bus(self, name: str) -> None:
        made = EventBus(key=bus(name), created_at=0, modified_at=0)
        await self.buses.apply(made.key, lambda before: made)

    def reached(self, source: Any, on: str = "default", **more: Any) -> list[str]:
        """The names of rules, in order."""
        routed = self.router.route([event(source, on, **more)])
        return [handover.sender.rpartition("/")[2] for handover in routed.handovers]


def event(source: str, on: str = "default", **detail: Any) -> BusEvent:
    entry = {"Source": source, "DetailType": "d", "Detail": json.dumps(detail)}
    return event_of(entry, bus(on), "id", ACCOUNT, 0.0)


def run(path: Path, work: Callable[[World], Awaitable[None]]) -> None:
    async def main() -> None:
        world = World(path)
        try:
            await work(world)
        finally:
            await world.database.close()

    asyncio.run(main())


def test_rules_are_found_whether_they_name_sources_or_not(tmp_path: Path) -> None:
    async def work(world: World) -> None:
        await world.rule("literal", {"source": ["a", "b", "a"]}, QUEUE)
        await world.rule("prefix", {"source": [{"prefix": "a"}]}, QUEUE)
        await world.rule("detail", {"detail": {"x": [1]}}, QUEUE)
        await world.rule("address", {"source": ["::1"]}, QUEUE)
        await world.rule("or", {"$or": [{"source": ["c"]}, {"detail": {"x": [2]}}]}, QUEUE)
        await world.rule("off", {"source": ["a"]}, QUEUE, state="DISABLED")
        await world.rule("nobody", {"source": ["a"]})
        assert sorted(world.reached("a")) == ["literal", "prefix"]
        assert sorted(world.reached("b", x=1)) == ["detail", "literal"]
        assert world.reached("0:0:0:0:0:0:0:1") == ["address"]
        assert world.reached("c") == world.reached("d", x=2) == ["or"]
        assert world.reached("a", on="other") == []
        await world.rule("literal", {"source": ["z"]}, QUEUE)
        assert (world.reached("b"), world.reached("z")) == ([], ["literal"])
        await world.rules.apply(RuleKey(bus("default"), "literal"), lambda before: None)
        assert world.reached("z") == []

    run(tmp_path, work)


def test_archives_keep_what_is_no_replay(tmp_path: Path) -> None:
    async def work(world: World) -> None:
        key = NamedKey(ACCOUNT, "us-east-1", "a")
        archive = Archive(key=key, number=7, source=bus("default").arn, created_at=0, pattern='{"detail": {"x": [1]}}')
        await world.archives.apply(key, lambda before: archive)
        kept = world.router.route([event("s", x=1), event("s", x=2), event("s", on="other", x=1)]).archived
        assert [(one.archive, json.loads(one.event)["detail"]) for one in kept] == [(7, {"x": 1})]
        first = event("s", x=1)
        again = BusEvent(bus=first.bus, document={**first.document, "replay-name": "r"}, time=0, ingested_at=0)
        assert world.router.route([again]).archived == []

    run(tmp_path, work)


def test_one_commit_causes_no_more_than_it_may(tmp_path: Path) -> None:
    async def work(world: World) -> None:
        await world.bus("second")
        for number in range(100):
            await world.rule(f"hop{number}", {"source": ["s"]}, *[bus("second").arn] * 5)
            await world.rule(f"end{number}", {"source": ["s"]}, *[QUEUE] * 5, on="second")
        with pytest.raises(TooMuch):
            world.router.route([event("s")])
        assert len(world.router.route([event("s", on="second")] * 10).handovers) == 5000
        large = event("s", on="second", text="x" * 1_000_000)
        with pytest.raises(TooMuch):
            world.router.route([large])

    run(tmp_path, work)
