"""The load client, the same for every target: raw sockets, requests made beforehand, as little of its own time as can be."""

import selectors
import socket
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

_SCOPE = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0"
TIMEOUT = 120.0


@dataclass(frozen=True, slots=True)
class Target:
    """Where a function is invoked; without a payload, what is asked for."""

    host: str
    port: int
    path: str
    headers: str = ""
    """Further ones, each with its end of line."""

    @classmethod
    def of(cls, url: str, function: str) -> "Target":
        return cls.at(url, f"/2015-03-31/functions/{function}/invocations")

    @classmethod
    def at(cls, url: str, path: str) -> "Target":
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        return cls(parts.hostname, parts.port, path)

    def request(self, payload: bytes) -> bytes:
        method = "POST" if payload else "GET"
        head = (
            f"{method} {self.path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nAuthorization: {_SCOPE}\r\n"
            f"Content-Type: application/json\r\n{self.headers}Content-Length: {len(payload)}\r\n\r\n"
        )
        return head.encode() + payload

    def connect(self) -> socket.socket:
        connection = socket.create_connection((self.host, self.port), timeout=TIMEOUT)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection


class Refused(Exception):
    """The target did not answer 200 or 202, or answered with a function error."""


def read_response(connection: socket.socket) -> bytes:
    """The body of one answer."""
    data = connection.recv(262144)
    while b"\r\n\r\n" not in data:
        more = connection.recv(262144)
        if not more:
            raise Refused("the connection was closed")
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    check(head)
    length = content_length(head)
    if length is None:
        return _read_chunked(connection, body)
    parts, got = [body], len(body)
    while got < length:
        part = connection.recv(1 << 20)
        if not part:
            raise Refused("the connection was closed")
        parts.append(part)
        got += len(part)
    return b"".join(parts)


def _read_chunked(connection: socket.socket, data: bytes) -> bytes:
    while not data.endswith(b"0\r\n\r\n"):
        data += connection.recv(1 << 20)
    return data


def check(head: bytes) -> None:
    if (b" 200 " not in head[:16] and b" 202 " not in head[:16]) or b"x-amz-function-error" in head.lower():
        raise Refused(head.decode("latin-1", "replace"))


def content_length(head: bytes) -> int | None:
    lower = head.lower()
    at = lower.find(b"\r\ncontent-length:")
    return int(lower[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else None


def invoke_once(target: Target, payload: bytes) -> float:
    """Seconds, on a new connection."""
    began = time.perf_counter()
    with target.connect() as connection:
        connection.sendall(target.request(payload))
        read_response(connection)
    return time.perf_counter() - began


def request_once(target: Target, payload: bytes) -> bytes:
    """The answer's body, on a new connection."""
    with target.connect() as connection:
        connection.sendall(target.request(payload))
        return read_response(connection)


def sequential(target: Target, payload: bytes, count: int) -> list[float]:
    """Seconds of each, one after the other on one connection."""
    request, times = target.request(payload), []
    connection = target.connect()
    for _ in range(count):
        began = time.perf_counter()
        connection.sendall(request)
        if b"Connection: close" in _answer(connection):
            connection.close()
            connection = target.connect()
        times.append(time.perf_counter() - began)
    connection.close()
    return times


def _answer(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    check(head)
    length = content_length(head)
    while length is not None and len(body) < length:
        body += connection.recv(1 << 20)
    return head


def concurrent(target: Target, payload: bytes, connections: int, seconds: float) -> tuple[float, list[float]]:
    """(answers per second, seconds of each) with that many connections, each asking again as soon as it is answered."""
    request = target.request(payload)
    selector, began = selectors.EpollSelector(), {}
    for _ in range(connections):
        connection = target.connect()
        selector.register(connection, selectors.EVENT_READ)
        began[connection.fileno()] = time.perf_counter()
        connection.sendall(request)
    times: list[float] = []
    start = time.perf_counter()
    end = start + seconds
    while (now := time.perf_counter()) < end:
        for key, _ in selector.select(1.0):
            connection = key.fileobj  # type: ignore[assignment]
            closes = b"Connection: close" in _answer(connection)
            now = time.perf_counter()
            times.append(now - began[key.fd])
            if closes:
                selector.unregister(connection)
                connection.close()
                connection = target.connect()
                selector.register(connection, selectors.EVENT_READ)
            began[connection.fileno()] = now
            connection.sendall(request)
    took = time.perf_counter() - start
    for key in list(selector.get_map().values()):
        key.fileobj.close()  # type: ignore[union-attr]
    return len(times) / took, times
