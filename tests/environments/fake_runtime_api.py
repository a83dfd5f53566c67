"""A Runtime API for one runtime process, small enough to see through: events go in, what the runtime posts comes out.

It runs in threads of the test's own process. Every wait has a limit.
"""

import json
import queue
import socketserver
import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, BinaryIO

ROOT = "/2018-06-01/runtime"
LIMIT = 30.0


@dataclass
class Posted:
    """One request of the runtime's that was not for the next event."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Event:
    body: bytes
    request_id: str
    headers: dict[str, str] = field(default_factory=dict)
    status_of_result: int = 202
    pieces: int = 0
    """Send the answer to `next` in pieces of this many bytes; 0: at once."""


class FakeRuntimeApi(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.events: queue.Queue[Event | None] = queue.Queue()
        self.posted: queue.Queue[Posted] = queue.Queue()
        self.asked = threading.Semaphore(0)
        """Released at each request for the next event."""
        self.status_of_result = 202
        self.connections: list[Any] = []
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def invoke(self, payload: Any, request_id: str = "00000000-0000-4000-8000-000000000001", **more: Any) -> Posted:
        """Give an event (JSON of `payload`, or its bytes) and wait for what the runtime posts about it."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.events.put(Event(body, request_id, **more))
        return self.posted.get(timeout=LIMIT)

    def hang_up(self) -> None:
        self.events.put(None)

    def close(self) -> None:
        self.shutdown()
        for _ in range(4):
            self.events.put(None)
        self.server_close()


class _Connection(socketserver.StreamRequestHandler):
    server: FakeRuntimeApi
    timeout = LIMIT * 2

    def handle(self) -> None:
        self.server.connections.append(self.client_address)
        try:
            while (line := self.rfile.readline()) and self._answer(*line.decode().split()[:2]):
                pass
        except OSError:
            return

    def _answer(self, method: str, path: str) -> bool:
        headers = _headers(self.rfile)
        body = self.rfile.read(int(headers.get("content-length", 0)))
        if method == "GET" and path.endswith("/next"):
            self.server.asked.release()
            return self._next()
        self.server.posted.put(Posted(path.removeprefix(ROOT), headers, body))
        self._respond(self.server.status_of_result if path.endswith("/response") else 202, {}, b'{"status":"OK"}\n')
        return True

    def _next(self) -> bool:
        event = self.server.events.get(timeout=LIMIT * 2)
        if event is None:
            return False
        self.server.status_of_result = event.status_of_result
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": event.request_id,
            "Lambda-Runtime-Deadline-Ms": "4102444800000",
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:000000000000:function:f",
            **event.headers,
        }
        self._respond(200, headers, event.body, event.pieces)
        return True

    def _respond(self, status: int, headers: dict[str, str], body: bytes, pieces: int = 0) -> None:
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
        lines += [f"{name}: {value}" for name, value in {**headers, "Content-Length": str(len(body))}.items()]
        message = "\r\n".join([*lines, "", ""]).encode() + body
        step = pieces or len(message)
        for start in range(0, len(message), step):
            self.wfile.write(message[start : start + step])
            self.wfile.flush()


def _headers(stream: BinaryIO) -> dict[str, str]:
    headers = {}
    while line := stream.readline().strip():
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    return headers
