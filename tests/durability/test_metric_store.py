"""The metric store: nothing is lost, nothing is counted twice, old datapoints become coarser and go."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from lambdad.observability.datapoint import Datapoint
from lambdad.observability.metric_query import DAY, HOUR, MINUTE, Query
from lambdad.observability.metric_store import MetricStore, TooManyMetrics
from lambdad.store.database import Database, DatabaseClosed
from lambdad.store.metrics import Metrics, SeriesKey

NOON = 1_790_000_000 // DAY * DAY + 12 * HOUR


class HandClock:
    def __init__(self) -> None:
        self.time = float(NOON)

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


def key(name: str = "m", unit: str = "Count") -> SeriesKey:
    return SeriesKey("000000000000", "us-east-1", "App", name, (("a", "b"),), unit)


class Opened:
    """A store in a directory; `crash` leaves everything as it is on disk."""

    def __init__(self, path: Path, clock: HandClock, days: int = 455, most: int = 1000) -> None:
        self.database = Database(path)
        self.database.open()
        self.metrics = Metrics(self.database)
        self.store = MetricStore(self.metrics, clock, days, most)
        self.store.load()

    async def crash(self) -> None:
        self.metrics.close()
        await self.database.close()

    async def close(self) -> None:
        await self.store.close()
        await self.database.close()

    async def sums(self, start: int, end: int, period: int, name: str = "m") -> dict[int, float]:
        (found,) = await self.store.query([key(name)], Query(start, end, period))
        return {at: point.total for at, point in sorted(found.items())}


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(test())  # type: ignore[arg-type]


def test_what_is_put_is_there_after_a_crash_before_and_after_it_is_folded(tmp_path: Path) -> None:
    clock = HandClock()

    async def test() -> None:
        opened = Opened(tmp_path, clock)
        for number in range(3):
            await opened.store.put([(key(), NOON + number * MINUTE, Datapoint.of([1.0, 2.0]))])
        await opened.crash()
        opened = Opened(tmp_path, clock)
        wanted = {NOON: 3.0, NOON + 60: 3.0, NOON + 120: 3.0}
        assert await opened.sums(NOON, NOON + HOUR, MINUTE) == wanted
        await opened.store.fold()
        await opened.store.put([(key(), NOON, Datapoint.of([10.0]))])
        wanted[NOON] = 13.0
        assert await opened.sums(NOON, NOON + HOUR, MINUTE) == wanted
        await opened.crash()
        opened = Opened(tmp_path, clock)
        assert await opened.sums(NOON, NOON + HOUR, MINUTE) == wanted
        assert await opened.sums(NOON, NOON + HOUR, HOUR) == {NOON: 19.0}
        (point,) = (await opened.store.query([key()], Query(NOON, NOON + HOUR, HOUR, percentiles=True)))[0].values()
        assert (point.percentile(50), point.percentile(100)) == (2.0, 10.0)
        await opened.close()

    run(test)


@pytest.mark.parametrize("step", ["first portion", "every portion", "journal"])
def test_a_crash_while_folding_counts_nothing_twice(tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 200 metrics: in the middle of them; after all of them, before the journal is emptied; after that."""
    clock = HandClock()
    names = [f"m{number}" for number in range(200)]

    async def test() -> None:
        opened = Opened(tmp_path, clock)
        await opened.store.put([(key(name), NOON, Datapoint.of([1.0])) for name in names])
        opened.store.add([(key(name), NOON, Datapoint.of([1.0])) for name in names])
        fold, portions = opened.metrics.fold, 0

        async def folding(*arguments: object) -> None:
            nonlocal portions
            portions += 1
            if step == "first portion" and portions == 2:
                raise DatabaseClosed
            await fold(*arguments)  # type: ignore[arg-type]

        async def forgetting(upto: int) -> None:
            raise DatabaseClosed

        monkeypatch.setattr(opened.metrics, "fold", folding)
        if step == "every portion":
            monkeypatch.setattr(opened.metrics, "forget_journal", forgetting)
        if step == "journal":
            await opened.store.fold()
        else:
            with pytest.raises(DatabaseClosed):
                await opened.store.fold()
        for name in names:
            assert await opened.sums(NOON, NOON + HOUR, MINUTE, name) == {NOON: 2.0}
        await opened.crash()
        opened = Opened(tmp_path, clock)
        for name in names:
            assert await opened.sums(NOON, NOON + HOUR, MINUTE, name) == {NOON: 2.0}
        await opened.close()

    run(test)


def test_what_comes_while_it_is_folded_is_neither_lost_nor_counted_twice(tmp_path: Path) -> None:
    clock = HandClock()

    async def test() -> None:
        opened = Opened(tmp_path, clock)
        opened.store.add([(key(f"m{number}"), NOON, Datapoint.of([1.0])) for number in range(150)])
        folding = asyncio.ensure_future(opened.store.fold())
        added = 0
        while not folding.done():
            opened.store.add([(key(f"m{number}"), NOON, Datapoint.of([1.0])) for number in range(0, 200, 50)])
            added += 1
            await asyncio.wait([folding], timeout=0)
        await opened.store.tick()
        await opened.crash()
        opened = Opened(tmp_path, clock)
        for number in range(0, 150, 50):
            assert await opened.sums(NOON, NOON + HOUR, MINUTE, f"m{number}") == {NOON: 1.0 + added}
        assert await opened.sums(NOON, NOON + HOUR, MINUTE, "m150") == {NOON: float(added)}
        await opened.close()

    run(test)


def test_periods_are_counted_from_the_start_and_hours_answer_for_whole_hours(tmp_path: Path) -> None:
    clock = HandClock()

    async def test() -> None:
        opened = Opened(tmp_path, clock)
        begin = NOON - 2 * DAY
        opened.store.add([(key(), begin + n * MINUTE, Datapoint.of([float(n)])) for n in range(3 * 60)])
        for _ in range(2):  # from memory, then from blocks
            assert await opened.sums(begin, begin + 3 * HOUR, HOUR) == {
                begin + hour * HOUR: float(sum(range(hour * 60, hour * 60 + 60))) for hour in range(3)
            }
            at = begin + 18 * MINUTE
            assert await opened.sums(at, begin + 3 * HOUR, HOUR) == {
                at + hour * HOUR: float(sum(range(18 + hour * 60, min(78 + hour * 60, 180)))) for hour in range(3)
            }
            assert await opened.sums(begin + 30, begin + 90, MINUTE) == {begin + 30: 1.0}
            await opened.store.fold()
        await opened.close()

    run(test)


def test_what_is_old_becomes_coarser_and_goes(tmp_path: Path) -> None:
    clock = HandClock()

    async def test() -> None:
        opened = Opened(tmp_path, clock)
        for days in (1, 20, 100, 500):
            begin = NOON - days * DAY
            opened.store.add([(key(), begin + n * MINUTE, Datapoint.of([1.0, 3.0])) for n in range(60)])
        await opened.store.fold()
        await opened.store.expire()

        async def counts(days: int, period: int) -> list[float]:
            begin = NOON - days * DAY
            (found,) = await opened.store.query([key()], Query(begin, begin + HOUR, period))
            return [point.count for point in found.values()]

        assert await counts(1, MINUTE) == [2.0] * 60
        assert await counts(20, MINUTE) == []
        assert await counts(20, 5 * MINUTE) == [10.0] * 12
        assert await counts(20, HOUR) == [120.0]
        assert await counts(100, 5 * MINUTE) == []
        assert await counts(100, HOUR) == [120.0]
        assert await counts(500, HOUR) == []
        begin = NOON - 20 * DAY
        (found,) = await opened.store.query([key()], Query(begin, begin + HOUR, 300, percentiles=True))
        assert {point.percentile(90) for point in found.values()} == {3.0}
        clock.time += 460 * DAY
        await opened.store.expire()
        assert opened.store.in_units(key(unit="")) == []
        assert opened.database.read("SELECT count(*) FROM metric_blocks") == [(0,)]
        assert opened.database.read("SELECT count(*) FROM metric_series") == [(0,)]
        await opened.close()

    run(test)


def test_a_shorter_retention_is_kept_to(tmp_path: Path) -> None:
    clock = HandClock()

    async def test() -> None:
        opened = Opened(tmp_path, clock, days=3)
        opened.store.add([(key(), NOON - days * DAY, Datapoint.of([1.0])) for days in range(10)])
        await opened.store.fold()
        await opened.store.expire()
        assert len(await opened.sums(NOON - 20 * DAY, NOON + DAY, DAY)) <= 5
        assert await opened.sums(NOON - 5 * DAY, NOON - 4 * DAY, MINUTE) == {}
        await opened.close()

    run(test)


def test_there_are_no_more_metrics_than_allowed(tmp_path: Path) -> None:
    clock = HandClock()

    async def test() -> None:
        opened = Opened(tmp_path, clock, most=4)
        point = Datapoint.of([1.0])
        with pytest.raises(TooManyMetrics):
            await opened.store.put([(key(str(number)), NOON, point) for number in range(4)])
        assert opened.store.series("000000000000", "us-east-1") == []
        opened.store.add([(key(str(number)), NOON, point) for number in range(10)])
        assert [series.key.name for series in opened.store.series("000000000000", "us-east-1")] == ["0", "1", "2"]
        await opened.store.put([(key("2"), NOON, point)])
        assert await opened.sums(NOON, NOON + MINUTE, MINUTE, "2") == {NOON: 2.0}
        await opened.close()

    run(test)


def test_a_disk_that_takes_nothing_loses_nothing_that_memory_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = HandClock()

    async def test() -> None:
        opened = Opened(tmp_path, clock)
        opened.store.add([(key(), NOON, Datapoint.of([1.0]))])

        async def full(change: object) -> None:
            raise DatabaseClosed

        with monkeypatch.context() as patch:
            patch.setattr(opened.database, "write", full)
            await opened.store.tick()
            clock.time += HOUR
            await opened.store.tick()
            opened.store.add([(key(), NOON, Datapoint.of([1.0]))])
        assert await opened.sums(NOON, NOON + MINUTE, MINUTE) == {NOON: 2.0}
        await opened.store.tick()
        await opened.crash()
        opened = Opened(tmp_path, clock)
        assert await opened.sums(NOON, NOON + MINUTE, MINUTE) == {NOON: 2.0}
        await opened.close()

    run(test)


def test_a_flood_is_bounded_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is put goes into blocks before more is taken; what is only counted is dropped when there is no room."""
    monkeypatch.setattr("lambdad.observability.metric_store._IN_MEMORY", 500)
    clock = HandClock()

    async def test() -> None:
        opened = Opened(tmp_path, clock)
        for number in range(20):
            begin = NOON - number * DAY // 2
            await opened.store.put([(key(), begin + n * MINUTE, Datapoint.of([1.0])) for n in range(100)])
        assert opened.database.read("SELECT count(*) FROM metric_journal")[0][0] <= 6
        assert sum((await opened.sums(NOON - 14 * DAY, NOON + DAY, DAY)).values()) == 2000
        await opened.store.fold()
        opened.store.add([(key("flood"), NOON + n * MINUTE, Datapoint.of([1.0])) for n in range(5000)])
        assert 1000 <= sum((await opened.sums(NOON, NOON + 10 * DAY, DAY, "flood")).values()) <= 1001
        await opened.close()

    run(test)
