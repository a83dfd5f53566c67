"""What one connection may take, and how many there may be. `server/doors.py` says which hold where."""

from dataclasses import dataclass
from http import HTTPStatus

REFUSALS = {
    status: f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode()
    for status in (400, 408, 413, 431)
}
"""What is said at a connection's end: malformed, too slow, too much."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes and seconds; None: no limit."""

    head: int = 65536
    body: int = 128 * 1024 * 1024
    request_time: float | None = 60.0
    """From a request's first byte to its last."""
    idle_time: float | None = 120.0
    """Between an answer and the next request; while a client takes nothing of an answer, once more."""
    connections: int | None = None
    """At once, through one listener: one more is closed."""
    streamed_by: tuple[bytes, bytes] | None = None
    """The header, and its value, by which a request says that its body is to be handed on as it comes. No limit holds for
    such a body: who takes it has one."""
    streamed_to: bytes = b""
    """How the targets end of which that holds."""
