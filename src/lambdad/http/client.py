"""Requests to other servers on the event loop: RFC 9112 as far as the services that we ask need it.

One request at a time on a connection, which is kept for the next.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from urllib.parse import urlsplit

_IDLE = 64
"""Connections kept."""
_NO_BODY = frozenset({204, 304})
_PIECE = 256 * 1024

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Incoming:
    """An answer whose head has come. `close` when done with it, however much of its body was read."""

    def __init__(
        self,
        status: int,
        headers: Sequence[tuple[str, str]],
        streams: Streams,
        bodiless: bool,
        keep: Callable[[], None],
    ) -> None:
        """`headers` as sent; `keep`: the connection can be used again."""
        self.status = status
        self.headers = headers
        self._reader, self._writer = streams
        self._keep = keep
        self._named = {name.lower(): value for name, value in headers}
        self._whole = bodiless
        self.chunked = self.header("transfer-encoding").lower() == "chunked"
        self.length = 0 if bodiless else int(self.header("content-length") or 0)
        """Bytes of the body; of no meaning when it is `chunked`."""

    def header(self, name: str) -> str:
        """By its name in lower case; empty if it was not sent."""
        return self._named.get(name, "")

    async def read(self, most: int) -> bytes:
        """The whole body. Raises ValueError when it is larger."""
        body = bytearray()
        async for piece in self.pieces():
            body += piece
            if len(body) > most:
                raise ValueError("the answer is too large")
        return bytes(body)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises EOFError when it breaks off."""
        if not self._whole:
            async for piece in self._chunks() if self.chunked else self._counted():
                yield piece
            self._whole = True

    async def _counted(self) -> AsyncIterator[bytes]:
        left = self.length
        while left:
            piece = await self._reader.read(min(left, _PIECE))
            if not piece:
                raise EOFError("the answer breaks off")
            left -= len(piece)
            yield piece

    async def _chunks(self) -> AsyncIterator[bytes]:
        while True:
            size = int((await self._reader.readuntil(b"\r\n")).partition(b";")[0], 16)
            piece = (await self._reader.readexactly(size + 2))[:-2]
            if not size:
                return
            yield piece

    def close(self) -> None:
        stays = self.header("connection").lower() != "close" and self.header(":version") != "1.0"
        if self._whole and stays:
            self._keep()
        else:
            self._writer.close()


class Connections:
    """To one server. `close` when nobody asks any more."""

    def __init__(self, connect: Callable[[], Awaitable[Streams]]) -> None:
        self._connect = connect
        self._idle: list[Streams] = []

    async def ask(self, request: bytes, head_only: bool = False) -> Incoming:
        """`head_only`: the answer has no body (HEAD). A kept connection that the server has closed meanwhile is replaced.
        Raises OSError, EOFError, ValueError, asyncio.LimitOverrunError."""
        while True:
            kept = self._take()
            streams = kept or await self._connect()
            try:
                streams[1].write(request)
                head = await _head(streams[0])
            except BaseException:
                streams[1].close()
                raise
            if head is not None:
                status, headers = head
                bodiless = head_only or status in _NO_BODY
                return Incoming(status, headers, streams, bodiless, partial(self._give_back, streams))
            streams[1].close()
            if kept is None:
                raise EOFError("the connection was closed")

    def _take(self) -> Streams | None:
        while self._idle:
            streams = self._idle.pop()
            if not streams[0].at_eof():
                return streams
            streams[1].close()
        return None

    def _give_back(self, streams: Streams) -> None:
        if len(self._idle) < _IDLE:
            self._idle.append(streams)
        else:
            streams[1].close()

    def close(self) -> None:
        while self._idle:
            self._idle.pop()[1].close()


async def connect_to(url: str) -> Streams:
    """Raises OSError."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    context = ssl.create_default_context() if secure else None
    return await asyncio.open_connection(parts.hostname, parts.port or (443 if secure else 80), ssl=context)


async def _head(reader: asyncio.StreamReader) -> tuple[int, list[tuple[str, str]]] | None:
    """(status, headers, with the version among them); None: the connection has ended before."""
    try:
        text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    first, *lines = text.split("\r\n")[:-2]
    version, status = first.split(" ", 2)[:2]
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return int(status), [(":version", version.removeprefix("HTTP/")), *headers]
