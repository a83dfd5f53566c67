"""Listening: the front door's port, and the sockets that sandboxes reach us by."""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from typing import cast

from lambdad.http.exchange import Handler
from lambdad.http.limits import Limits
from lambdad.http.protocol import HttpProtocol

log = logging.getLogger(__name__)

_BACKLOG = 1024
_ACCEPTS = 64
"""Connections taken at once from one listener, so that one does not keep the loop from others."""
_TRANSIENT = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Server:
    """One listening port."""

    def __init__(self, server: asyncio.AbstractServer, connections: set[HttpProtocol]) -> None:
        self._server = server
        self.connections = connections

    @property
    def port(self) -> int:
        """The port it got, if 0 was asked for."""
        return int(self._server.sockets[0].getsockname()[1])  # type: ignore[attr-defined]

    async def drain(self) -> None:
        """Take no new connection, end idle ones, let the others be answered; `abort` ends the wait."""
        self._server.close()
        for connection in list(self.connections):
            connection.close_when_idle()
        while self.connections:
            await asyncio.sleep(0.01)

    def abort(self) -> None:
        """Take no new connection and end all there are."""
        self._server.close()
        for connection in list(self.connections):
            connection.abort()


class _Refusing(asyncio.Protocol):
    """One connection more than there may be."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).abort()


async def listen(handler: Handler, host: str, port: int, limits: Limits) -> Server:
    """Raises OSError (the port is taken, …)."""
    connections: set[HttpProtocol] = set()
    loop = asyncio.get_running_loop()

    def protocol() -> asyncio.Protocol:
        if limits.connections is not None and len(connections) >= limits.connections:
            return _Refusing()
        return HttpProtocol(handler, limits, connections)

    server = await loop.create_server(protocol, host, port, backlog=_BACKLOG, reuse_address=True)
    return Server(server, connections)


def serve_accepted(listener: socket.socket, handler: Handler, limits: Limits) -> Callable[[], None]:
    """Serve a socket that listens already (non-blocking). What is returned detaches it and ends its connections."""
    loop = asyncio.get_running_loop()
    connections: set[HttpProtocol] = set()
    tasks: set[asyncio.Task[object]] = set()

    def accept() -> None:
        for _ in range(_ACCEPTS):
            try:
                accepted, _peer = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno not in _TRANSIENT:
                    log.warning("accepting from a sandbox failed: %s", error)
                return
            if limits.connections is not None and len(connections) + len(tasks) >= limits.connections:
                accepted.close()
                continue
            accepted.setblocking(False)
            factory = lambda: HttpProtocol(handler, limits, connections)  # noqa: E731
            task = loop.create_task(loop.connect_accepted_socket(factory, accepted))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    def detach() -> None:
        loop.remove_reader(listener)
        for connection in list(connections):
            connection.abort()

    loop.add_reader(listener, accept)
    return detach
