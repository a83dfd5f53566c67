"""An answer that a runtime sends piece by piece, on its way to whoever takes it so; for all others it is collected.

AWS: docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming. It goes no faster than it is
taken: the runtime's own writing stops when its reader's does. Errors midstream come in trailers.
"""

import base64
import binascii
from collections.abc import Callable
from typing import Final

from lambdad.environments import failures
from lambdad.environments.failures import FunctionError
from lambdad.http.exchange import Exchange, IncomingBody
from lambdad.http.pieces import gather
from lambdad.resources.invocation import ResponseSink

MODE: Final = (b"lambda-runtime-function-response-mode", b"streaming")
"""The header of POST /response by which a runtime says that it streams."""
_ERROR_TYPE: Final = b"lambda-runtime-function-error-type"
_ERROR_BODY: Final = b"lambda-runtime-function-error-body"
_CONTENT_TYPE: Final = b"application/octet-stream"

Ended = Callable[[bytes, FunctionError | None], None]
"""What was collected, and what went wrong."""


class ResponseStream:
    """One invocation's. `over` is called once, unless it is cut before."""

    __slots__ = ("_body", "_collected", "_exchange", "_limit", "_over", "_sink", "_size", "_streamed")

    def __init__(
        self,
        exchange: Exchange,
        sink: ResponseSink | None,
        executed_version: str,
        limit: int,
        over: Ended,
        streamed: Callable[[int], None],
    ) -> None:
        """`limit` in bytes. `streamed` is told how many went to the sink, once, before `over`."""
        assert exchange.incoming is not None
        self._exchange = exchange
        self._body: IncomingBody = exchange.incoming
        self._sink = sink
        self._limit = limit
        self._over: Ended | None = over
        self._streamed = streamed
        self._size = 0
        self._collected: list[bytes | bytearray] = []
        self._body.take = self._take
        self._body.ended = self._ended
        exchange.on_close = self._truncated
        if sink is not None:
            content_type = exchange.headers.get(b"content-type", _CONTENT_TYPE).decode("latin-1")
            sink.begin(content_type, executed_version, self._body)

    def cut(self) -> None:
        """The invocation has ended otherwise: what still comes is nobody's."""
        if self._sink is not None:
            self._streamed(self._size)
        self._over = None
        self._sink = None
        self._collected = []
        self._body.resume()

    def _take(self, piece: bytes) -> None:
        if self._over is None:
            return
        self._size += len(piece)
        if self._size > self._limit:
            self._end(failures.response_too_large(self._size, self._limit))
        elif self._sink is not None:
            self._sink.write(piece)
        else:
            gather(self._collected, piece)

    def _ended(self) -> None:
        self._end(_error_in(self._exchange.headers))

    def _truncated(self) -> None:
        self._end(failures.truncated_response())

    def _end(self, error: FunctionError | None) -> None:
        over = self._over
        if over is not None:
            collected = b"".join(self._collected)
            self.cut()
            over(collected, error)


def _error_in(headers: dict[bytes, bytes]) -> FunctionError | None:
    """What the trailers say."""
    error_type = headers.get(_ERROR_TYPE)
    if error_type is None:
        return None
    name = error_type.decode("latin-1")
    try:
        document = base64.b64decode(headers.get(_ERROR_BODY, b""), validate=True)
    except binascii.Error:
        document = b""
    return FunctionError(document or failures.document_of(name, ""), name, from_function=True)
