"""Where every request comes in: request → identity → operation → answer. Errors that are raised become answers here.

AWS: docs.aws.amazon.com/lambda/latest/api/API_Operations.html. Unexpected failures are logged with the request id and answered
as ServiceException; nobody outside sees a stack trace.
"""

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol
from urllib.parse import parse_qs

from lambdad.api.backend import Backend
from lambdad.api.invoke_target import invoke_target
from lambdad.api.operations.invoke import DURABLE_NAME, TENANT, invoke
from lambdad.api.operations.table import OPERATIONS
from lambdad.api.rate_limit import RateLimit
from lambdad.api.validation import validate
from lambdad.aws import sigv4
from lambdad.aws.unsigned import LAMBDA, S3, service_of
from lambdad.clock import http_date
from lambdad.errors import (
    AccessDeniedException,
    AnotherAccount,
    InvalidAction,
    InvalidParameterValueException,
    OtherServiceException,
    RequestEntityTooLargeException,
    ServiceError,
    ServiceException,
    UnknownOperationException,
    UnknownTargetException,
)
from lambdad.http import refusal
from lambdad.http.exchange import Exchange, Handler
from lambdad.ids import is_uuid, new_uuid
from lambdad.protocols.codec import Answer
from lambdad.protocols.context import Context, Members
from lambdad.protocols.model import Model, Operation
from lambdad.protocols.rest_json import decode, encode
from lambdad.protocols.router import Route, Router
from lambdad.protocols.send import send
from lambdad.resources.function_url import HOST_LABEL
from lambdad.resources.quotas import QUOTAS
from lambdad.store.database import WRITE_FAILED

log = logging.getLogger(__name__)

_PAGES = b"/_lambdad/"
_LONGEST_TRACE = 2048
"""Bytes of a trace header: it is kept with messages."""
_LARGE = 1 << 20
"""Bytes of a request's body from which on it is read in a thread."""
_SIGNED_PAGES = frozenset({b"/_lambdad/cost"})
"""Health and metrics are anyone's, as monitoring wants them; a code link carries a signature of its own."""


class Service(Protocol):
    """A service beside Lambda, on the same port."""

    def handle(self, exchange: Exchange, context: Context) -> None: ...

    def refuse(self, exchange: Exchange, error: ServiceError) -> None: ...


class FrontDoor:
    """A Handler. `pages` are our own, by path prefix; `secret_of` is None when signatures are not checked; `function_urls`
    gets every request to a host that is one, whatever its path: who may reach only those must not reach the API by them.
    `services`: by the name that requests are signed for; `others`: all others; None: there are none."""

    def __init__(
        self,
        model: Model,
        backend: Backend,
        pages: Mapping[bytes, Handler],
        secret_of: Callable[[str], str | None] | None,
        function_urls: Handler,
        services: Mapping[str, Service],
        others: Service | None,
    ) -> None:
        self._router = Router(model)
        self._invoke = model.operations["Invoke"]
        self._backend = backend
        self._pages = pages
        self._secret_of = secret_of
        self._function_urls = function_urls
        self._services = services
        self._others = others
        self._rate_limit = RateLimit(backend.config.api_rate)
        self._tasks: set[asyncio.Task[None]] = set()

    def handle(self, exchange: Exchange) -> None:
        try:
            self._handle(exchange)
        except ServiceError as error:
            refuse(exchange, error)
        except Exception:  # noqa: BLE001 - the edge: whatever it was is logged and becomes a ServiceException
            _internal(exchange)

    def _handle(self, exchange: Exchange) -> None:
        target, exchange.date = exchange.target, self._date
        if HOST_LABEL in exchange.headers.get(b"host", b"").lower():
            self._function_urls(exchange)
            return
        if target.startswith(_PAGES):
            self._page(exchange)
            return
        given = exchange.headers.get(b"x-amzn-requestid", b"").decode("latin-1")
        exchange.request_id = given if is_uuid(given) else new_uuid()
        invoked = invoke_target(target) if exchange.method == b"POST" else None
        context = self._context(exchange)
        if context is None:
            return
        if invoked is None:
            self._operation(exchange, _traced(context, exchange))
            return
        name, query = invoked
        qualifier = parse_qs(query, keep_blank_values=True).get("Qualifier", [None])[0] if query else None
        _check_invoke(self._invoke, name, qualifier, exchange.headers)
        later = invoke(self._backend, context, exchange, name, qualifier, refuse)
        if later is not None:
            self._spawn(exchange, later)

    def _context(self, exchange: Exchange) -> Context | None:
        """None: it is another service's request, and has been handed over."""
        headers, target = exchange.headers, exchange.target
        query = target.partition(b"?")[2].decode("latin-1")
        scope = sigv4.scope_of(sigv4.credential_of(headers, query), self._backend.config.region)
        name = scope.service or service_of(exchange)
        host = headers.get(b"host", b"localhost").decode("latin-1")
        context = Context(scope.account, scope.region, exchange.request_id, scope.access_key, f"http://{host}")
        if name != LAMBDA and (name != S3 or scope.service is not None or self._others is not None):
            self._hand_over(exchange, context, name)
            return None
        self._verify(exchange)
        return context

    def _date(self) -> bytes:
        return f"Date: {http_date(int(self._backend.clock.now()))}\r\n".encode()

    def _hand_over(self, exchange: Exchange, context: Context, name: str) -> None:
        context = _traced(context, exchange)
        service = self._services.get(name) or self._others
        if service is None:
            self._verify(exchange)
            raise OtherServiceException.of(name)
        try:
            self._verify(exchange)
        except ServiceError as error:
            service.refuse(exchange, error)
        else:
            if service is self._others:
                exchange.date = None  # their answers have one
            service.handle(exchange, context)

    def _verify(self, exchange: Exchange) -> None:
        if self._secret_of is None:
            if b"origin" in exchange.headers:  # nothing else keeps a page in the owner's browser from running code here
                raise AccessDeniedException.web_page()
        else:
            now = self._backend.clock.now()
            method, target = exchange.method.decode("latin-1"), exchange.target.decode("latin-1")
            sigv4.verify(method, target, exchange.headers, exchange.body, self._secret_of, now)

    def _operation(self, exchange: Exchange, context: Context) -> None:
        path, _, query = exchange.target.decode("latin-1").partition("?")
        route = self._router.find(exchange.method.decode("latin-1"), path, query)
        if route is None:
            raise UnknownOperationException.path()
        operation = route.operation
        self._rate_limit.take(context.account, context.region, self._backend.clock.monotonic())
        if len(exchange.body) > QUOTAS.create_request:
            raise RequestEntityTooLargeException.operation(QUOTAS.create_request, operation.name)
        if len(exchange.body) > _LARGE:
            self._spawn(exchange, self._read_and_perform(exchange, context, route, query))
            return
        request = decode(operation, route.parameters, query, exchange.headers, exchange.body)
        validate(operation, request)
        self._spawn(exchange, self._perform(exchange, operation, context, request))

    async def _read_and_perform(self, exchange: Exchange, context: Context, route: Route, query: str) -> None:
        """Reading a package takes half a second: meanwhile others are invoked."""
        operation = route.operation
        request = await asyncio.to_thread(decode, operation, route.parameters, query, exchange.headers, exchange.body)
        validate(operation, request)
        await self._perform(exchange, operation, context, request)

    async def _perform(self, exchange: Exchange, operation: Operation, context: Context, request: Members) -> None:
        perform = OPERATIONS.get(operation.name)
        if perform is None:
            raise InvalidParameterValueException.not_built_yet(operation.name)
        try:
            members = await perform(self._backend, context, request)
        except AnotherAccount as error:
            raise AccessDeniedException.action(context.account, f"lambda:{operation.name}", error.arn) from error
        status, headers, body = encode(operation, members)
        headers.append((b"x-amzn-RequestId", exchange.request_id.encode()))
        await send(exchange, Answer(status, headers, body))

    def _spawn(self, exchange: Exchange, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(_guarded(exchange, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _page(self, exchange: Exchange) -> None:
        path = exchange.target.partition(b"?")[0]
        if path in _SIGNED_PAGES:
            self._verify(exchange)
        for prefix, handler in self._pages.items():
            if path == prefix or (prefix.endswith(b"/") and path.startswith(prefix)):
                handler(exchange)
                return
        exchange.respond(404, ((b"Content-Type", b"text/plain"),), b"There is no such page.\n")

    async def finished(self) -> None:
        """Every operation under way is answered."""
        while self._tasks:
            await asyncio.wait(list(self._tasks))


def _traced(context: Context, exchange: Exchange) -> Context:
    trace = exchange.headers.get(b"x-amzn-trace-id")
    if trace is None or len(trace) > _LONGEST_TRACE:
        return context
    return dataclasses.replace(context, trace_id=trace.decode("latin-1"))


async def _guarded(exchange: Exchange, work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except ServiceError as error:
        refuse(exchange, error)
    except WRITE_FAILED as error:  # thousands of events on a full disk are a line each
        log.error("request %s could not be kept: %r", exchange.request_id, error)
        refuse(exchange, ServiceException.internal())
    except Exception:  # noqa: BLE001 - the edge, too
        _internal(exchange)


def _internal(exchange: Exchange) -> None:
    log.exception("request %s failed: %r", exchange.request_id, exchange.target)
    refuse(exchange, ServiceException.internal())


def refuse(exchange: Exchange, error: ServiceError) -> None:
    """Answer with an error, as the service that was asked for writes it."""
    if isinstance(error, (OtherServiceException, UnknownTargetException, InvalidAction)):
        refusal.refuse_for_other_service(exchange, error)
    else:
        refusal.refuse(exchange, error)


def _check_invoke(operation: Operation, name: str, qualifier: str | None, headers: Mapping[bytes, bytes]) -> None:
    """The model's constraints on what is free text of Invoke's; its other headers are `operations/invoke.py`'s."""
    assert operation.input is not None
    members = operation.input.members
    shape = members["FunctionName"].shape
    fine = len(name) <= (shape.maximum or len(name)) and (shape.regex is None or shape.regex.fullmatch(name))
    if fine and qualifier is None and TENANT not in headers and DURABLE_NAME not in headers:
        return
    request = {"FunctionName": name}
    if qualifier is not None:
        request["Qualifier"] = qualifier
    for header, member in ((TENANT, "TenantId"), (DURABLE_NAME, "DurableExecutionName")):
        if header in headers:
            request[member] = headers[header].decode("latin-1")
    validate(operation, request)
