"""Requests of the services that are not our own: handed to the companion as they came, its answer as it comes.

Who asks has been identified by the front door; the companion believes what it is told of the account. AWS's services that are
ours are never asked for here, and moto's own control pages are nobody's.
"""

import asyncio
import logging

from lambdad.aws.unsigned import S3, service_of
from lambdad.errors import InternalFailure, OtherServiceException, ServiceError, ServiceUnavailable
from lambdad.http import refusal
from lambdad.http.client import Incoming
from lambdad.http.exchange import Exchange
from lambdad.protocols.context import Context
from lambdad.services.companion.process import CompanionProcess

log = logging.getLogger(__name__)

_AT_ONCE = 64
_FULL = 507
"""The companion's, which no service of AWS answers."""
_WHOLE = 128 * 1024 * 1024
"""Bytes of an answer that is sent on with its length; a larger one goes in chunks."""
_HOP = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "proxy-connection", ":version"}
)
_INSIDE = b"x-lambdad-inside"
"""Who says it of himself may do less: a schedule's universal target, of which nobody knows whether a function has made it."""
_OURS = frozenset({b"x-moto-account-id", _INSIDE, b"content-length", b"connection", b"transfer-encoding", b"expect"})
_NO_DATE = "19700101"
_BROKEN = (OSError, EOFError, ValueError, TimeoutError, asyncio.LimitOverrunError)


class Companion:
    """`inside`: for what functions ask."""

    def __init__(self, process: CompanionProcess, inside: bool) -> None:
        self._process = process
        self._inside = inside
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def handle(self, exchange: Exchange, context: Context) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(exchange, context))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        exchange.on_close = lambda: _give_up(task)

    def refuse(self, exchange: Exchange, error: ServiceError) -> None:
        refusal.refuse_for_other_service(exchange, error)

    async def _answer(self, exchange: Exchange, context: Context) -> None:
        try:
            async with self._room:
                connections = await self._process.connections()
                request = request_of(exchange, context, self._inside)
                answer = await connections.ask(request, exchange.method == b"HEAD")
                try:
                    await self._send(exchange, answer)
                finally:
                    answer.close()
        except ServiceError as error:
            refusal.refuse_for_other_service(exchange, error)
        except _BROKEN as error:
            log.error("request %s: the companion does not answer: %r", context.request_id, error)
            refusal.refuse_for_other_service(exchange, ServiceUnavailable.no_answer())

    async def _send(self, exchange: Exchange, answer: Incoming) -> None:
        if answer.header("x-lambdad-refusal"):
            raise OtherServiceException.not_built((await answer.read(_WHOLE)).decode())
        if answer.status == _FULL:
            raise ServiceUnavailable.full()
        if answer.status == 500 and answer.header("content-type").startswith("text/"):
            raise InternalFailure.unknown()  # moto's page for what it has not expected: no SDK can read it
        headers = [(name, value) for name, value in answer.headers if name.lower() not in _HOP]
        if not answer.chunked and answer.length <= _WHOLE:
            body = await answer.read(_WHOLE)
            exchange.respond_raw(_head_of(answer.status, headers), body)
            return
        sent = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in headers
            if name.lower() != "content-length"
        ]
        stream = exchange.stream(answer.status, sent)
        try:
            async for piece in answer.pieces():
                await stream.write(piece)
        except BaseException:
            stream.abort()
            raise
        stream.close()

    async def finished(self) -> None:
        while self._tasks:
            await asyncio.wait(list(self._tasks))


def _give_up(task: "asyncio.Task[None]") -> None:
    task.cancel()


def request_of(exchange: Exchange, context: Context, inside: bool) -> bytes:
    """As it came, but for what is between the two of us. Who says that it is inside is believed: it only loses by it."""
    lines = [exchange.method + b" " + exchange.target + b" HTTP/1.1"]
    lines += [name + b": " + value for name, value in exchange.headers.items() if name not in _OURS]
    lines.append(b"X-Moto-Account-Id: " + context.account.encode())
    if inside or _INSIDE in exchange.headers:
        lines.append(b"X-Lambdad-Inside: 1")
    if context.access_key is None and b"authorization" not in exchange.headers:
        lines += _named(service_of(exchange), context)
    lines.append(b"Content-Length: %d" % len(exchange.body))
    return b"\r\n".join([*lines, b"", b""]) + exchange.body


def _named(service: str, context: Context) -> list[bytes]:
    """moto knows the service, and the region, by what a request is signed for; it takes what is not signed for S3's."""
    if service == S3:
        return []
    scope = f"{context.account}/{_NO_DATE}/{context.region}/{service}/aws4_request"
    return [f"Authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none".encode()]


def _head_of(status: int, headers: "list[tuple[str, str]]") -> bytes:
    lines = [f"HTTP/1.1 {status} ", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
