"""InvokeAsync: the old way to send an event. AWS: docs.aws.amazon.com/lambda/latest/api/API_InvokeAsync.html"""

from lambdad.api.backend import Backend
from lambdad.api.operations.named import named
from lambdad.api.operations.payloads import check_payload
from lambdad.protocols.context import Context, Members
from lambdad.resources.quotas import QUOTAS


async def invoke_async(backend: Backend, context: Context, request: Members) -> Members:
    key, qualifier = named(context, request)
    backend.invoker.route(key, qualifier)
    payload = request["InvokeArgs"] or b"{}"
    check_payload(payload, QUOTAS.asynchronous_payload)
    await backend.asynchronous.accept(key, qualifier, payload, context.request_id, None, context.trace_id)
    return {"Status": 202}
