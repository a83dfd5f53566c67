"""GetMetricData over a month of one-minute datapoints: what a dashboard of a large account asks for."""

import asyncio
import http.client
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import apsw
import cbor2

from bench.client import sequential
from bench.rows import Row, row
from bench.stored import name_of
from bench.targets import Lambdad
from lambdad.observability.datapoint import Datapoint
from lambdad.observability.metric_blocks import pack
from lambdad.store.database import Database

DAYS = 30
FUNCTIONS = 1000
_MINUTE, _FIVE, _HOUR, _DAY = 60, 300, 3600, 86400
_SCOPE = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/monitoring/aws4_request, SignedHeaders=host, Signature=0"
_LIMIT = 120.0


def midnight() -> int:
    """The last one."""
    return int(time.time()) // _DAY * _DAY


def fill(data_dir: Path, functions: int) -> None:
    """Invocations of that many functions, each minute of so many days; as on AWS five minutes together after 15 of them."""

    async def migrate() -> None:
        database = Database(data_dir)
        database.open()
        await database.close()

    asyncio.run(migrate())
    connection = apsw.Connection(str(data_dir / "lambdad.sqlite3"))
    begin, thinned = midnight() - DAYS * _DAY, time.time() - 15 * _DAY
    blocks = []
    for start in range(begin, begin + DAYS * _DAY, _HOUR):
        step = _MINUTE if start > thinned else _FIVE
        points = {n: Datapoint.constant(1.0, float(step // _MINUTE * (n % 7 + 1))) for n in range(_HOUR // step)}
        blocks.append((step, start, *pack(points)))
    for start in range(begin, begin + DAYS * _DAY, _DAY):
        blocks.append((_HOUR, start, *pack({n: Datapoint.constant(1.0, 60.0 * (n % 7 + 1)) for n in range(24)})))
    for number in range(functions):
        dimensions = f'[["FunctionName","{name_of(number)}"]]'
        row = (
            number + 1,
            "000000000000",
            "us-east-1",
            "AWS/Lambda",
            "Invocations",
            dimensions,
            "Count",
            int(time.time()),
            0,
        )
        with connection:
            connection.execute("INSERT INTO metric_series VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            connection.executemany(
                "INSERT INTO metric_blocks VALUES (?, ?, ?, ?, ?)", ((number + 1, *block) for block in blocks)
            )
    connection.close()


class Asking:
    def __init__(self, server: Lambdad) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=_LIMIT)

    def all_of(self, functions: range, period: int, start: int, days: int) -> tuple[float, int]:
        """(seconds, datapoints) of the sums of that many functions, page after page, 500 metrics a request."""
        began, found = time.perf_counter(), 0
        for first in range(functions.start, functions.stop, 500):
            queries = [_query(number, period) for number in range(first, min(first + 500, functions.stop))]
            token = None
            while True:
                page = self._page(queries, start, start + days * _DAY, token)
                found += sum(len(result["Values"]) for result in page["MetricDataResults"])
                token = page.get("NextToken")
                if token is None:
                    break
        return time.perf_counter() - began, found

    def _page(self, queries: list[Any], start: int, end: int, token: str | None) -> Any:
        request = {"MetricDataQueries": queries, "StartTime": _time(start), "EndTime": _time(end)}
        body = cbor2.dumps({**request, **({"NextToken": token} if token else {})})
        headers = {"Authorization": _SCOPE, "Smithy-Protocol": "rpc-v2-cbor", "Content-Type": "application/cbor"}
        path = "/service/GraniteServiceVersion20100801/operation/GetMetricData"
        self._connection.request("POST", path, body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content[:300]
        return cbor2.loads(content)

    def close(self) -> None:
        self._connection.close()


def _query(number: int, period: int) -> dict[str, Any]:
    dimensions = [{"Name": "FunctionName", "Value": name_of(number)}]
    metric = {"Namespace": "AWS/Lambda", "MetricName": "Invocations", "Dimensions": dimensions}
    return {"Id": f"q{number}", "MetricStat": {"Metric": metric, "Period": period, "Stat": "Sum"}}


def _time(seconds: int) -> Any:
    return cbor2.CBORTag(1, float(seconds))


def measure() -> list[Row]:
    """All of a thousand functions by the hour and by the day; one of them by the minute; a neighbour's invocations meanwhile."""
    server = Lambdad(lambda data_dir: fill(data_dir, FUNCTIONS))
    try:
        begin, asking = midnight() - DAYS * _DAY, Asking(server)
        everyone, label = range(FUNCTIONS), f"{FUNCTIONS:,} functions, {DAYS} days"
        target = server.create("neighbour")
        sequential(target, b"{}", 300)
        quiet = sequential(target, b"{}", 2000)
        before = server.resident_mb()
        hours = [asking.all_of(everyone, _HOUR, begin, DAYS) for _ in range(3)]
        days = [asking.all_of(everyone, _DAY, begin, DAYS) for _ in range(3)]
        askew = [asking.all_of(range(100), _HOUR, begin + 20 * _MINUTE, DAYS - 1) for _ in range(3)]
        minutes = [asking.all_of(range(n, n + 1), _MINUTE, midnight() - 14 * _DAY, 14) for n in range(20)]
        grown = server.resident_mb() - before
        busy = _beside(lambda: asking.all_of(everyone, _HOUR, begin, DAYS), lambda: sequential(target, b"{}", 500))
        asking.close()
    finally:
        server.close()
    return [
        _row(f"GetMetricData, {label}, by the hour", hours, "≤ 10 s"),
        _row(f"GetMetricData, {label}, by the day", days),
        _row("GetMetricData, 100 functions, hours that begin at :20", askew),
        _row("GetMetricData, one function, 14 days by the minute", minutes),
        Row("memory of the server meanwhile", "lambdad", f"+{grown:.1f} MB"),
        row("warm invoke beside such queries", "lambdad", busy, statistics.median(quiet)),
    ]


def _row(what: str, asked: list[tuple[float, int]], bar: str = "") -> Row:
    return row(what, f"{asked[0][1]:,} datapoints", [seconds for seconds, _ in asked], bar=bar)


def _beside(load: Callable[[], object], use: Callable[[], list[float]]) -> list[float]:
    """What `use` measures again and again, while `load` runs once."""
    thread = threading.Thread(target=load)
    thread.start()
    times: list[float] = []
    while thread.is_alive():
        times += use()
    thread.join()
    return times
