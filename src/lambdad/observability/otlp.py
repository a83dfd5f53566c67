"""X-Ray segments as OpenTelemetry spans, in OTLP's JSON. Pure.

github.com/open-telemetry/opentelemetry-proto (trace.proto, and docs/specification.md for JSON: ids are hexadecimal, 64-bit numbers
text); opentelemetry.io/docs/specs/semconv for the attributes' names. A segment is a span, and so is each of its subsegments.

What functions send names the function's segment as its parent, and is in its Invocation (`resources/trace.py`). It comes before
those two do, and goes on as it is: so the Invocation's span has the segment's id, and the segment's has the Invocation's.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from lambdad.observability.trace_store import Place, Taken
from lambdad.resources.lambda_segments import FUNCTION, SERVICE, invocation_of
from lambdad.resources.segment import Document, kinds_of_failure, response_status
from lambdad.resources.trace import annotations_of, exceptions_of

_INTERNAL, _SERVER, _CLIENT = 1, 2, 3
_ERROR: Final = 2
_MOST_EXCEPTIONS: Final = 16


def spans_of(taken: Taken) -> list[tuple[str, Document]]:
    """(the service that it is of, span) of a segment and of everything in it; of one in progress none: it comes again."""
    if taken.segment.ended is None:
        return []
    document, place = taken.segment.document, taken.place
    apart = document.get("type") == "subsegment"
    service = place.sender or document["name"] if apart else document["name"]
    trace_id = taken.segment.trace_id[2:].replace("-", "")
    return [(service, span) for span in _spans(document, trace_id, document.get("parent_id"), place, apart)]


def _spans(root: Document, trace_id: str, parent_id: str | None, place: Place, apart: bool) -> Iterator[Document]:
    ids = _span_ids(root)
    waiting: list[tuple[Document, str | None, bool]] = [(root, parent_id, apart)]
    while waiting:
        document, parent, is_subsegment = waiting.pop()
        span_id = ids.get(document["id"], document["id"])
        if document.get("end_time") is not None:
            about = {"traceId": trace_id, "spanId": span_id}
            yield about | _span(document, parent, place, is_subsegment)
        waiting += [(child, span_id, True) for child in document.get("subsegments") or ()]


def _span_ids(root: Document) -> dict[str, str]:
    """Where they are others than in the document."""
    invocation = invocation_of(root) if root.get("origin") == FUNCTION else None
    return {root["id"]: invocation["id"], invocation["id"]: root["id"]} if invocation is not None else {}


def _span(document: Document, parent_id: str | None, place: Place, is_subsegment: bool) -> Document:
    error, fault, throttle = kinds_of_failure(document)
    exceptions = exceptions_of(document)[:_MOST_EXCEPTIONS]
    span: Document = {
        "name": document["name"],
        "kind": _kind(document, is_subsegment),
        "startTimeUnixNano": _nanoseconds(document["start_time"]),
        "endTimeUnixNano": _nanoseconds(document["end_time"]),
        "attributes": _attributes(_facts(document, place)),
        "status": {"code": _ERROR} if error or fault or throttle else {},
    }
    if isinstance(parent_id, str):
        span["parentSpanId"] = parent_id
    if exceptions:
        span["status"]["message"] = exceptions[0]["Message"]
        span["events"] = [
            {
                "timeUnixNano": span["endTimeUnixNano"],
                "name": "exception",
                "attributes": _attributes({"exception.type": one["Name"], "exception.message": one["Message"]}),
            }
            for one in exceptions
        ]
    return span


def _kind(document: Document, is_subsegment: bool) -> int:
    if is_subsegment:
        return _CLIENT if document.get("namespace") in ("aws", "remote") else _INTERNAL
    return _INTERNAL if document.get("origin") == FUNCTION else _SERVER


def _nanoseconds(seconds: float) -> str:
    """Of a double, microseconds are what can be told."""
    return f"{round(seconds * 1_000_000)}000"


def _facts(document: Document, place: Place) -> dict[str, Any]:
    aws, http = document.get("aws", {}), document.get("http", {})
    request = http.get("request") if isinstance(http.get("request"), dict) else {}
    facts: dict[str, Any] = {
        "aws.xray.origin": document.get("origin"),
        "http.response.status_code": response_status(document),
        "http.request.method": request.get("method"),
        "url.full": request.get("url"),
        "user_agent.original": request.get("user_agent"),
        "client.address": request.get("client_ip"),
        "enduser.id": document.get("user"),
        "rpc.method": aws.get("operation"),
        "aws.request_id": aws.get("request_id"),
        "aws.table.name": aws.get("table_name"),
        "cloud.resource_id": document.get("resource_arn") or aws.get("function_arn"),
    }
    if document.get("origin") in (SERVICE, FUNCTION) and place.sender:
        facts |= {"faas.name": place.sender, "faas.invocation_id": aws.get("request_id")}
    return {**facts, **annotations_of(document)}


def _attributes(facts: Mapping[str, Any]) -> list[Document]:
    """What is no text, number or truth value is left out."""
    return [{"key": key, "value": value} for key, fact in facts.items() if (value := _value(fact)) is not None]


def _value(fact: Any) -> Document | None:
    if isinstance(fact, bool):
        return {"boolValue": fact}
    if isinstance(fact, int):
        return {"intValue": str(fact)}
    if isinstance(fact, float):
        return {"doubleValue": fact}
    return {"stringValue": fact} if isinstance(fact, str) else None


def request_of(spans: Sequence[tuple[Place, str, Document]]) -> Document:
    """The body of a request: spans by whose they are."""
    by_resource: dict[tuple[str, str, str], list[Document]] = {}
    for place, service, span in spans:
        by_resource.setdefault((place.account, place.region, service), []).append(span)
    return {
        "resourceSpans": [
            {
                "resource": {
                    "attributes": _attributes(
                        {
                            "service.name": service,
                            "cloud.provider": "aws",
                            "cloud.platform": "aws_lambda",
                            "cloud.account.id": account,
                            "cloud.region": region,
                        }
                    )
                },
                "scopeSpans": [{"scope": {"name": "lambdad"}, "spans": found}],
            }
            for (account, region, service), found in by_resource.items()
        ]
    }
