"""SQS: messages sent and received a second, beside moto's server; and beside a queue that holds a million."""

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw

from bench.client import Refused, Target, concurrent, request_once
from bench.rows import Row
from bench.targets import Lambdad, Ministack, free_port, stop
from lambdad.store.database import Database

SECONDS = 3.0
TURNS = 3
QUEUED = 1_000_000
_ROWS = 50_000
_CONNECTIONS = 16
_LIMIT = 60.0
_SCOPE = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0"


class SqsTarget(Target):
    """One operation of the JSON protocol."""

    def request(self, payload: bytes) -> bytes:
        head = (
            f"POST / HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nAuthorization: {_SCOPE}\r\n"
            f"Content-Type: application/x-amz-json-1.0\r\n{self.headers}Content-Length: {len(payload)}\r\n\r\n"
        )
        return head.encode() + payload


class _Moto:
    def __init__(self) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        program = str(Path(sys.executable).with_name("moto_server"))
        self._process = subprocess.Popen(
            [program, "-p", str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        deadline = time.monotonic() + _LIMIT
        while True:
            try:
                ask(self.url, "ListQueues", {})
                return
            except OSError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    self.close()
                    raise Refused("moto_server did not start") from None
                time.sleep(0.05)

    def close(self) -> None:
        self._process.send_signal(signal.SIGINT)
        stop(self._process)


def target_of(url: str, operation: str) -> Target:
    at = Target.at(url, "/")
    return SqsTarget(at.host, at.port, at.path, f"X-Amz-Target: AmazonSQS.{operation}\r\n")


def ask(url: str, operation: str, members: dict[str, Any]) -> Any:
    return json.loads(request_once(target_of(url, operation), json.dumps(members).encode()) or b"{}")


def _rates(url: str, queue: str) -> tuple[float, float]:
    """(sent, received a second), one message a request."""
    send = json.dumps({"QueueUrl": queue, "MessageBody": "x" * 256}).encode()
    receive = json.dumps({"QueueUrl": queue, "MaxNumberOfMessages": 1, "VisibilityTimeout": 600}).encode()
    sent, _ = concurrent(target_of(url, "SendMessage"), send, _CONNECTIONS, SECONDS)
    received, _ = concurrent(target_of(url, "ReceiveMessage"), receive, _CONNECTIONS, SECONDS / 3)
    return sent, received


def measure() -> list[Row]:
    """SendMessage and ReceiveMessage on 16 connections; beside moto's and ministack's; and with a million messages in the queue."""
    own = _of(Lambdad)
    assert not isinstance(own, str), own
    others = {"moto": (_of(_Moto), "≥ 10 ×"), "ministack": (_of(Ministack), "")}
    full, empty = _beside_a_backlog()
    rows = []
    for name, at in (("sent", 0), ("received", 1)):
        measure = f"messages {name}, 16 connections"
        for other, (theirs, bar) in others.items():
            if isinstance(theirs, str):
                rows.append(Row(measure, other, f"not measured: {theirs[:60]}"))
                continue
            better = f"{own[at] / theirs[at]:.1f} ×"
            rows.append(Row(measure, f"lambdad / {other}", f"{own[at]:,.0f}/s", "", better, bar))
            rows.append(Row(measure, other, f"{theirs[at]:,.0f}/s"))
        kept = f"{full[at] / empty[at]:.2f} ×"
        rows.append(Row(measure, f"{QUEUED:,} queued / none", f"{full[at]:,.0f}/s", "", kept, "≥ 0.7 ×"))
    return rows


def _of(kind: Callable[[], Lambdad | _Moto | Ministack]) -> tuple[float, float] | str:
    """What one server does, or why there is nothing to measure."""
    try:
        server = kind()
    except Refused as error:
        return str(error)
    try:
        return _rates(server.url, ask(server.url, "CreateQueue", {"QueueName": "bench"})["QueueUrl"])
    except (Refused, OSError, KeyError) as error:
        return repr(error)
    finally:
        server.close()


def _beside_a_backlog() -> tuple[tuple[float, float], tuple[float, float]]:
    """Rates with that many messages in the queue, and with none, in turns."""
    servers = [Lambdad(lambda data_dir: _fill(data_dir, QUEUED)), Lambdad(lambda data_dir: _fill(data_dir, 0))]
    try:
        rates: list[list[tuple[float, float]]] = [[], []]
        for _ in range(TURNS):
            for server, own in zip(servers, rates, strict=True):
                own.append(_rates(server.url, f"{server.url}/000000000000/bench"))
    finally:
        for server in servers:
            server.close()
    full, empty = ((_median(own, 0), _median(own, 1)) for own in rates)
    return full, empty


def _median(rates: list[tuple[float, float]], at: int) -> float:
    return statistics.median(rate[at] for rate in rates)


def _fill(data_dir: Path, count: int) -> None:
    """A queue with so many messages, as the server's own store has them."""

    async def migrate() -> None:
        database = Database(data_dir)
        database.open()
        await database.close()

    asyncio.run(migrate())
    connection = apsw.Connection(str(data_dir / "lambdad.sqlite3"))
    now = time.time()
    queue = json.dumps({"number": 1, "attributes": {}, "tags": {}, "created_at": int(now), "modified_at": int(now)})
    connection.execute("INSERT INTO sqs_queues VALUES ('000000000000', 'us-east-1', 'bench', ?)", (queue,))
    statement = (
        "INSERT INTO sqs_messages (id, queue, group_id, visible_at, receives, receipt, sent_at, first_received_at, "
        "message_id, body, attributes, system) VALUES (?, 1, '', ?, 0, 0, ?, 0, ?, ?, '', '{}')"
    )
    first = int(now * 1_000_000) - count
    body = "x" * 256
    for start in range(0, count, _ROWS):
        numbers = range(start, min(start + _ROWS, count))
        with connection:
            connection.executemany(statement, ((first + n, now, now, f"{n:08}-{n:028}", body) for n in numbers))
    connection.close()
