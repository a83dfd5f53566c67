"""What is told of an asynchronous event when it is done with, and to whom. Pure.

AWS: docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html (destinations' records, dead-letter queues)
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import orjson

from lambdad.invocation.recursion import hop
from lambdad.resources.function import LATEST, Function, FunctionVersion
from lambdad.resources.invocation import InvocationResult
from lambdad.resources.sqs_message import sendable
from lambdad.store.deliveries import Delivery
from lambdad.store.queue import Event

SUCCESS: Final = "Success"
_MOST_MESSAGE: Final = 1024
"""Bytes of the error's message that a dead-letter queue's attribute has."""


@dataclass(frozen=True, slots=True)
class Settled:
    """How an event ended."""

    condition: str
    """Success | RetriesExhausted | EventAgeExceeded | ZeroReservedConcurrency | RecursiveInvocationDetected."""
    attempts: int
    result: InvocationResult | None
    """The last answer; None if it never ran."""


def destination_of(function: Function, event: Event, settled: Settled) -> str | None:
    """ARN."""
    config = function.event_invoke_configs.get(event.qualifier or LATEST)
    if config is None:
        return None
    return config.on_success if settled.condition == SUCCESS else config.on_failure


def dead_letter_queue_of(version: FunctionVersion | None, settled: Settled) -> str | None:
    """ARN."""
    if version is None or settled.condition == SUCCESS:
        return None
    arn: str | None = version.settings.get("DeadLetterConfig", {}).get("TargetArn")
    return arn


def record_of(event: Event, settled: Settled, now: float) -> bytes:
    """The document that a destination is given."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    context = {
        "requestId": event.request_id,
        "functionArn": f"{event.key.arn}:{event.qualifier or LATEST}",
        "condition": settled.condition,
        "approximateInvokeCount": settled.attempts,
    }
    record: dict[str, object] = {
        "version": "1.0",
        "timestamp": stamp,
        "requestContext": context,
        "requestPayload": orjson.Fragment(event.payload),
    }
    result = settled.result
    if result is not None:
        response: dict[str, object] = {"statusCode": 200, "executedVersion": result.executed_version}
        if result.function_error is not None:
            response["functionError"] = result.function_error
        record["responseContext"] = response
        record["responsePayload"] = _as_json(result.payload)
    return orjson.dumps(record)


def to_destination(event: Event, target: str, settled: Settled, now: float) -> Delivery:
    return Delivery(
        kind="destination",
        key=event.key,
        request_id=event.request_id,
        target=target,
        body=record_of(event, settled, now),
        context={
            "condition": settled.condition,
            "function_arn": f"{event.key.arn}:{event.qualifier or LATEST}",
            "trace_id": _trace_of(event, now),
        },
        begun_at=now,
        due_at=now,
    )


def to_dead_letter_queue(event: Event, target: str, settled: Settled, now: float) -> Delivery:
    """The event itself; what went wrong is in the message's attributes."""
    code, message = _error_of(settled)
    return Delivery(
        kind="dead_letter",
        key=event.key,
        request_id=event.request_id,
        target=target,
        body=event.payload,
        context={"error_code": code, "error_message": message, "trace_id": _trace_of(event, now)},
        begun_at=now,
        due_at=now,
    )


def _trace_of(event: Event, now: float) -> str:
    """As the function had it: who is told of it goes on from there."""
    return hop(event.trace_id, event.key, now).trace_id


def _error_of(settled: Settled) -> tuple[str, str]:
    """(HTTP status, message)."""
    if settled.result is None:
        return "429", "Rate Exceeded."
    try:
        document = orjson.loads(settled.result.payload)
    except orjson.JSONDecodeError:
        document = None
    message = document.get("errorMessage") if isinstance(document, dict) else None
    text = message if isinstance(message, str) and message else settled.result.function_error or settled.condition
    return "200", sendable(text).encode()[:_MOST_MESSAGE].decode(errors="ignore")


def _as_json(payload: bytes) -> object:
    """An answer that is no JSON is told as text."""
    try:
        orjson.loads(payload)
    except orjson.JSONDecodeError:
        return payload.decode(errors="replace") if payload else None
    return orjson.Fragment(payload)
