"""InvokeWithResponseStream. AWS: docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html

Functions answer whole here, not piece by piece: the stream has what they answered, in chunks, and then its end.
"""

import asyncio
import base64
from typing import Final

import orjson

from lambdad.api.context import Backend, Context, Members
from lambdad.api.operations.named import named
from lambdad.api.operations.payloads import check_payload, read_client_context
from lambdad.resources.invocation import InvocationResult, Outcome
from lambdad.resources.quotas import QUOTAS

_CHUNK: Final = 64 * 1024
"""Bytes."""


async def invoke_with_response_stream(backend: Backend, context: Context, request: Members) -> Members:
    key, qualifier = named(context, request)
    payload = request.get("Payload") or b"{}"
    client_context = request.get("ClientContext")
    read = read_client_context(client_context.encode()) if client_context else None
    version = backend.invoker.route(key, qualifier)
    check_payload(payload, QUOTAS.synchronous_payload)
    if request.get("InvocationType") == "DryRun":
        return {"StatusCode": 204}
    version = await backend.invoker.wait_until_ready(key, qualifier)
    answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    backend.invoker.start(
        version,
        payload,
        answered.set_result,
        request_id=context.request_id,
        function_arn=f"{key.arn}:{qualifier}" if qualifier else key.arn,
        client_context=read,
        wants_tail=request.get("LogType") == "Tail",
    )
    outcome = await answered
    if not isinstance(outcome, InvocationResult):
        raise outcome
    return {"StatusCode": 200, "ExecutedVersion": outcome.executed_version, "EventStream": _events(outcome)}


def _events(result: InvocationResult) -> list[Members]:
    complete: Members = {}
    if result.log_tail is not None:
        complete["LogResult"] = base64.b64encode(result.log_tail).decode()
    if result.function_error is not None:
        complete |= {"ErrorCode": _error_code(result), "ErrorDetails": result.payload.decode(errors="replace")}
        return [{"InvokeComplete": complete}]
    chunks = [result.payload[start : start + _CHUNK] for start in range(0, len(result.payload), _CHUNK)]
    return [*({"PayloadChunk": {"Payload": chunk}} for chunk in chunks), {"InvokeComplete": complete}]


def _error_code(result: InvocationResult) -> str:
    """The error's type as the function names it."""
    try:
        document = orjson.loads(result.payload)
    except orjson.JSONDecodeError:
        document = None
    kind = document.get("errorType") if isinstance(document, dict) else None
    return kind if isinstance(kind, str) else result.function_error or "Unhandled"
