"""Datapoints of one metric over a span of time, in periods: from blocks on disk and from memory.

Hours answer what asks for whole hours; everything else is read from minutes, and from five minutes where minutes are no longer
kept. AWS: docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from lambdad.observability.datapoint import Datapoint
from lambdad.observability.metric_blocks import Block, summed, unpack

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86400
_FIVE: Final = 300
_SPANS: Final = {MINUTE: HOUR, _FIVE: HOUR, HOUR: DAY}
"""Of a block, by the step between its datapoints."""
_MINUTES_KEPT: Final = 15 * DAY
_FIVES_KEPT: Final = 63 * DAY


@dataclass(frozen=True, slots=True)
class Query:
    """Seconds since the epoch; periods are counted from `start`."""

    start: int
    end: int
    period: int
    percentiles: bool = False
    """Are sketches needed?"""


class Blocks(Protocol):
    """`store/metrics.py`."""

    def blocks(self, series: int, step: int, start: int, end: int) -> list[tuple[int, bytes]]: ...

    def blocks_with_sketches(self, series: int, step: int, start: int, end: int) -> list[tuple[int, bytes, bytes]]: ...


def start_of(start: float, now: float) -> int:
    """As AWS rounds it down: the older it is, the coarser."""
    age = now - start
    step = MINUTE if age < _MINUTES_KEPT else _FIVE if age < _FIVES_KEPT else HOUR
    return int(start) - int(start) % step


def collect(
    blocks: Blocks, series: int, recent: Mapping[int, Datapoint], query: Query, now: float
) -> dict[int, Datapoint]:
    """By the time at which a period begins; periods without a datapoint are left out."""
    found: dict[int, Datapoint] = {}
    if query.end > query.start:
        for step, start, end in _sources(query, now):
            for block_start, block, sketches in _read(blocks, series, step, start, end, query.percentiles):
                _add_block(found, block_start, step, block, sketches, query, (start, end))
        for minute, point in recent.items():
            if query.start <= minute < query.end:
                _merge(found, query.start + (minute - query.start) // query.period * query.period, point)
    return found


def _sources(query: Query, now: float) -> Iterator[tuple[int, int, int]]:
    """(step, from, to): what is read for which part of the span. As on AWS, nothing where only coarser steps are kept."""
    if query.start % HOUR == 0 and query.period % HOUR == 0:
        yield HOUR, query.start, query.end - query.end % HOUR
        yield MINUTE, max(query.start, query.end - query.end % HOUR), query.end
        return
    oldest = int(now) - _FIVES_KEPT + DAY
    oldest -= oldest % DAY
    if query.start < oldest and query.period % HOUR == 0:
        yield HOUR, query.start, min(oldest, query.end)
    fine = max(query.start, oldest)
    if fine < query.end:
        if query.period % _FIVE == 0:
            yield _FIVE, fine, query.end
        yield MINUTE, fine, query.end


def _read(
    blocks: Blocks, series: int, step: int, start: int, end: int, sketches: bool
) -> Iterator[tuple[int, Block, bytes | None]]:
    first = start - start % _SPANS[step]
    if sketches:
        for block_start, points, sketch in blocks.blocks_with_sketches(series, step, first, end):
            yield block_start, unpack(points), sketch
        return
    for block_start, points in blocks.blocks(series, step, first, end):
        yield block_start, unpack(points), None


def _add_block(
    found: dict[int, Datapoint],
    block_start: int,
    step: int,
    block: Block,
    sketches: bytes | None,
    query: Query,
    span: tuple[int, int],
) -> None:
    start, period = query.start, query.period
    if sketches is not None:
        for offset, point in block.points(sketches).items():
            at = block_start + offset * step
            if span[0] <= at < span[1]:
                _merge(found, start + (at - start) // period * period, point)
        return
    offsets = block.offsets
    index = 0
    while index < len(offsets):
        at = block_start + offsets[index] * step
        if at >= span[1]:
            return
        if at < span[0]:
            index += 1
            continue
        bucket = start + (at - start) // period * period
        end = index + 1
        if period > step:
            limit = min(bucket + period, span[1])
            while end < len(offsets) and block_start + offsets[end] * step < limit:
                end += 1
        if end == index + 1:
            point = Datapoint(block.counts[index], block.totals[index], block.minimums[index], block.maximums[index])
            _put(found, bucket, point)
        else:
            _put(found, bucket, summed(block, index, end))
        index = end


def _put(found: dict[int, Datapoint], bucket: int, point: Datapoint) -> None:
    known = found.get(bucket)
    if known is None:
        found[bucket] = point
    else:
        known.merge(point)


def _merge(found: dict[int, Datapoint], bucket: int, point: Datapoint) -> None:
    known = found.get(bucket)
    if known is None:
        found[bucket] = point.copy()
    else:
        known.merge(point)
