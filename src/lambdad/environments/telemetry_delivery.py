"""How batches reach a subscriber: an HTTP server or a TCP listener of its own, inside its sandbox.

The connection is made inside, by the sandbox's first process, and to its loopback only. What is at its other end is the
function's business and untrusted: every wait has a limit, and no more of an answer is read than its status needs.
AWS: docs.aws.amazon.com/lambda/latest/dg/telemetry-api.html#telemetry-api-destination
"""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from lambdad.environments.telemetry_subscription import Destination

_LIMIT = 3.0
"""Seconds that a batch may take."""
_READ = 4096
_MOST_READ = 65536

Connect = Callable[[int], Awaitable[socket.socket]]


class Delivery(Protocol):
    async def send(self, batch: Sequence[bytes]) -> None:
        """Raises OSError, TimeoutError: it was not taken."""

    def close(self) -> None: ...


def delivery_to(destination: Destination, connect: Connect) -> Delivery:
    if destination.protocol == "TCP":
        return TcpDelivery(destination, connect)
    return HttpDelivery(destination, connect)


class HttpDelivery:
    """One POST for each batch, with a connection of its own."""

    def __init__(self, destination: Destination, connect: Connect) -> None:
        self._destination = destination
        self._connect = connect

    async def send(self, batch: Sequence[bytes]) -> None:
        to = self._destination
        body = b"[" + b",".join(batch) + b"]"
        head = (
            f"POST {to.path} HTTP/1.1\r\nHost: {to.host}:{to.port}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(_LIMIT):
            with contextlib.closing(await self._connect(to.port)) as connection:
                await loop.sock_sendall(connection, head.encode() + body)
                answer = await _to_its_end(connection)
        if not (answer.startswith(b"HTTP/1.") and answer[9:10] == b"2"):
            raise OSError(errno.EPROTO, "the subscriber did not take it")

    def close(self) -> None:
        """Nothing is kept between batches."""


async def _to_its_end(connection: socket.socket) -> bytes:
    """The beginning of what comes until the other side has no more: who closes earlier is an error to many a server."""
    loop = asyncio.get_running_loop()
    first, read = b"", 0
    while read < _MOST_READ:
        piece = await loop.sock_recv(connection, _READ)
        if not piece:
            break
        first = first or piece
        read += len(piece)
    return first


class TcpDelivery:
    """A line for each event, over one connection."""

    def __init__(self, destination: Destination, connect: Connect) -> None:
        self._port = destination.port
        self._connect = connect
        self._connection: socket.socket | None = None

    async def send(self, batch: Sequence[bytes]) -> None:
        try:
            async with asyncio.timeout(_LIMIT):
                if self._connection is None:
                    self._connection = await self._connect(self._port)
                lines = b"".join(event + b"\n" for event in batch)
                await asyncio.get_running_loop().sock_sendall(self._connection, lines)
        except BaseException:
            self.close()  # who takes half a batch gets the whole of it again
            raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
