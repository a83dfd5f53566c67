"""An answer of unknown length, on its connection. RFC 9112, 7.1."""

from typing import Protocol


class Chunks(Protocol):
    """The connection it goes out by (`protocol.py`)."""

    def write(self, data: bytes) -> None: ...

    def end_chunks(self) -> None: ...

    async def drain(self) -> None: ...

    def abort(self) -> None: ...


class ChunkedStream:
    """An answer in chunks, no faster than its client reads."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Chunks) -> None:
        self._connection = connection

    async def write(self, data: bytes) -> None:
        if data:
            self._connection.write(b"%x\r\n%b\r\n" % (len(data), data))
        await self._connection.drain()

    def close(self) -> None:
        self._connection.end_chunks()

    def abort(self) -> None:
        self._connection.abort()
