"""Functions that send segments, and reading traces back."""

import json
import time
from typing import Any

from functions import call

TRACER = """
import json, os, socket, time
def parts():
    return dict(part.split("=", 1) for part in os.environ["_X_AMZN_TRACE_ID"].split(";"))
def send(document, header=b'{"format": "json", "version": 1}'):
    host, port = os.environ["AWS_XRAY_DAEMON_ADDRESS"].split(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        text = document if isinstance(document, bytes) else json.dumps(document).encode()
        daemon.sendto(header + b"\\n" + text, (host, int(port)))
def subsegment(name, **more):
    now = time.time()
    place = {"type": "subsegment", "trace_id": parts()["Root"], "parent_id": parts()["Parent"]}
    return {"id": os.urandom(8).hex(), "name": name, **place, "start_time": now, "end_time": now, **more}
def handler(event, context):
    if event == "fail":
        raise ValueError("that was wrong")
    for one in (event or {}).get("send", ()):
        send(subsegment(**one))
    for one in (event or {}).get("raw", ()):
        send(one.encode())
    for _ in range((event or {}).get("flood", 0)):
        send(subsegment("flood", metadata={"default": {"padding": "x" * 20000}}))
    return os.environ["_X_AMZN_TRACE_ID"]
"""


def invoke(client: Any, name: str, event: Any = None, header: str | None = None, **more: Any) -> Any:
    """The payload; `header`: the tracing header that is sent along."""

    def add(request: Any, **_: Any) -> None:
        request.headers["X-Amzn-Trace-Id"] = header

    if header is not None:
        client.meta.events.register_first("before-sign.lambda.Invoke", add, unique_id="trace")
    try:
        return call(client, name, event, **more)[0]
    finally:
        client.meta.events.unregister("before-sign.lambda.Invoke", unique_id="trace")


def fields(header: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in header.split(";"))


def documents(xray: Any, trace_id: str) -> list[dict[str, Any]]:
    """Of a trace, by start."""
    traces = xray.batch_get_traces(TraceIds=[trace_id])["Traces"]
    return [json.loads(segment["Document"]) for trace in traces for segment in trace["Segments"]]


def summaries(xray: Any, expression: str = "", **more: Any) -> list[dict[str, Any]]:
    now = time.time()
    given = {"FilterExpression": expression} if expression else {}
    pages = xray.get_paginator("get_trace_summaries").paginate(StartTime=now - 600, EndTime=now + 60, **given, **more)
    return [summary for page in pages for summary in page["TraceSummaries"]]
