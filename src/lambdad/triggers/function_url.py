"""Function URLs: an HTTP request becomes an event, the function's answer a response.

AWS: docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html. What is decided is decided by the modules beside this one; here
it is put in order: which URL, CORS, who calls, the event, the invocation, the response.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from lambdad.aws import sigv4
from lambdad.clock import Clock
from lambdad.errors import (
    AccessDeniedException,
    BadRequestException,
    LengthRequiredException,
    RequestTooLargeException,
    ServiceError,
)
from lambdad.http import refusal
from lambdad.http.exchange import Exchange
from lambdad.ids import new_uuid
from lambdad.invocation.invoke import Invoker, is_ready
from lambdad.invocation.streaming import StreamedInvocation
from lambdad.observability.url_metrics import UrlMetrics
from lambdad.resources.function import LATEST, Function, FunctionKey, FunctionVersion
from lambdad.resources.function_settings import FunctionUrl
from lambdad.resources.function_url import Address, read_host, read_path
from lambdad.resources.invocation import InvocationResult, Outcome, ResponseSink
from lambdad.resources.quotas import QUOTAS
from lambdad.triggers.function_url_access import Caller, facts_of, may_call
from lambdad.triggers.function_url_cors import is_preflight, preflight_headers, with_cors
from lambdad.triggers.function_url_event import UrlRequest, event_of
from lambdad.triggers.function_url_response import Headers, buffered_response
from lambdad.triggers.function_url_stream import send

log = logging.getLogger(__name__)

_TRACE: Final = re.compile(rb"Root=1-[0-9a-f]{8}-[0-9a-f]{24}(;[A-Za-z]+=[A-Za-z0-9:|-]+)*")
_SERVER_ERROR: Final = b"Internal Server Error"
"""What AWS answers when the function failed, or answered what is no response."""
_OPAQUE: Final = (
    b"Content-Security-Policy",
    b"sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts",
)
"""A page that came by path shares its address with the API: browsers must not let it act as if it were the API's own."""


class Functions(Protocol):
    def get(self, key: FunctionKey) -> Function | None: ...


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request to a URL that there is."""

    exchange: Exchange
    key: FunctionKey
    name: str
    """The alias that the URL is of, or $LATEST."""
    url: FunctionUrl
    by_path: bool
    domain_name: str
    trace_id: str
    arrived: float
    """By the monotonic clock."""

    @property
    def qualifier(self) -> str | None:
        return None if self.name == LATEST else self.name


class FunctionUrls:
    """`handle` and `handle_path` are Handlers. `secret_of` is None when signatures are not checked."""

    def __init__(
        self,
        functions: Functions,
        invoker: Invoker,
        clock: Clock,
        metrics: UrlMetrics,
        secret_of: Callable[[str], str | None] | None,
    ) -> None:
        self._functions = functions
        self._invoker = invoker
        self._clock = clock
        self._metrics = metrics
        self._secret_of = secret_of
        self._urls: dict[str, tuple[FunctionKey, str]] = {}
        """By id; what the configuration says is read from the function."""
        self._tasks: set[asyncio.Task[None]] = set()

    # --- Which there are ----------------------------------------------------------------------------------------------

    def load(self, functions: Iterable[Function]) -> None:
        for function in functions:
            self.function_changed(function.key, None, function)

    def function_changed(self, key: FunctionKey, before: Function | None, after: Function | None) -> None:
        """A committed change."""
        old = before.urls if before is not None else {}
        new = after.urls if after is not None else {}
        if old is new or old == new:
            return
        for name, url in old.items():
            self._urls.pop(url.url_id, None)
            if name not in new:
                self._metrics.forget(key.name, name)
        self._urls |= {url.url_id: (key, name) for name, url in new.items()}

    # --- Requests -----------------------------------------------------------------------------------------------------

    def handle(self, exchange: Exchange) -> None:
        """By host: `<url-id>.lambda-url.<region>.…`"""
        self._serve(exchange, read_host(exchange.headers.get(b"host", b"")), exchange.target, by_path=False)

    def handle_path(self, exchange: Exchange) -> None:
        """By path: `/_lambdad/function-urls/<url-id>/…`"""
        address, target = read_path(exchange.target)
        self._serve(exchange, address, target, by_path=True)

    def _serve(self, exchange: Exchange, address: Address | None, target: bytes, *, by_path: bool) -> None:
        exchange.request_id = new_uuid()
        arrived = self._clock.monotonic()
        found = self._urls.get(address.url_id) if address is not None else None
        if address is None or found is None or address.region not in (None, found[0].region):
            refusal.refuse(exchange, AccessDeniedException.no_function_url())
            return
        key, name = found
        function = self._functions.get(key)
        assert function is not None, key
        if name != LATEST and name not in function.aliases:
            refusal.refuse(exchange, AccessDeniedException.function_url())
            return
        given = exchange.headers.get(b"x-amzn-trace-id", b"")
        trace_id = self._invoker.trace_of(key, name, given.decode() if _TRACE.fullmatch(given) else None)
        domain_name = address.domain_name or f"{address.url_id}.lambda-url.{key.region}.localhost"
        asked = _Asked(exchange, key, name, function.urls[name], by_path, domain_name, trace_id, arrived)
        try:
            self._begin(asked, function, target)
        except ServiceError as error:
            self._refuse(asked, error)

    def _begin(self, asked: _Asked, function: Function, target: bytes) -> None:
        """Raises ServiceError for what is refused at once."""
        exchange, cors = asked.exchange, asked.url.cors
        target = _origin_form(exchange, target)
        if cors is not None and is_preflight(cors, exchange.method, exchange.headers):
            headers = (*preflight_headers(cors, exchange.headers), *self._own_headers(asked))
            self._respond(asked, 200, headers, b"")
            return
        caller = self._caller(asked, function)
        now = self._clock.now()
        event = event_of(
            UrlRequest(
                asked.url.url_id,
                asked.domain_name,
                exchange.method,
                target,
                exchange.headers,
                exchange.body,
                exchange.peer,
                exchange.request_id,
                asked.trace_id,
                now,
                caller,
            )
        )
        exchange.body = b""  # it is in the event: a body is not held twice while the function is at work
        if len(event) > QUOTAS.synchronous_payload:
            raise RequestTooLargeException.invoke(QUOTAS.synchronous_payload)
        version = self._invoker.route(asked.key, asked.qualifier)
        if asked.url.invoke_mode == "RESPONSE_STREAM":
            self._spawn(asked, self._stream(asked, event))
        elif is_ready(version):
            self._start(asked, version, event)
        else:
            self._spawn(asked, self._start_when_ready(asked, event))

    def _caller(self, asked: _Asked, function: Function) -> Caller | None:
        """Who calls, once they may. Raises AccessDeniedException, Unauthorized."""
        exchange, auth_type = asked.exchange, asked.url.auth_type
        caller = self._signer(exchange, asked.key.region) if auth_type == "AWS_IAM" else None
        facts = facts_of(exchange.headers, exchange.peer, self._clock.now())
        statements = function.policies.get(asked.name, ())
        if not may_call(auth_type, asked.key.account, statements, caller, facts):
            raise AccessDeniedException.function_url()
        return caller

    def _signer(self, exchange: Exchange, region: str) -> Caller | None:
        """None: it is not signed. Without `--auth` a signature must be there; only with it must it hold."""
        headers, target = exchange.headers, exchange.target.decode("latin-1")
        if b"authorization" not in headers and "X-Amz-Signature=" not in target:
            return None
        if self._secret_of is None:
            scope = sigv4.read_unverified(target, headers)
        else:
            method, now = exchange.method.decode("latin-1"), self._clock.now()
            scope = sigv4.verify(method, target, headers, exchange.body, self._secret_of, now)
        sigv4.check_service(scope, "lambda", region)
        return Caller(scope.account, scope.access_key or "")

    # --- Invocation ---------------------------------------------------------------------------------------------------

    def _start(self, asked: _Asked, version: FunctionVersion, event: bytes) -> None:
        def done(outcome: Outcome) -> None:
            if isinstance(outcome, InvocationResult):
                self._answer(asked, outcome)
            else:
                self._refuse(asked, outcome)

        self._invoke(asked, version, event, done)

    async def _start_when_ready(self, asked: _Asked, event: bytes) -> None:
        self._start(asked, await self._invoker.wait_until_ready(asked.key, asked.qualifier), event)

    async def _stream(self, asked: _Asked, event: bytes) -> None:
        """The answer as it is made, to its end."""
        version = await self._invoker.wait_until_ready(asked.key, asked.qualifier)
        streamed = StreamedInvocation()
        self._invoke(asked, version, event, streamed.done, streamed)
        status = await send(streamed, asked.exchange, lambda headers: self._headers(asked, headers))
        if status is None:
            self._fail(asked)
        else:
            self._count(asked, status)

    def _invoke(
        self,
        asked: _Asked,
        version: FunctionVersion,
        event: bytes,
        done: Callable[[Outcome], None],
        sink: ResponseSink | None = None,
    ) -> None:
        """Raises TooManyRequestsException."""
        self._invoker.start(
            version,
            event,
            done,
            request_id=asked.exchange.request_id,
            function_arn=f"{asked.key.arn}:{asked.qualifier}" if asked.qualifier else asked.key.arn,
            trace_id=asked.trace_id,
            sink=sink,
        )

    def _spawn(self, asked: _Asked, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            error = task.exception() if not task.cancelled() else None
            if isinstance(error, ServiceError):
                self._refuse(asked, error)
            elif error is not None:
                log.error("request %s failed", asked.exchange.request_id, exc_info=error)
                self._fail(asked)

        task.add_done_callback(ended)

    async def close(self) -> None:
        """Once the server has let its clients go: what still waits for a function, or streams, is for nobody."""
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks))

    # --- Answers ------------------------------------------------------------------------------------------------------

    def _answer(self, asked: _Asked, result: InvocationResult) -> None:
        response = buffered_response(result.payload) if result.function_error is None else None
        if response is None:
            self._fail(asked)
        else:
            self._respond(asked, response.status, self._headers(asked, response.headers), response.body)

    def _fail(self, asked: _Asked) -> None:
        headers = self._headers(asked, ((b"Content-Type", b"application/json"),))
        self._respond(asked, 502, headers, _SERVER_ERROR)

    def _refuse(self, asked: _Asked, error: ServiceError) -> None:
        headers = with_cors(asked.url.cors, asked.exchange.headers, ())
        refusal.refuse(asked.exchange, error, headers)
        self._count(asked, refusal.status_of(error))

    def _respond(self, asked: _Asked, status: int, headers: Headers, body: bytes) -> None:
        asked.exchange.respond(status, headers, body)
        self._count(asked, status)

    def _headers(self, asked: _Asked, headers: Headers) -> Headers:
        """What is sent: the function's own headers, those of CORS, and ours."""
        return (*with_cors(asked.url.cors, asked.exchange.headers, headers), *self._own_headers(asked))

    def _own_headers(self, asked: _Asked) -> Headers:
        trace = (b"X-Amzn-Trace-Id", asked.trace_id.encode())
        request_id = (b"x-amzn-RequestId", asked.exchange.request_id.encode())
        return (request_id, trace, _OPAQUE) if asked.by_path else (request_id, trace)

    def _count(self, asked: _Asked, status: int) -> None:
        if asked.url.url_id in self._urls:
            self._metrics.request(asked.key, asked.name, status, self._clock.monotonic() - asked.arrived)


def _origin_form(exchange: Exchange, target: bytes) -> bytes:
    """The target as path and query. Raises BadRequestException, LengthRequiredException for what no URL takes.

    Clients that take us for a proxy send a whole address (RFC 9112 3.2.2): what it names must be what Host names, or the
    request could mean one URL to a proxy before us and another to us.
    """
    headers = exchange.headers
    if b"upgrade" in headers and b"websocket" in headers[b"upgrade"].lower():
        raise BadRequestException.upgrade()
    if b"transfer-encoding" in headers:
        raise LengthRequiredException.chunked()
    if target.startswith(b"/"):
        return target
    scheme, separator, rest = target.partition(b"://")
    authority = re.split(rb"[/?#]", rest, maxsplit=1)[0]
    if not separator or scheme.lower() not in (b"http", b"https") or authority.lower() != headers[b"host"].lower():
        raise BadRequestException.target()
    path = rest[len(authority) :]
    return path if path.startswith(b"/") else b"/" + path
