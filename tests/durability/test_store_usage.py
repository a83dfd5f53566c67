"""What is used, in the database: added up, a month at a time, forgotten when it is old; with a clock of the test's own."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
import pytest

from lambdad.observability.metering import Metering
from lambdad.observability.reservations import Reservations
from lambdad.resources.function import LATEST, Function, FunctionKey, FunctionVersion
from lambdad.resources.function_settings import ProvisionedConcurrency
from lambdad.resources.usage import Counts, UsageKey, day_of
from lambdad.store.database import Database
from lambdad.store.usage import Usage

KEY = FunctionKey("000000000000", "us-east-1", "f")
NEW_YEAR = 1_767_225_600.0
"""2026-01-01 00:00 UTC."""
DAY = 86400


@dataclass
class HandClock:
    time: float = NEW_YEAR

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


def version_of(number: str, **more: Any) -> FunctionVersion:
    members = {
        "runtime": "python3.12",
        "handler": "app.handler",
        "role": "r",
        "description": "",
        "timeout": 3,
        "memory_size": 1024,
        "ephemeral_storage": 512,
        "environment": {},
        "architectures": ("arm64",),
        "layers": (),
        "package_type": "Zip",
        "code_sha256": "",
        "code_size": 0,
        "last_modified": "",
        "revision_id": "r",
        "state": "Active",
    }
    return FunctionVersion(key=KEY, version=number, **{**members, **more})


def function_with(count: int, **more: Any) -> Function:
    """Version 1 with so much provisioned concurrency."""
    config = ProvisionedConcurrency(requested=count, last_modified="")
    return Function(
        key=KEY,
        versions={LATEST: version_of(LATEST), "1": version_of("1", **more)},
        last_published=1,
        tags={},
        provisioned_concurrency={"1": config} if count else {},
    )


def run(tmp_path: Path, work: Callable[[Database, Usage], Awaitable[None]]) -> None:
    async def main() -> None:
        database = Database(tmp_path)
        database.open()
        try:
            await work(database, Usage(database))
        finally:
            await database.close()

    asyncio.run(main())


def key(day: int, name: str = "f", memory_mb: int = 128) -> UsageKey:
    return UsageKey(KEY._replace(name=name), "x86_64", memory_mb, day_of(NEW_YEAR) + day)


async def month(usage: Usage, month: str = "2026-01") -> dict[str, list[tuple[str, int, Counts]]]:
    return dict(await usage.month(KEY.account, KEY.region, month))


def test_counts_are_added_up_by_month(tmp_path: Path) -> None:
    async def work(_: Database, usage: Usage) -> None:
        for _ in range(2):
            await usage.add(
                {key(0): Counts(requests=1, billed_ms=5), key(30): Counts(requests=2), key(31): Counts(requests=7)}
            )
        await usage.add({key(0, memory_mb=256): Counts(*range(1, 10)), key(0, "g"): Counts(restores=1)})
        assert await month(usage) == {
            "f": [("x86_64", 128, Counts(requests=6, billed_ms=10)), ("x86_64", 256, Counts(*range(1, 10)))],
            "g": [("x86_64", 128, Counts(restores=1))],
        }
        assert await month(usage, "2026-02") == {"f": [("x86_64", 128, Counts(requests=14))]}
        assert await usage.month("111111111111", KEY.region, "2026-01") == {}
        await usage.forget(day_of(NEW_YEAR) + 30)
        assert await month(usage) == {"f": [("x86_64", 128, Counts(requests=4))]}

    run(tmp_path, work)


def test_many_functions_at_once(tmp_path: Path) -> None:
    async def work(_: Database, usage: Usage) -> None:
        counted = {key(0, f"f{number}"): Counts(requests=number) for number in range(1201)}
        await usage.add(counted)
        assert not counted
        found = await month(usage)
        assert {name: rows[0][2].requests for name, rows in found.items()} == {f"f{n}": n for n in range(1201)}

    run(tmp_path, work)


def test_what_cannot_be_written_is_kept(tmp_path: Path) -> None:
    """As on a full disk: everything fails, then nothing does."""

    async def work(database: Database, usage: Usage) -> None:
        clock = HandClock()
        metering = Metering(usage, Reservations(usage, clock), clock, 400)
        version = version_of(LATEST)

        def invoked() -> None:
            metering.invoked(version, 7, provisioned=False, streamed_bytes=0, restored=False)

        invoked()
        await metering.flush()
        await database.write(lambda c: c.execute("ALTER TABLE usage_by_day RENAME TO away"))
        for _ in range(3):
            invoked()
            await metering.flush()
        with pytest.raises(apsw.SQLError):
            await month(usage)
        await database.write(lambda c: c.execute("ALTER TABLE away RENAME TO usage_by_day"))
        await metering.flush()
        await metering.flush()
        assert await month(usage) == {"f": [("arm64", 1024, Counts(requests=4, billed_ms=28))]}

    run(tmp_path, work)


def test_old_days_are_forgotten_once_a_day(tmp_path: Path) -> None:
    async def work(_: Database, usage: Usage) -> None:
        clock = HandClock()
        metering = Metering(usage, Reservations(usage, clock), clock, 2)
        for day in range(4):
            clock.time = NEW_YEAR + day * DAY
            metering.initialised(version_of("1"), 10)
            await metering.flush()
        assert await month(usage) == {"f": [("arm64", 1024, Counts(provisioned_billed_ms=30))]}

    run(tmp_path, work)


def test_provisioned_concurrency_through_a_month_and_restarts(tmp_path: Path) -> None:
    """Configured on 31 January at noon, changed at midnight, given up an hour and a second later; looked at now and then."""
    clock = HandClock(NEW_YEAR + 30 * DAY + DAY // 2)

    async def configured(_: Database, usage: Usage) -> None:
        reservations = Reservations(usage, clock)
        reservations.load([])
        reservations.function_changed(KEY, function_with(0), function_with(10))
        await reservations.settle()
        clock.time += 3600
        await reservations.settle()
        await reservations.settle()

    async def changed(_: Database, usage: Usage) -> None:
        reservations = Reservations(usage, clock)
        reservations.load([function_with(10)])
        clock.time = NEW_YEAR + 31 * DAY
        reservations.function_changed(KEY, function_with(10), function_with(20))
        clock.time += 3601
        reservations.function_changed(KEY, function_with(20), function_with(20, timeout=9))
        reservations.function_changed(KEY, function_with(20), None)
        await reservations.settle()
        assert await month(usage) == {"f": [("arm64", 1024, Counts(provisioned_s=10 * DAY // 2))]}
        assert await month(usage, "2026-02") == {"f": [("arm64", 1024, Counts(provisioned_s=20 * 3900))]}

    async def over(_: Database, usage: Usage) -> None:
        assert usage.reservations() == []

    for work in (configured, changed, over):
        run(tmp_path, work)


def test_a_change_that_cannot_be_written_is_not_lost(tmp_path: Path) -> None:
    async def work(database: Database, usage: Usage) -> None:
        clock = HandClock()
        reservations = Reservations(usage, clock)
        reservations.load([])
        reservations.function_changed(
            KEY, None, function_with(1, settings={"SnapStart": {"ApplyOn": "PublishedVersions"}})
        )
        await database.write(lambda c: c.execute("ALTER TABLE reservations RENAME TO away"))
        with pytest.raises(apsw.SQLError):
            await reservations.settle()
        assert await month(usage) == {}
        await database.write(lambda c: c.execute("ALTER TABLE away RENAME TO reservations"))
        clock.time += 4 * 3600
        await reservations.settle()
        assert await month(usage) == {"f": [("arm64", 1024, Counts(provisioned_s=4 * 3600, snapshot_s=4 * 3600))]}

    run(tmp_path, work)
