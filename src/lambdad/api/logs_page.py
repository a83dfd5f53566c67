"""`/_lambdad/logs`: what `lambdad logs` reads, until the CloudWatch Logs API is served.

One JSON document a line: `{"timestamp", "stream", "message"}`. `function` is its name, `since` a time in milliseconds,
`follow=1` keeps the answer open and sends what comes.
"""

import asyncio
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import orjson

from lambdad.aws import sigv4
from lambdad.http.exchange import Exchange
from lambdad.observability.log_writer import LogEvent
from lambdad.observability.logs import LogStore
from lambdad.resources.function import Function, FunctionKey

_MOST = 100_000
"""Events in one answer."""
_WAITING = 1000
"""Batches that a follower may be behind before it is let go."""
_JSON_LINES = ((b"Content-Type", b"application/x-ndjson"),)


class LogsPage:
    def __init__(self, logs: LogStore, find: Callable[[FunctionKey], Function | None], region: str) -> None:
        self._logs = logs
        self._find = find
        self._region = region
        self._tasks: set[asyncio.Task[None]] = set()

    def handle(self, exchange: Exchange) -> None:
        query = {
            name: values[0] for name, values in parse_qs(urlsplit(exchange.target.decode("latin-1")).query).items()
        }
        scope = sigv4.scope_of(sigv4.credential_of(exchange.headers, ""), self._region)
        name = query.get("function", "")
        function = self._find(FunctionKey(scope.account, scope.region, name))
        group = function.latest.log_group_name if function is not None else f"/aws/lambda/{name}"
        if function is None and group not in self._logs.groups(scope.account, scope.region):
            exchange.respond(
                404, _JSON_LINES, orjson.dumps({"message": f"There is no function {name} and no log of one."})
            )
            return
        since = int(query["since"]) if query.get("since", "").isdigit() else 0
        work = self._send(exchange, scope.account, scope.region, group, since, query.get("follow") == "1")
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, exchange: Exchange, account: str, region: str, group: str, since: int, follow: bool) -> None:
        news: asyncio.Queue[list[bytes]] = asyncio.Queue(_WAITING)

        def listener(a: str, r: str, g: str, stream: str, events: list[LogEvent]) -> None:
            if (a, r, g) == (account, region, group) and not news.full():
                news.put_nowait([_line(event.timestamp, stream, event.message) for event in events])

        await self._logs.synced()
        end = self._logs.subscribe(listener) if follow else None
        try:
            stored = await asyncio.to_thread(self._logs.read, account, region, group, None, since, None, _MOST)
            lines = [_line(event.timestamp, event.stream, event.message) for event in stored]
            if len(stored) == _MOST:
                lines.insert(0, _line(stored[0].timestamp, "", f"(only the last {_MOST:,} events are shown)"))
            if not follow:
                exchange.respond(200, _JSON_LINES, b"".join(lines))
                return
            stream = exchange.stream(200, _JSON_LINES)
            while True:
                await stream.write(b"".join(lines))
                lines = await news.get()
        except ConnectionError:
            return
        finally:
            if end is not None:
                end()

    async def close(self) -> None:
        """End the followers."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _line(timestamp: int, stream: str, message: str) -> bytes:
    return orjson.dumps({"timestamp": timestamp, "stream": stream, "message": message}) + b"\n"
