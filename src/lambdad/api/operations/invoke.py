"""Invoke: RequestResponse, Event, DryRun. AWS: docs.aws.amazon.com/lambda/latest/api/API_Invoke.html

The one operation that bypasses the shape-driven decoder: its payload is the body, its members are headers, and it is the hot
path. The payload goes on as the bytes that came, and the answer comes back as the bytes the function gave.
"""

import base64
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from lambdad.api.backend import Backend
from lambdad.api.operations.invocable import invocable
from lambdad.api.operations.payloads import check_payload, read_client_context
from lambdad.clock import http_date
from lambdad.errors import InvalidParameterValueException, ServiceError, ValidationException
from lambdad.http.exchange import Exchange
from lambdad.invocation.invoke import is_ready
from lambdad.protocols.context import Context
from lambdad.protocols.violations import of_enum
from lambdad.resources.function import FunctionKey, FunctionVersion
from lambdad.resources.invocation import InvocationResult, Outcome
from lambdad.resources.quotas import QUOTAS
from lambdad.resources.tenancy import check_tenant

Refuse = Callable[[Exchange, ServiceError], None]
"""Answers with an error: the front door's, for outcomes that come later."""

TENANT: Final = b"x-amz-tenant-id"
DURABLE_NAME: Final = b"x-amz-durable-execution-name"
"""Nothing here runs durably yet."""
_TYPES: Final = {None: "RequestResponse", b"RequestResponse": "RequestResponse", b"Event": "Event", b"DryRun": "DryRun"}
_NOT_REMAPPED = (b"x-amzn-Remapped-Content-Length", b"0")
_NO_PAYLOAD: Final = b"{}"


@dataclass(slots=True)
class _Asked:
    """One Invoke request, read from its headers."""

    key: FunctionKey
    qualifier: str | None
    kind: str
    payload: bytes
    client_context: str | None
    wants_tail: bool
    trace_id: str | None
    tenant_id: str | None


def invoke(
    backend: Backend, context: Context, exchange: Exchange, function_name: str, qualifier: str | None, refuse: Refuse
) -> Coroutine[Any, Any, None] | None:
    """Answers on the exchange, now or when the function has. Returns a coroutine when it has to wait before it starts.

    Raises ServiceError for what is refused at once.
    """
    asked = _read(backend, context, exchange, function_name, qualifier)
    version = backend.invoker.route(asked.key, asked.qualifier)
    check_payload(asked.payload, QUOTAS.asynchronous_payload if asked.kind == "Event" else QUOTAS.synchronous_payload)
    if DURABLE_NAME in exchange.headers:
        raise InvalidParameterValueException.durable_name()
    if asked.kind == "DryRun":
        check_tenant(version, asked.tenant_id)
        exchange.respond(204, ((b"x-amzn-RequestId", context.request_id.encode()),))
        return None
    if asked.kind == "Event":
        return _enqueue(backend, context, exchange, asked)
    if is_ready(version):
        _start(backend, context, exchange, asked, version, refuse)
        return None
    return _start_when_ready(backend, context, exchange, asked, refuse)


def _read(backend: Backend, context: Context, exchange: Exchange, function_name: str, qualifier: str | None) -> _Asked:
    headers = exchange.headers
    kind = _TYPES.get(headers.get(b"x-amz-invocation-type"))
    if kind is None:
        value = headers[b"x-amz-invocation-type"].decode("latin-1")
        raise ValidationException.of([of_enum(value, "invocationType", ("Event", "RequestResponse", "DryRun"))])
    log_type = headers.get(b"x-amz-log-type", b"None")
    if log_type not in (b"None", b"Tail"):
        raise ValidationException.of([of_enum(log_type.decode("latin-1"), "logType", ("None", "Tail"))])
    key, wanted = invocable(backend, context, function_name, qualifier)
    encoded = headers.get(b"x-amz-client-context")
    trace = headers.get(b"x-amzn-trace-id")
    tenant = headers.get(TENANT)
    return _Asked(
        key,
        wanted,
        kind,
        exchange.body or _NO_PAYLOAD,
        read_client_context(encoded) if encoded is not None else None,
        log_type == b"Tail",
        trace.decode("latin-1") if trace is not None else None,
        tenant.decode("latin-1") if tenant is not None else None,
    )


def _start(
    backend: Backend, context: Context, exchange: Exchange, asked: _Asked, version: FunctionVersion, refuse: Refuse
) -> None:
    request_id = context.request_id

    def done(outcome: Outcome) -> None:
        if isinstance(outcome, InvocationResult):
            exchange.respond_raw(_head(outcome, request_id, http_date(int(backend.clock.now()))), outcome.payload)
        else:
            refuse(exchange, outcome)

    backend.invoker.start(
        version,
        asked.payload,
        done,
        request_id=request_id,
        function_arn=f"{asked.key.arn}:{asked.qualifier}" if asked.qualifier else asked.key.arn,
        trace_id=asked.trace_id,
        client_context=asked.client_context,
        wants_tail=asked.wants_tail,
        tenant_id=asked.tenant_id,
    )


async def _start_when_ready(
    backend: Backend, context: Context, exchange: Exchange, asked: _Asked, refuse: Refuse
) -> None:
    version = await backend.invoker.wait_until_ready(asked.key, asked.qualifier)
    _start(backend, context, exchange, asked, version, refuse)


async def _enqueue(backend: Backend, context: Context, exchange: Exchange, asked: _Asked) -> None:
    """202 only once the event is committed."""
    trace_id = await backend.asynchronous.accept(
        *(asked.key, asked.qualifier, asked.payload, context.request_id),
        *(asked.client_context, asked.trace_id, asked.tenant_id),
    )
    headers = (b"x-amzn-RequestId", context.request_id.encode()), (b"X-Amzn-Trace-Id", trace_id.encode()), _NOT_REMAPPED
    exchange.respond(202, headers)


def _head(result: InvocationResult, request_id: str, date: str) -> bytes:
    error = f"X-Amz-Function-Error: {result.function_error}\r\n" if result.function_error else ""
    tail = ""
    if result.log_tail is not None:
        tail = f"X-Amz-Log-Result: {base64.b64encode(result.log_tail).decode()}\r\n"
    return (
        f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Type: application/json\r\n"
        f"x-amzn-RequestId: {request_id}\r\nX-Amz-Executed-Version: {result.executed_version}\r\n"
        f"X-Amzn-Trace-Id: {result.trace_id}\r\nx-amzn-Remapped-Content-Length: 0\r\n"
        f"{error}{tail}Content-Length: {len(result.payload)}\r\n\r\n"
    ).encode()


__all__ = ["DURABLE_NAME", "TENANT", "Refuse", "invoke"]
