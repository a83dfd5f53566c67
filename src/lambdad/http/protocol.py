"""HTTP/1.1 on a raw asyncio protocol: the one server for front door and Runtime API. RFC 9112.

The hot path: one parser callback per header, no re-encoding, the body kept as it came, head and body in one write when
small. Requests on one connection are answered in order; early ones wait, and reading stops when too many do.
"""

import asyncio
import logging
from collections import deque
from typing import cast

import httptools

from lambdad.http.chunked_stream import ChunkedStream
from lambdad.http.deadline import Deadline
from lambdad.http.exchange import Exchange, Handler, IncomingBody
from lambdad.http.limits import REFUSALS, Limits
from lambdad.http.pieces import gather

log = logging.getLogger(__name__)

_SMALL = 65536
"""Bytes: a body up to this is copied behind its head; a larger one is written by itself."""
_PIPELINE = 16
"""Requests that may wait on one connection before it is no longer read."""
_EARLY, _BODY, _UNSENT = 1, 2, 4
"""Why a connection is not read: requests wait, a body's taker is slower, the client does not take its answers."""
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class HttpProtocol(asyncio.Protocol):
    """One connection."""

    __slots__ = (
        "_begun",
        "_body",
        "_body_size",
        "_close",
        "_connections",
        "_current",
        "_deadline",
        "_drained",
        "_early",
        "_handler",
        "_head_size",
        "_headers",
        "_held",
        "_incoming",
        "_kept",
        "_limits",
        "_new",
        "_parser",
        "_peer",
        "_quiet",
        "_reading",
        "_refused",
        "_target",
        "_transport",
        "_unsent",
    )

    def __init__(self, handler: Handler, limits: Limits, connections: "set[HttpProtocol]") -> None:
        self._handler = handler
        self._limits = limits
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._current: Exchange | None = None
        self._early: deque[Exchange] = deque()
        self._headers: dict[bytes, bytes] = {}
        self._head_size = 0
        self._target = b""
        self._body: list[bytes | bytearray] = []
        self._body_size = 0
        self._quiet = 0
        self._reading = False
        self._kept = b""
        self._incoming: IncomingBody | None = None
        self._begun = False
        self._new = False
        self._close = False
        self._refused = False
        self._held = 0
        self._unsent = 0
        self._peer = ""
        self._deadline = Deadline(self._late)
        self._drained: asyncio.Event | None = None

    # --- asyncio ----------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        peer = self._transport.get_extra_info("peername")
        self._peer = peer[0] if isinstance(peer, tuple) and peer else ""
        self._connections.add(self)
        self._deadline.set(self._limits.request_time)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        before = self._body_size
        self._reading = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # it is answered in this protocol (RFC 9110 7.8)
            self.end_after_answers()
        except httptools.HttpParserError as error:
            self._refuse(400, error)
        self._reading = False
        if self._kept and self._current is None:
            self._send_kept()
        if not self._begun:
            return
        if self._new or self._body_size != before:
            self._new = False
            self._quiet = 0
            return
        self._quiet += len(data)  # nothing but head, or trailers, for that long
        if self._quiet > self._limits.head:
            self._refuse(431)

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        self._transport = None
        self._deadline.cancel()
        if self._drained is not None:
            self._drained.set()
        for exchange in (self._current, *self._early):
            if exchange is not None and not exchange.closed:
                exchange.closed = True
                if exchange.on_close is not None:
                    exchange.on_close()
        self._current = None
        self._early.clear()

    def pause_writing(self) -> None:
        """The client does not take its answers: it gets no more, and may ask for no more."""
        self._drained = asyncio.Event()
        self._hold(_UNSENT)
        self._deadline.set(self._limits.idle_time)

    def resume_writing(self) -> None:
        if self._drained is not None:
            self._drained.set()
            self._drained = None
        self._unsent = 0
        self._release(_UNSENT)
        if self._current is None:
            self._next_early()
        else:
            self._deadline.set(None)

    def _hold(self, why: int) -> None:
        self._held |= why
        if self._transport is not None:
            self._transport.pause_reading()

    def _release(self, why: int) -> None:
        self._held &= ~why
        if not self._held and self._transport is not None:
            self._transport.resume_reading()

    # --- httptools --------------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._begun = True
        self._new = True
        self._quiet = 0
        self._headers = {}
        self._head_size = 0
        self._target = b""
        self._body = []
        self._body_size = 0
        if self._current is None:
            self._deadline.set(self._limits.request_time)

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        headers = self._headers
        self._head_size += len(name) + len(value)
        if name in headers:
            if name == b"content-length" or name == b"host":
                self._refuse(400)
                return
            value = headers[name] + (b"; " if name == b"cookie" else b",") + value
        headers[name] = value

    def on_headers_complete(self) -> None:
        headers = self._headers
        if self._head_size + len(self._target) > self._limits.head:
            self._refuse(431)
            return
        length = headers.get(b"content-length")
        if length is not None:
            if b"transfer-encoding" in headers:  # RFC 9112 6.1: a smuggler's request
                self._refuse(400)
            elif int(length) > self._limits.body:
                self._refuse(413)
        if b"upgrade" in headers and (length not in (None, b"0") or b"transfer-encoding" in headers):
            self._refuse(400)  # the parser takes its body for the other protocol's first bytes
        if b"expect" in headers and not self._refused and self._free() and self._transport is not None:
            self._transport.write(self._with_kept(_CONTINUE))  # else it would be in the middle of another answer
        by = self._limits.streamed_by
        if by is not None and self._target.endswith(self._limits.streamed_to) and headers.get(by[0]) == by[1]:
            self._begin_with_incoming_body()

    def _begin_with_incoming_body(self) -> None:
        """Unless it has to wait for the answer to an earlier one: then its body is kept, like any other."""
        if self._free() and not self._refused:
            self._incoming = IncomingBody(self)
            exchange = Exchange(self, self._parser.get_method(), self._target, self._headers, b"", self._peer)
            exchange.incoming = self._incoming
            self._begin(exchange)

    def on_body(self, body: bytes) -> None:
        if self._incoming is not None:
            self._body_size += len(body)
            self._incoming.take(body)
            return
        self._body_size += len(body)
        if self._body_size > self._limits.body:
            self._refuse(413)
            return
        if self._body:
            gather(self._body, body)
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        self._begun = False
        if self._refused:
            return
        if not self._parser.should_keep_alive():
            self._close = True
        if self._incoming is not None:
            incoming, self._incoming = self._incoming, None
            incoming.resume()
            incoming.ended()
            if self._close and self._current is None:
                self._end()  # it was answered before its end
            return
        whole, self._body = b"".join(self._body), []  # of one piece: that one, not copied
        exchange = Exchange(self, self._parser.get_method(), self._target, self._headers, whole, self._peer)
        if self._free():
            self._begin(exchange)
        else:
            self._early.append(exchange)
            if len(self._early) >= _PIPELINE:
                self._hold(_EARLY)

    def _free(self) -> bool:
        """Nothing is being answered, waits for that, or has yet to be taken."""
        return self._current is None and not self._early and self._drained is None

    def _begin(self, exchange: Exchange) -> None:
        self._current = exchange
        self._deadline.set(None)
        try:
            self._handler(exchange)
        except Exception:
            log.exception("the handler of %r failed", exchange.target)
            exchange.respond(500, ((b"Content-Type", b"application/json"),), b'{"message":"internal error"}')

    # --- Connection (exchange.py) -----------------------------------------------------------------------------------

    def close_after(self) -> bool:
        return self._close and not self._early

    def answered(self, head: bytes, body: bytes) -> None:
        transport = self._transport
        if transport is None:
            return
        if self._kept:
            head = self._with_kept(head)
        if len(body) <= _SMALL:
            transport.write(head + body)
        else:
            transport.write(head)
            transport.write(body)
        self._next()

    def answered_with_next(self, head: bytes) -> None:
        if self._reading:  # what else is there of requests is about to be seen
            self._kept += head
            self._next()
        else:
            self.answered(head, b"")

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _send_kept(self) -> None:
        if self._kept:
            self.write(self._with_kept(b""))

    def _with_kept(self, data: bytes) -> bytes:
        """What was kept of earlier answers comes first."""
        kept, self._kept = self._kept, b""
        return kept + data

    def _next(self) -> None:
        """The answer is out: the next request, or the end."""
        assert self._current is not None
        self._current.closed = True
        self._current = None
        if self._early:
            if self._drained is None:
                self._next_early()
        elif self._close:
            self._end()
        else:
            self._deadline.set(self._limits.idle_time)

    def _next_early(self) -> None:
        if self._early:
            self._current = self._early.popleft()  # from now on: what is read meanwhile comes behind it
            if len(self._early) == _PIPELINE - 1:
                self._release(_EARLY)
            # Not at once: a client that sends a thousand requests together must not deepen the stack a thousand times.
            asyncio.get_running_loop().call_soon(self._begin_early, self._current)

    def _begin_early(self, exchange: Exchange) -> None:
        if self._transport is not None and not exchange.closed:
            self._begin(exchange)

    def _end(self) -> None:
        """Close, once all that was written is sent."""
        if self._transport is not None:
            self._send_kept()
            self._transport.close()
            self._deadline.set(self._limits.idle_time)

    def stream(self, head: bytes) -> ChunkedStream:
        self.write(self._with_kept(head))
        return ChunkedStream(self)

    def pause_body(self) -> None:
        self._hold(_BODY)

    def resume_body(self) -> None:
        self._release(_BODY)

    # --- Limits -----------------------------------------------------------------------------------------------------

    def _late(self) -> None:
        if self._transport is None:
            return
        unsent = self._transport.get_write_buffer_size()
        if unsent and unsent != self._unsent:  # a client may be slow, but not take nothing at all for so long
            self._unsent = unsent
            self._deadline.set(self._limits.idle_time)
        elif unsent:
            self._transport.abort()
        elif self._begun:
            self._refuse(408)
        else:
            self._transport.close()

    def _refuse(self, status: int, error: Exception | None = None) -> None:
        """A request that cannot be answered properly: say so, and end the connection."""
        if self._refused:
            return
        self._refused = True
        if error is not None:
            log.debug("a malformed request from %s: %s", self._peer, error)
        if self._transport is not None and self._current is None and not self._early:
            self._transport.write(self._with_kept(REFUSALS[status]))
        self._end()

    def end_after_answers(self) -> None:
        """Nothing more is read."""
        self._refused = True
        self.close_when_idle()

    def close_when_idle(self) -> None:
        """For draining: now if nothing is being answered, else after that answer."""
        self._close = True
        if self._current is None and not self._early:
            self._end()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def drain(self) -> None:
        """Until the client has taken what was written. Raises ConnectionError when it has gone."""
        if self._drained is not None:
            await self._drained.wait()
        if self._transport is None:
            raise ConnectionError("the client has gone")

    def end_chunks(self) -> None:
        if self._transport is not None:
            self._transport.write(b"0\r\n\r\n")
            self._next()
