"""The metric store: datapoints of one minute by account, region, namespace, name, dimensions and unit.

What comes in is in memory, and in a journal on disk: at once if its sender is told so (`put`), else within a minute. Every few
minutes it is put into blocks (`metric_blocks.py`): an hour of minutes, a day of hours. As on AWS minutes are kept for 15 days,
five minutes for 63, hours for 455.
docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#metrics-retention
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import orjson

from lambdad.clock import Clock
from lambdad.observability.datapoint import Datapoint
from lambdad.observability.metric_blocks import pack, unpack
from lambdad.observability.metric_query import DAY, HOUR, MINUTE, Query, collect
from lambdad.store.database import WRITE_FAILED
from lambdad.store.metrics import BlockRow, Metrics, Series, SeriesFold, SeriesKey

log = logging.getLogger(__name__)

_FIVE = 300
_AFTER = 0.1
"""Seconds after a minute's end: timers may come a little early."""
_FOLD_AFTER = 600.0
"""Seconds between two times that blocks are written."""
_IN_MEMORY = 200_000
"""Datapoints from which on blocks are written at once."""
_PORTION = 64
"""Metrics, or blocks, in one change: others wait for the database's writer meanwhile."""
_DAYS = {MINUTE: 15, _FIVE: 63, HOUR: 455}
_LISTED = 14 * DAY
"""Metrics without newer datapoints are not listed any more."""

Sample = tuple[SeriesKey, int, Datapoint]
"""A metric's datapoint of the minute that begins then (seconds since the epoch)."""


class TooManyMetrics(Exception):
    """There is room for no other metric."""


class MetricStore:
    """`open`, `start`, `close` once each. Not for several threads: queries go into one by themselves."""

    def __init__(self, metrics: Metrics, clock: Clock, days: int, most_series: int) -> None:
        """`days`: nothing is kept for longer; `most_series`: metrics that there may be."""
        self._metrics = metrics
        self._clock = clock
        self._days = days
        self.most_series = most_series
        self._series: dict[SeriesKey, Series] = {}
        self._units: dict[SeriesKey, list[SeriesKey]] = {}
        """Of a metric without a unit: with those in which it came."""
        self._next_id = 1
        self._new: list[Series] = []
        """Not on disk yet."""
        self._recent: dict[int, dict[int, Datapoint]] = {}
        """By metric and minute: what is not in blocks."""
        self._unwritten: dict[int, dict[int, Datapoint]] = {}
        """Of that, what is not in the journal."""
        self._number_recent = 0
        self._journaled = 0
        self._folded_at = 0.0
        self._refused = 0
        self._sources: list[Callable[[int | None], Iterable[Sample]]] = []
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    def load(self) -> None:
        for series in self._metrics.load():
            self._series[series.key] = series
            self._units.setdefault(series.key.unitless, []).append(series.key)
            self._next_id = series.id + 1
        by_id = {series.id: series for series in self._series.values()}
        for number, points in self._metrics.journal():
            self._journaled = number
            for series_id, minute, count, total, minimum, maximum, sketch in orjson.loads(points):
                known = by_id.get(series_id)
                if known is not None and known.folded < number:
                    codes = {int(code): times for code, times in sketch.items()} if sketch is not None else None
                    self._remember(known, minute, Datapoint(count, total, minimum, maximum, codes))
        self._folded_at = self._clock.monotonic()

    def feed_from(self, source: Callable[[int | None], Iterable[Sample]]) -> None:
        """What counts elsewhere is asked for its datapoints before anyone looks, and each minute: then with the minute that
        has ended."""
        self._sources.append(source)

    # --- What comes in ------------------------------------------------------------------------------------------------

    def add(self, samples: Iterable[Sample]) -> None:
        """In memory; on disk within a minute. What there is no room for is dropped, and said once in a while."""
        for key, minute, point in samples:
            try:
                series = self._series_of(key)
            except TooManyMetrics:
                self._refused += 1
                continue
            if self._number_recent > 2 * _IN_MEMORY and minute not in self._recent.get(series.id, ()):
                self._refused += 1
                continue
            self._remember(series, minute, point)
            _merge_into(self._unwritten.setdefault(series.id, {}), minute, point)

    async def put(self, samples: Sequence[Sample]) -> None:
        """On disk when it returns. Raises TooManyMetrics: then nothing is."""
        fresh = {key for key, _, _ in samples if key not in self._series}
        if fresh and len(self._series) + len(fresh) > min(map(self._room_for, fresh)):
            raise TooManyMetrics
        if self._number_recent > _IN_MEMORY:
            await self.fold()
        found = [(self._series_of(key), minute, point) for key, minute, point in samples]
        async with self._lock:
            await self._append([(series.id, minute, point) for series, minute, point in found])
            for series, minute, point in found:
                self._remember(series, minute, point)

    def _room_for(self, key: SeriesKey) -> int:
        """What functions make up leaves room for what is counted of them."""
        return self.most_series if key.namespace.startswith("AWS/") else self.most_series * 4 // 5

    def _series_of(self, key: SeriesKey) -> Series:
        series = self._series.get(key)
        if series is None:
            if len(self._series) >= self._room_for(key):
                raise TooManyMetrics
            series = self._series[key] = Series(self._next_id, key, 0, 0)
            self._units.setdefault(key.unitless, []).append(key)
            self._next_id += 1
            self._new.append(series)
        return series

    def _remember(self, series: Series, minute: int, point: Datapoint) -> None:
        self._number_recent += _merge_into(self._recent.setdefault(series.id, {}), minute, point)
        series.latest = max(series.latest, minute)

    def gather(self, minute_over: int | None = None) -> None:
        """What counts elsewhere."""
        for source in self._sources:
            self.add(source(minute_over))

    # --- Which there are ----------------------------------------------------------------------------------------------

    def series(self, account: str, region: str) -> list[Series]:
        """Those with a datapoint of the last two weeks, in the order in which they came."""
        self.gather()
        since = self._clock.now() - _LISTED
        return [
            one
            for one in self._series.values()
            if one.key.account == account and one.key.region == region and one.latest >= since
        ]

    def __len__(self) -> int:
        """How many there are."""
        return len(self._series)

    def in_units(self, key: SeriesKey) -> list[SeriesKey]:
        """A metric whose unit is empty, in all units in which it came; `gather` knows the newest."""
        return list(self._units.get(key, ())) if not key.unit else [key]

    # --- Looking ------------------------------------------------------------------------------------------------------

    async def query(self, keys: Sequence[SeriesKey], query: Query) -> list[dict[int, Datapoint]]:
        """Of each metric the datapoints of a span, by the time at which their period begins. One query at a time."""
        self.gather()
        async with self._lock:
            wanted = [self._series.get(key) for key in keys]
            recent = [self._copy(series, query) for series in wanted]
            ids = [series.id if series is not None else None for series in wanted]
            return await asyncio.to_thread(self._collect, ids, recent, query)

    def _copy(self, series: Series | None, query: Query) -> dict[int, Datapoint]:
        minutes = self._recent.get(series.id, {}) if series is not None else {}
        return {minute: point.copy() for minute, point in minutes.items() if query.start <= minute < query.end}

    def _collect(
        self, ids: Sequence[int | None], recent: Sequence[Mapping[int, Datapoint]], query: Query
    ) -> list[dict[int, Datapoint]]:
        now = self._clock.now()
        return [
            collect(self._metrics, number, minutes, query, now) if number is not None else {}
            for number, minutes in zip(ids, recent, strict=True)
        ]

    # --- The supervisor that brings it to disk ------------------------------------------------------------------------

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while not self._stopping.is_set():
            wait = MINUTE - self._clock.now() % MINUTE + _AFTER
            try:
                await asyncio.wait_for(self._stopping.wait(), wait)
            except TimeoutError:
                await self.tick()

    async def tick(self) -> None:
        """Once a minute: into the journal; now and then into blocks; what is too old goes."""
        if self._refused:
            log.warning(
                "%d datapoints were dropped: they are too many, of %d metrics", self._refused, len(self._series)
            )
            self._refused = 0
        now = int(self._clock.now())
        self.gather(now - now % MINUTE - MINUTE)
        try:
            async with self._lock:
                await self._write_unwritten()
            overdue = self._clock.monotonic() - self._folded_at >= _FOLD_AFTER
            if overdue or self._number_recent > _IN_MEMORY:
                await self.fold()
                await self.expire()
        except WRITE_FAILED as error:
            log.error("metrics could not be written: %r", error)

    async def _write_unwritten(self) -> None:
        if not self._unwritten:
            return
        taken, self._unwritten = self._unwritten, {}
        try:
            await self._append([(number, *pair) for number, minutes in taken.items() for pair in minutes.items()])
        except WRITE_FAILED:
            _put_back(self._unwritten, taken)
            raise

    async def _append(self, points: Sequence[tuple[int, int, Datapoint]]) -> None:
        new, self._new = self._new, []
        rows = [(*at, point.count, point.total, point.minimum, point.maximum, point.sketch) for *at, point in points]
        try:
            self._journaled = await self._metrics.append(orjson.dumps(rows, option=orjson.OPT_NON_STR_KEYS), new)
        except WRITE_FAILED:
            self._new = new + self._new
            raise

    async def fold(self) -> None:
        """What is in memory goes into blocks. In portions, and between them others look and write."""
        async with self._lock:
            await self._write_unwritten()
            upto = self._journaled
            unknown = {series.id for series in self._new}
            waiting = [number for number in self._recent if number not in unknown]
        by_id = {series.id: series for series in self._series.values()}
        for start in range(0, len(waiting), _PORTION):
            async with self._lock:
                await self._fold_some([by_id[number] for number in waiting[start : start + _PORTION]])
        async with self._lock:
            await self._metrics.forget_journal(upto)
        self._folded_at = self._clock.monotonic()

    async def _fold_some(self, portion: Sequence[Series]) -> None:
        """All that is in memory of them, also what the journal has not got: it need not go there any more."""
        taken = {series.id: self._recent.pop(series.id, {}) for series in portion}
        unwritten = {series.id: self._unwritten.pop(series.id, {}) for series in portion}
        try:
            folds = [SeriesFold(series, _blocks_of(taken[series.id])) for series in portion]
            await self._metrics.fold(folds, self._journaled)
        except WRITE_FAILED:
            _put_back(self._recent, taken)
            _put_back(self._unwritten, unwritten)
            raise
        self._number_recent -= sum(map(len, taken.values()))

    async def expire(self) -> None:
        """Minutes become five minutes, and what is older than it is kept goes; so do metrics without any datapoint."""
        now = int(self._clock.now())
        before = {step: now - min(days, self._days) * DAY for step, days in _DAYS.items()}
        if self._days > _DAYS[MINUTE]:
            while await self._metrics.replace_blocks(MINUTE, before[MINUTE] - HOUR, _thinned, _PORTION):
                pass
        else:
            await self._delete(MINUTE, before[MINUTE] - HOUR)
        await self._delete(_FIVE, before[_FIVE] - HOUR)
        await self._delete(HOUR, before[HOUR] - DAY)
        gone = [series for series in self._series.values() if series.latest < before[HOUR] - DAY]
        for start in range(0, len(gone), _PORTION):
            portion = gone[start : start + _PORTION]
            await self._metrics.delete_series([series.id for series in portion])
            for series in portion:
                del self._series[series.key]
                self._units[series.key.unitless].remove(series.key)
                if not self._units[series.key.unitless]:
                    del self._units[series.key.unitless]

    async def _delete(self, step: int, before: int) -> None:
        while await self._metrics.delete_blocks(step, before, _PORTION):
            pass

    async def close(self) -> None:
        """Everything is in blocks when it returns."""
        self._stopping.set()
        if self._task is not None:
            await self._task
        self.gather()
        try:
            await self.fold()
        except WRITE_FAILED as error:
            log.error("metrics could not be written: %r", error)
        self._metrics.close()


def _merge_into(minutes: dict[int, Datapoint], minute: int, point: Datapoint) -> bool:
    """Is it the first of its minute?"""
    known = minutes.get(minute)
    if known is None:
        minutes[minute] = point.copy()
        return True
    known.merge(point)
    return False


def _put_back(now: dict[int, dict[int, Datapoint]], taken: Mapping[int, Mapping[int, Datapoint]]) -> None:
    for number, minutes in taken.items():
        for minute, point in minutes.items():
            _merge_into(now.setdefault(number, {}), minute, point)


def _blocks_of(minutes: Mapping[int, Datapoint]) -> dict[tuple[int, int], Callable[[BlockRow | None], BlockRow]]:
    """Datapoints of minutes, and of their hours, to be merged into the blocks in which they belong."""
    by_block: dict[tuple[int, int], dict[int, Datapoint]] = {}
    for minute, point in minutes.items():
        for step, span in ((MINUTE, HOUR), (HOUR, DAY)):
            start = minute - minute % span
            offsets = by_block.setdefault((step, start), {})
            offsets.setdefault((minute - start) // step, Datapoint.empty()).merge(point)
    return {place: partial(_merged, place, offsets) for place, offsets in by_block.items()}


def _merged(place: tuple[int, int], offsets: Mapping[int, Datapoint], before: BlockRow | None) -> BlockRow:
    points = unpack(before.points).points(before.sketches) if before is not None else {}
    for offset, point in offsets.items():
        points.setdefault(offset, Datapoint.empty()).merge(point)
    return BlockRow(*place, *pack(points))


def _thinned(row: BlockRow) -> BlockRow:
    """An hour of minutes as one of five minutes each."""
    points: dict[int, Datapoint] = {}
    for offset, point in unpack(row.points).points(row.sketches).items():
        points.setdefault(offset * row.step // _FIVE, Datapoint.empty()).merge(point)
    return BlockRow(_FIVE, row.start, *pack(points))
