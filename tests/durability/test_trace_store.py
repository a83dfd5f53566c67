"""The trace store: what is acknowledged is kept, and no more than the settings say."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from lambdad.observability.trace_store import FLOOD, INVALID, Place, TraceStore, read_trace
from lambdad.store.database import Database
from lambdad.store.traces import Span, Traces
from server import Server

PLACE = Place("000000000000", "us-east-1")
NOW = 1_790_000_000.0


class HandClock:
    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


def trace_id(number: int) -> str:
    return f"1-{int(NOW) + number:08x}-{'0' * 24}"


def document(number: int = 0, padding: int = 0) -> dict[str, Any]:
    times = {"start_time": NOW + number, "end_time": NOW + number + 1}
    about = {"id": os.urandom(8).hex(), "trace_id": trace_id(number), "name": "n"}
    return {**about, **times, "metadata": {"p": "x" * padding}}


class Opened:
    def __init__(self, path: Path, clock: HandClock, hours: float = 720.0, most: int = 10**9) -> None:
        self.database = Database(path)
        self.database.open()
        self.store = TraceStore(Traces(self.database), clock, hours * 3600, most)
        self.store.load()

    async def ids(self) -> list[str]:
        span = Span(PLACE.account, PLACE.region, "made_at", 0, 1e10)
        return await self.store.look(lambda traces: [row.trace_id for row in traces.page(span, None, 1000)])

    async def close(self) -> None:
        await self.store.close()
        await self.database.close()


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(test())  # type: ignore[arg-type]


def test_what_waits_is_seen_at_once_and_kept_at_an_orderly_end(tmp_path: Path) -> None:
    async def test() -> None:
        clock = HandClock()
        opened = Opened(tmp_path, clock)
        opened.store.add(PLACE, document(1))
        opened.store.offer(PLACE, json.dumps(document(2)).encode())
        opened.store.offer(PLACE, b"nothing")
        assert await opened.ids() == [trace_id(1), trace_id(2)]
        assert opened.store.dropped[INVALID] == 1
        opened.store.add(PLACE, document(3))
        await opened.close()
        again = Opened(tmp_path, clock)
        assert await again.ids() == [trace_id(number) for number in (1, 2, 3)]
        assert again.store.bytes == opened.store.bytes > 0
        await again.close()

    run(test)


def test_the_oldest_go_when_there_is_no_room(tmp_path: Path) -> None:
    async def test() -> None:
        clock = HandClock()
        opened = Opened(tmp_path, clock, most=100_000)
        for number in range(300):
            clock.time += 1
            await opened.store.put(PLACE, [json.dumps(document(number, 1000))])
            assert opened.store.bytes <= 100_000
        left = await opened.ids()
        assert left[-1] == trace_id(299)
        assert trace_id(0) not in left
        rows = await opened.store.look(lambda traces: [traces.find(PLACE.account, PLACE.region, one) for one in left])
        found = await opened.store.look(
            lambda traces: [read_trace(traces, row, PLACE.account) for row in rows if row is not None]
        )
        assert all(len(trace.segments) == 1 for trace in found)
        await opened.close()

    run(test)


def test_what_is_too_old_goes(tmp_path: Path) -> None:
    async def test() -> None:
        clock = HandClock()
        opened = Opened(tmp_path, clock, hours=1)
        await opened.store.put(PLACE, [json.dumps(document(1))])
        clock.time += 3000
        await opened.store.put(PLACE, [json.dumps(document(2))])
        clock.time += 1000
        await opened.store.expire()
        assert await opened.ids() == [trace_id(2)]
        await opened.close()

    run(test)


def test_no_more_waits_than_there_is_room_for(tmp_path: Path) -> None:
    async def test() -> None:
        opened = Opened(tmp_path, HandClock())
        for _ in range(40):
            opened.store.offer(PLACE, b"x" * 1024 * 1024)
        assert opened.store.dropped[FLOOD] == 8
        await opened.close()

    run(test)


def test_what_put_trace_segments_was_told_of_survives_kill_9(own_server: Server) -> None:
    xray = own_server.start().client("xray")
    assert xray.put_trace_segments(TraceSegmentDocuments=[json.dumps(document(1))])["UnprocessedTraceSegments"] == []
    xray.update_sampling_rule(SamplingRuleUpdate={"RuleName": "Default", "ReservoirSize": 7})
    own_server.kill()
    again = own_server.start().client("xray")
    (trace,) = again.batch_get_traces(TraceIds=[trace_id(1)])["Traces"]
    assert trace["Id"] == trace_id(1)
    (record,) = again.get_sampling_rules()["SamplingRuleRecords"]
    assert record["SamplingRule"]["ReservoirSize"] == 7
