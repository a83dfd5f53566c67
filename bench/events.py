"""Asynchronous events: how fast they are accepted, how soon they run, and what a long backlog costs."""

import asyncio
import dataclasses
import json
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import apsw

from bench.client import Target, concurrent, request_once
from bench.stored import fill, name_of
from bench.targets import Lambdad
from lambdad.store.database import Database

SAYS_HOW_LATE = "import time\ndef handler(event, context):\n    print('late', time.time() - event)\n"
_EVENT = "X-Amz-Invocation-Type: Event\r\n"
_LIMIT = 60.0
_ROWS = 50_000
_PAUSE = 0.01
"""Seconds between events that come one by one."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """`late`: seconds from before the request to the handler's first line, of events that come one by one; `beside`: while
    what the sixteen have sent is still being run."""

    per_second: float
    late: list[float]
    beside: list[float]


def accepting(seconds: float, count: int) -> Accepted:
    server = Lambdad()
    try:
        late = _one_by_one(server, "late", count)
        server.create("flood")
        per_second, _ = concurrent(_events_of(server, "flood"), b"{}", 16, seconds)
        return Accepted(per_second, late, _one_by_one(server, "beside", count))
    finally:
        server.close()


def _one_by_one(server: Lambdad, name: str, count: int) -> list[float]:
    target = _events_of(server, name, server.create(name, source=SAYS_HOW_LATE))
    request_once(target, b"0")  # the cold one
    _wait_for_lines(server, name, 1)
    for _ in range(count):
        request_once(target, json.dumps(time.time()).encode())
        time.sleep(_PAUSE)
    return sorted(float(line.split()[1]) for line in _wait_for_lines(server, name, count + 1))[:-1]


def _events_of(server: Lambdad, name: str, target: Target | None = None) -> Target:
    return dataclasses.replace(target or Target.of(server.url, name), headers=_EVENT)


def _wait_for_lines(server: Lambdad, name: str, count: int) -> list[str]:
    deadline = time.monotonic() + _LIMIT
    while time.monotonic() < deadline:
        lines = [one["message"] for one in server.logs(name) if one["message"].startswith("late")]
        if len(lines) >= count:
            return lines
        time.sleep(0.1)
    raise TimeoutError(f"fewer than {count} events ran")


def with_backlog(events: int, seconds: float, turns: int) -> tuple[float, float, float]:
    """(accepted per second with that many events waiting, with none, MB that the server holds more): of functions that are
    throttled, in turns."""

    def filled(data_dir: Path) -> None:
        fill(data_dir, 1, 1)
        _add_events(data_dir, events)

    servers = [Lambdad(filled), Lambdad(lambda data_dir: fill(data_dir, 1, 1))]
    try:
        targets = [_events_of(server, name_of(0)) for server in servers]
        for server in servers:
            path = f"/2017-10-31/functions/{name_of(0)}/concurrency"
            server.call("PUT", path, {"ReservedConcurrentExecutions": 0})
        before = servers[0].resident_mb() - servers[1].resident_mb()
        rates: list[list[float]] = [[], []]
        for _ in range(turns):
            for target, own in zip(targets, rates, strict=True):
                own.append(concurrent(target, b"{}", 16, seconds)[0])
        return statistics.median(rates[0]), statistics.median(rates[1]), before
    finally:
        for server in servers:
            server.close()


def _add_events(data_dir: Path, count: int) -> None:
    async def migrate() -> None:
        database = Database(data_dir)
        database.open()
        await database.close()

    asyncio.run(migrate())
    connection = apsw.Connection(str(data_dir / "lambdad.sqlite3"))
    now = time.time()
    statement = (
        "INSERT INTO events (id, request_id, account, region, name, payload, trace_id, accepted_at, due_at, errors, throttles) "
        "VALUES (?, ?, '000000000000', 'us-east-1', ?, x'7b7d', 'Root=1-0-0', ?, ?, 0, 0)"
    )
    for start in range(0, count, _ROWS):
        numbers = range(start + 1, min(start + _ROWS, count) + 1)
        with connection:
            connection.executemany(statement, ((n, f"{n:08}-{n:028}", name_of(0), now, now) for n in numbers))
    connection.close()
