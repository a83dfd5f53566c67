"""What functions send to the X-Ray daemon: datagrams, each a header line and a segment document.

AWS: docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-daemon. There is a socket for each sandbox, made
inside it: it tells who sends, and nobody else can send there. A document goes to the sender's own account and region whatever it
says, and may be of any trace there, as on AWS. What is read is only looked at here; checking it is the trace store's.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Final, Protocol

from lambdad.observability.trace_store import Place
from lambdad.resources.function import FunctionKey
from lambdad.sandbox.driver import Sandbox

_LARGEST: Final = 65_535
_AT_ONCE: Final = 32
"""Datagrams read in one turn of the event loop."""
_WINDOW: Final = 0.1
"""Seconds."""
_IN_WINDOW: Final = 128
"""Datagrams of one sandbox, and …"""
_BYTES_IN_WINDOW: Final = 1024 * 1024
"""… bytes of them. Who sends more is not read until the window is over; what its socket cannot hold meanwhile the kernel drops."""


class Segments(Protocol):
    """Who keeps segments."""

    def offer(self, place: Place, text: bytes) -> None: ...

    def refused(self) -> None:
        """A datagram that is none of the daemon's."""


class SegmentIntake:
    def __init__(self, segments: Segments) -> None:
        self._segments = segments

    def listen(self, sandbox: Sandbox, key: FunctionKey) -> Callable[[], None]:
        """What is returned detaches it: before the sandbox is destroyed."""
        return _Listener(sandbox.trace_daemon, Place(key.account, key.region, key.name), self._segments).close


class _Listener:
    """Of one sandbox."""

    __slots__ = ("_bytes", "_datagrams", "_loop", "_place", "_segments", "_socket", "_timer", "_until")

    def __init__(self, inside: socket.socket, place: Place, segments: Segments) -> None:
        self._socket = inside
        self._place = place
        self._segments = segments
        self._loop = asyncio.get_running_loop()
        self._until = 0.0
        self._datagrams = 0
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._loop.add_reader(inside, self._readable)

    def _readable(self) -> None:
        now = self._loop.time()
        if now >= self._until:
            self._until, self._datagrams, self._bytes = now + _WINDOW, 0, 0
        for _ in range(_AT_ONCE):
            try:
                datagram = self._socket.recv(_LARGEST)
            except (BlockingIOError, InterruptedError):
                return
            self._datagrams += 1
            self._bytes += len(datagram)
            self._take(datagram)
            if self._datagrams >= _IN_WINDOW or self._bytes >= _BYTES_IN_WINDOW:
                self._loop.remove_reader(self._socket)
                self._timer = self._loop.call_at(self._until, self._go_on)
                return

    def _take(self, datagram: bytes) -> None:
        header, newline, document = datagram.partition(b"\n")
        if newline and document and header.startswith(b"{") and b'"json"' in header:
            self._segments.offer(self._place, document)
        else:
            self._segments.refused()

    def _go_on(self) -> None:
        self._timer = None
        self._loop.add_reader(self._socket, self._readable)

    def close(self) -> None:
        """What has come so far is read."""
        if self._timer is None:
            self._readable()
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._socket)
