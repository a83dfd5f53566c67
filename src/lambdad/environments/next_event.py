"""The head of the answer to /next: what a runtime learns of an event beside its payload.

AWS: docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-next
"""

from lambdad.resources.invocation import Invocation


def next_head(invocation: Invocation, deadline: float) -> bytes:
    """`deadline` in seconds since the epoch."""
    context = ""
    if invocation.client_context is not None:
        context = f"Lambda-Runtime-Client-Context: {invocation.client_context}\r\n"
    if invocation.tenant_id is not None:
        context += f"Lambda-Runtime-Aws-Tenant-Id: {invocation.tenant_id}\r\n"
    return (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        f"Lambda-Runtime-Aws-Request-Id: {invocation.request_id}\r\n"
        f"Lambda-Runtime-Deadline-Ms: {int(deadline * 1000)}\r\n"
        f"Lambda-Runtime-Invoked-Function-Arn: {invocation.function_arn}\r\n"
        f"Lambda-Runtime-Trace-Id: {invocation.trace_id}\r\n"
        f"{context}Content-Length: {len(invocation.payload)}\r\n\r\n"
    ).encode()
