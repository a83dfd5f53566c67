"""Logs: how fast they are taken in, and how fast a million events are searched."""

import json
import threading
import time
from pathlib import Path
from typing import Any

from bench.client import Target, invoke_once, request_once, sequential
from bench.rows import Row, milliseconds, row
from bench.targets import Lambdad

EVENTS = 1_000_000
_STREAMS = 20
_LINE = "INFO request 0123456789abcdef took 12 ms and was answered with 200, from the cache of this environment"
_SILENT = "def handler(event, context):\n    return event\n"
_TALKS = """
def handler(event, context):
    for _ in range(10):
        print('a line of a usual length, as functions write them')
    return event
"""
_FLOODS = f"""
import sys
LINE = {_LINE!r} * 9 + chr(10)
def handler(event, context):
    for _ in range(event):
        sys.stdout.write(LINE)
"""
_FLOODS_FOR = f"""
import sys, time
LINE = {_LINE!r} * 9 + chr(10)
def handler(event, context):
    end = time.monotonic() + event
    while time.monotonic() < end:
        for _ in range(100):
            sys.stdout.write(LINE)
"""
_SCOPE = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/logs/aws4_request, SignedHeaders=host, Signature=0"
_FLOOD = 30_000
_AT_ONCE = 20
_SECONDS = b"8"
_SMALL = 256
"""MB: as many of them have more than two CPUs, and fit into any host's memory."""


class _LogsTarget(Target):
    def request(self, payload: bytes) -> bytes:
        head = (
            f"POST / HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nAuthorization: {_SCOPE}\r\n"
            f"Content-Type: application/x-amz-json-1.1\r\n{self.headers}Content-Length: {len(payload)}\r\n\r\n"
        )
        return head.encode() + payload


def _call(url: str, operation: str, **members: Any) -> Any:
    at = Target.at(url, "/")
    target = _LogsTarget(at.host, at.port, at.path, f"X-Amz-Target: Logs_20140328.{operation}\r\n")
    return json.loads(request_once(target, json.dumps(members).encode()))


def measure() -> list[Row]:
    """What ten lines cost an invocation; a function that writes as fast as it can; a search of a million events."""
    server = Lambdad(_fill)
    try:
        silent = sequential(server.create("silent", source=_SILENT), b"1", 1000)
        talks = sequential(server.create("talks", source=_TALKS), b"1", 1000)
        flood = sequential(server.create("floods", source=_FLOODS, Timeout=600), str(_FLOOD).encode(), 3)
        seconds, found = _search(server.url)
        resident = server.resident_mb()
    finally:
        server.close()
    megabytes = _FLOOD * (len(_LINE) * 9 + 1) / 1e6
    return [
        row("invoke that logs ten lines / none", "lambdad", talks, sorted(silent)[len(silent) // 2]),
        Row("log written as fast as can be", "one function", f"{megabytes / min(flood):,.0f} MB/s"),
        Row(f"FilterLogEvents over {EVENTS:,} events", f"{found} found", milliseconds(seconds)),
        Row("memory of the server", "after all of it", f"{resident:,.0f} MB"),
    ]


def flood() -> list[Row]:
    """Twenty functions that log as fast as they can for some seconds, and a quiet neighbour."""
    server = Lambdad()
    try:
        quiet = server.create("quiet", source=_SILENT)
        floods = [server.create(f"floods-{number}", _SMALL, _FLOODS_FOR, Timeout=600) for number in range(_AT_ONCE)]
        alone = sequential(quiet, b"1", 500)
        before = server.resident_mb()
        threads = [threading.Thread(target=invoke_once, args=(target, _SECONDS)) for target in floods]
        for thread in threads:
            thread.start()
        beside, resident = [], before
        while any(thread.is_alive() for thread in threads):
            beside += sequential(quiet, b"1", 20)
            resident = max(resident, server.resident_mb())
        for thread in threads:
            thread.join()
    finally:
        server.close()
    measure = f"invoke of a quiet function, {_AT_ONCE} others log as fast as they can"
    return [
        row(f"{measure} / alone", "lambdad", beside, sorted(alone)[len(alone) // 2]),
        Row("memory of the server meanwhile", "lambdad", f"+{resident - before:,.0f} MB"),
    ]


def _search(url: str) -> tuple[float, int]:
    """(seconds of all pages, events found)."""
    began, found, more = time.perf_counter(), 0, {}
    while True:
        page = _call(url, "FilterLogEvents", logGroupName="/bench", filterPattern='"needle"', **more)
        found += len(page["events"])
        if "nextToken" not in page:
            return time.perf_counter() - began, found
        more = {"nextToken": page["nextToken"]}


def _fill(data_dir: Path) -> None:
    """Streams as the server writes them."""
    directory = data_dir / "logs" / "000000000000" / "us-east-1" / "%2Fbench"
    directory.mkdir(parents=True)
    start = int(time.time() * 1000) - EVENTS
    files = [open(directory / f"stream-{number}", "w") for number in range(_STREAMS)]  # noqa: SIM115
    for number in range(EVENTS):
        message = f"{_LINE} needle" if number % 100_000 == 0 else _LINE
        files[number % _STREAMS].write(json.dumps([start + number, start + number, message]) + "\n")
    for file in files:
        file.close()
