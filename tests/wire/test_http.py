"""HTTP/1.1 byte by byte, against the real server. RFC 9112."""

import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from functions import create
from server import Server

HEALTH = b"GET /_lambdad/health HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def connection(server: Server) -> Iterator[socket.socket]:
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=120) as opened:
        yield opened


@pytest.fixture(scope="module")
def echo(client: Any) -> str:
    return create(client, "def handler(event, context):\n    return event\n")


def read_answer(connection: socket.socket, data: bytes = b"") -> tuple[int, bytes, bytes]:
    """(status, body, what came after it); status 0 when the connection was closed instead."""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return 0, b"", data
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    length = int(fields.get(b"content-length", b"0"))
    while len(rest) < length:
        rest += connection.recv(65536)
    return int(head.split()[1]), rest[:length], rest[length:]


def closed(connection: socket.socket) -> bool:
    """The server has ended the connection."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_keep_alive_and_pipelining(connection: socket.socket) -> None:
    connection.sendall(HEALTH * 20)
    rest = b""
    for _ in range(20):
        status, body, rest = read_answer(connection, rest)
        assert status == 200
        assert json.loads(body)["status"] == "ok"


def test_a_thousand_pipelined_requests(connection: socket.socket) -> None:
    connection.sendall(HEALTH * 1000)
    rest = b""
    for _ in range(1000):
        status, _, rest = read_answer(connection, rest)
        assert status == 200


def invocation(name: str, head: bytes, body: bytes) -> bytes:
    return f"POST /2015-03-31/functions/{name}/invocations HTTP/1.1\r\nHost: x\r\n".encode() + head + b"\r\n" + body


def test_answers_keep_the_order_of_requests(connection: socket.socket, client: Any) -> None:
    name = create(client, "import time\ndef handler(event, context):\n    time.sleep(event)\n    return event\n")
    first, second = (invocation(name, b"Content-Length: 3\r\n", text) for text in (b"0.5", b"0.0"))
    connection.sendall(first + second + HEALTH)
    rest, bodies = b"", []
    for _ in range(3):
        _, body, rest = read_answer(connection, rest)
        bodies.append(body)
    assert bodies[:2] == [b"0.5", b"0.0"]


def test_a_chunked_body(connection: socket.socket, echo: str) -> None:
    connection.sendall(invocation(echo, b"Transfer-Encoding: chunked\r\n", b'3\r\n"ab\r\n2;x=y\r\nc"\r\n0\r\n\r\n'))
    assert read_answer(connection)[:2] == (200, b'"abc"')


def test_a_body_in_many_pieces(connection: socket.socket, echo: str) -> None:
    request = invocation(echo, b"Content-Length: 12\r\n", b'{"key": 123}')
    for position in range(len(request)):
        connection.sendall(request[position : position + 1])
    assert read_answer(connection)[:2] == (200, b'{"key": 123}')


def test_expect_continue(connection: socket.socket, echo: str) -> None:
    connection.sendall(invocation(echo, b"Content-Length: 1\r\nExpect: 100-continue\r\n", b""))
    assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(b"7")
    assert read_answer(connection)[:2] == (200, b"7")


def test_connection_close(connection: socket.socket) -> None:
    connection.sendall(b"GET /_lambdad/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert read_answer(connection)[0] == 200
    assert closed(connection)


@pytest.mark.parametrize(
    "head", [b"Connection: Upgrade\r\nUpgrade: h2c\r\n", b"Connection: upgrade\r\nUpgrade: websocket\r\n"]
)
def test_another_protocol_is_not_taken_up(connection: socket.socket, head: bytes) -> None:
    """The request is answered in this one, and what comes after it is no request."""
    connection.sendall(HEALTH.replace(b"\r\n\r\n", b"\r\n" + head + b"\r\n") + HEALTH)
    status, _, rest = read_answer(connection)
    assert (status, rest) == (200, b"")
    assert closed(connection)


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 1\r\n\r\na",
        b"POST / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nbad\0name: x\r\n\r\n",
    ],
)
def test_malformed_requests(connection: socket.socket, request_: bytes) -> None:
    connection.sendall(request_)
    assert read_answer(connection)[0] == 400
    assert closed(connection)


@pytest.mark.parametrize("finished", [True, False])
def test_huge_headers(connection: socket.socket, finished: bool) -> None:
    request = b"GET /_lambdad/health HTTP/1.1\r\nHost: x\r\nX-Large: " + b"x" * 200_000
    try:
        connection.sendall(request + (b"\r\n\r\n" if finished else b""))
        assert read_answer(connection)[0] in (431, 0)
    except (BrokenPipeError, ConnectionResetError):
        return
    assert closed(connection)


def test_a_body_that_is_announced_too_large(connection: socket.socket, echo: str) -> None:
    connection.sendall(invocation(echo, b"Content-Length: 10000000000\r\n", b""))
    assert read_answer(connection)[0] == 413


def test_a_client_that_goes_in_the_middle(server: Server, connection: socket.socket, echo: str) -> None:
    connection.sendall(invocation(echo, b"Content-Length: 1000\r\n", b"half"))
    connection.close()
    assert server.get("/_lambdad/health")[0] == 200


def test_a_client_that_goes_before_the_answer(server: Server, connection: socket.socket, client: Any) -> None:
    """The function goes on, as on AWS."""
    name = create(client, "import time\ndef handler(event, context):\n    time.sleep(1)\n    print('went on')\n")
    connection.sendall(invocation(name, b"Content-Length: 2\r\n", b"{}"))
    connection.close()
    server.wait_for_log(name, "went on")


def test_our_own_pages(server: Server) -> None:
    assert server.get("/_lambdad/health")[0] == 200
    assert b"# TYPE lambdad_environments gauge" in server.get("/_lambdad/metrics")[1]
    assert server.get("/_lambdad/nothing")[0] == 404
    assert server.get("/nothing/at/all")[0] == 404


@pytest.mark.parametrize("path", ["/2015-03-31/functions/any/invocations", "/2015-03-31/functions", "/_lambdad/cost"])
def test_web_pages_reach_no_api(connection: socket.socket, path: str) -> None:
    """A browser sends a simple POST for any page, wherever it goes."""
    body = b"{}"
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nOrigin: https://example.com\r\nContent-Type: text/plain\r\n"
    connection.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    status, answer, _ = read_answer(connection)
    assert status == 403
    assert b"Web pages" in answer


def test_a_slow_client_does_not_hold_up_others(server: Server, connection: socket.socket) -> None:
    connection.sendall(b"GET /_lambdad/health HTTP/1.1\r\nHost:")
    for _ in range(50):
        assert server.get("/_lambdad/health")[0] == 200
