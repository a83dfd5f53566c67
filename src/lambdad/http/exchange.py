"""One request and its one answer.

The vocabulary between `protocol.py` and everything that answers: front door, Runtime API, our own pages. RFC 9112.
"""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Protocol

_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_NO_BODY = frozenset({204, 304})


class Connection(Protocol):
    """What an exchange needs of the connection it came by (`protocol.py`)."""

    def answered(self, head: bytes, body: bytes) -> None: ...

    def end_after_answers(self) -> None: ...

    def close_after(self) -> bool:
        """Will the connection be closed after this answer?"""

    def answered_with_next(self, head: bytes) -> None:
        """The same, of an answer without a body that may wait for the next one."""

    def stream(self, head: bytes) -> "ResponseStream": ...

    def pause_body(self) -> None: ...

    def resume_body(self) -> None: ...


class IncomingBody:
    """A request's body that is handed on as it comes (`limits.py`). Trailers join the request's headers."""

    __slots__ = ("_connection", "_paused", "ended", "take")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._paused = False
        self.take: Callable[[bytes], None] = _drop
        """Called with each piece, until `ended`. A body that nobody takes is read and dropped."""
        self.ended: Callable[[], None] = _nothing
        """Called once when all of it has come; a client that goes before calls the exchange's `on_close` instead."""

    def pause(self) -> None:
        """Let the sender wait: at most what it has sent already still comes."""
        if not self._paused:
            self._paused = True
            self._connection.pause_body()

    def resume(self) -> None:
        if self._paused:
            self._paused = False
            self._connection.resume_body()


def _drop(piece: bytes) -> None:
    """Until someone takes it."""


def _nothing() -> None:
    """Until someone waits for the end."""


class ResponseStream(Protocol):
    """An answer that is sent as it is made, in chunks."""

    async def write(self, data: bytes) -> None:
        """Waits while the client is slower. Raises ConnectionError when it has gone."""

    def close(self) -> None:
        """All of it has been written."""

    def abort(self) -> None:
        """The rest will not come: the connection ends, so that the client sees it."""


class Exchange:
    """Names in `headers` are lower case; a name sent twice has its values joined by `,`, as signatures have them."""

    __slots__ = (
        "_answered",
        "_connection",
        "body",
        "closed",
        "date",
        "headers",
        "incoming",
        "method",
        "on_close",
        "peer",
        "request_id",
        "target",
    )

    def __init__(
        self, connection: Connection, method: bytes, target: bytes, headers: dict[bytes, bytes], body: bytes, peer: str
    ) -> None:
        self._connection = connection
        self.method = method
        self.target = target
        """As sent: path and query."""
        self.headers = headers
        self.body = body
        self.incoming: IncomingBody | None = None
        """Instead of `body`, when it is still on its way."""
        self.peer = peer
        self.request_id = ""
        self.closed = False
        """The client has gone, or has its answer."""
        self.date: Callable[[], bytes] | None = None
        """Makes the line of its answer's Date header; None: it has none but what it is given."""
        self.on_close: Callable[[], None] | None = None
        """Called once if the client goes before it is answered."""
        self._answered = False

    def respond(self, status: int, headers: Sequence[tuple[bytes, bytes]] = (), body: bytes = b"") -> None:
        """Answer. Only the first answer counts; one to a client that has gone is dropped."""
        parts = [_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status]
        for name, value in headers:
            parts += (name, b": ", value, b"\r\n")
        if self.date is not None:
            parts.append(self.date())
        if self._connection.close_after():
            parts.append(b"Connection: close\r\n")
        if status not in _NO_BODY:
            parts += (b"Content-Length: ", str(len(body)).encode(), b"\r\n")
        parts.append(b"\r\n")
        self.respond_raw(b"".join(parts), b"" if self.method == b"HEAD" or status in _NO_BODY else body)

    def respond_raw(self, head: bytes, body: bytes) -> None:
        """Answer with a head made by the caller, up to and with its blank line: for the hot path."""
        if self._answered or self.closed:
            return
        self._answered = True
        self._connection.answered(head, body)

    def respond_with_next(self, head: bytes) -> None:
        """The same without a body, of an answer that nobody waits for: if the client has asked for more already, it leaves
        together with the answer to that, in one system call."""
        if self._answered or self.closed:
            return
        self._answered = True
        self._connection.answered_with_next(head)

    def be_last(self) -> None:
        """The connection ends with its answer: whatever the client has sent behind it is not looked at."""
        self._connection.end_after_answers()

    def stream(self, status: int, headers: Sequence[tuple[bytes, bytes]] = ()) -> ResponseStream:
        """Begin an answer of unknown length (chunked). One that can have no body is all there then."""
        head = _LINES.get(status) or b"HTTP/1.1 %d \r\n" % status
        head += b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        if self.date is not None:
            head += self.date()
        if self._connection.close_after():
            head += b"Connection: close\r\n"
        if self.method == b"HEAD" or status in _NO_BODY:
            self.respond_raw(head + b"\r\n", b"")
            return _NoBody()
        self._answered = True
        return self._connection.stream(head + b"Transfer-Encoding: chunked\r\n\r\n")


class _NoBody:
    """What is written is not sent."""

    async def write(self, data: bytes) -> None:
        pass

    def close(self) -> None:
        pass

    def abort(self) -> None:
        pass


Handler = Callable[[Exchange], None]
"""Called when a request is complete, or its head if its body is handed on as it comes; answers now or later, once."""
