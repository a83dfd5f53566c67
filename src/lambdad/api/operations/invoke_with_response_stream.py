"""InvokeWithResponseStream. AWS: docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html

The answer's event stream has what the function answers while it does, and then its end; also when the answer comes whole.
"""

import base64
from collections.abc import AsyncGenerator
from contextlib import aclosing

import orjson

from lambdad.api.backend import Backend
from lambdad.api.operations.invocable import invocable
from lambdad.api.operations.payloads import check_payload, read_client_context
from lambdad.errors import ServiceError
from lambdad.invocation.streaming import StreamedInvocation
from lambdad.protocols.context import Context, Members
from lambdad.resources.invocation import InvocationResult, Outcome
from lambdad.resources.quotas import QUOTAS
from lambdad.resources.tenancy import check_tenant


async def invoke_with_response_stream(backend: Backend, context: Context, request: Members) -> Members:
    key, qualifier = invocable(backend, context, request["FunctionName"], request.get("Qualifier"))
    payload = request.get("Payload") or b"{}"
    client_context = request.get("ClientContext")
    read = read_client_context(client_context.encode()) if client_context else None
    tenant_id = request.get("TenantId")
    check_tenant(backend.invoker.route(key, qualifier), tenant_id)
    check_payload(payload, QUOTAS.synchronous_payload)
    if request.get("InvocationType") == "DryRun":
        return {"StatusCode": 204}
    version = await backend.invoker.wait_until_ready(key, qualifier)
    streamed = StreamedInvocation()
    backend.invoker.start(
        version,
        payload,
        streamed.done,
        request_id=context.request_id,
        function_arn=f"{key.arn}:{qualifier}" if qualifier else key.arn,
        trace_id=context.trace_id,
        client_context=read,
        wants_tail=request.get("LogType") == "Tail",
        sink=streamed,
        tenant_id=tenant_id,
    )
    await streamed.begun()
    return {"StatusCode": 200, "ExecutedVersion": streamed.executed_version, "EventStream": _events(streamed)}


async def _events(streamed: StreamedInvocation) -> AsyncGenerator[Members, None]:
    async with aclosing(streamed.pieces()) as pieces:
        async for piece in pieces:
            yield {"PayloadChunk": {"Payload": piece}}
    assert streamed.outcome is not None
    yield {"InvokeComplete": _complete(streamed.outcome)}


def _complete(outcome: Outcome) -> Members:
    if isinstance(outcome, ServiceError):
        return {"ErrorCode": outcome.code, "ErrorDetails": outcome.message}
    complete: Members = {}
    if outcome.log_tail is not None:
        complete["LogResult"] = base64.b64encode(outcome.log_tail).decode()
    if outcome.function_error is not None:
        complete |= {"ErrorCode": _error_code(outcome), "ErrorDetails": outcome.payload.decode(errors="replace")}
    return complete


def _error_code(result: InvocationResult) -> str:
    """The error's type as the function names it."""
    try:
        document = orjson.loads(result.payload)
    except orjson.JSONDecodeError:
        document = None
    kind = document.get("errorType") if isinstance(document, dict) else None
    return kind if isinstance(kind, str) else result.function_error or "Unhandled"
