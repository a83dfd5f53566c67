"""The segments of an invocation as Lambda itself writes them: of the service, and of the function. Pure.

AWS: docs.aws.amazon.com/lambda/latest/dg/services-xray.html. The service's goes from a request's arrival to its answer; an
asynchronous one's from acceptance, with its dwell time and attempts. The function's is below it: how it came to be ready, the
invocation, and what the platform did after the answer.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from lambdad.ids import new_segment_id
from lambdad.resources.function import FunctionKey
from lambdad.resources.segment import Document

SERVICE: Final = "AWS::Lambda"
FUNCTION: Final = "AWS::Lambda::Function"
_INVOCATION: Final = "Invocation"
_MOST_FRAMES: Final = 50


@dataclass(frozen=True, slots=True)
class Accepted:
    """An asynchronous event's attempt. Seconds since the epoch."""

    at: float
    began: float
    attempt: int
    """From 1."""


@dataclass(frozen=True, slots=True)
class Run:
    """What an execution environment did of an invocation. Seconds since the epoch, and milliseconds."""

    began: float
    """The runtime was given the event."""
    ended: float
    """Everything that belongs to it is done, and its REPORT written."""
    init_ms: float | None = None
    restore_ms: float | None = None
    log_group: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """How an invocation ended."""

    at: float
    status: int
    """As the caller was answered."""
    error: bytes | None = None
    """The document of the function's error."""
    throttled: bool = False


def service_segment_id(request_id: str, function_arn: str) -> str:
    """The same for all attempts of an event."""
    return hashlib.blake2b(f"{request_id} {function_arn}".encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Traced:
    """An invocation whose trace is recorded."""

    trace_id: str
    parent: str | None
    key: FunctionKey
    function_arn: str
    request_id: str
    service_id: str
    function_id: str
    arrived: float
    accepted: Accepted | None = None


def service_segments(traced: Traced, answer: Answer) -> list[Document]:
    """The service's own, and the attempt's if it is asynchronous; the parent of the function's is the last one's id."""
    accepted = traced.accepted
    began = accepted.at if accepted is not None else traced.arrived
    segment: Document = {
        "id": traced.service_id,
        "name": traced.key.name,
        "start_time": began,
        "trace_id": traced.trace_id,
        "end_time": max(answer.at, began),
        **({"parent_id": traced.parent} if traced.parent else {}),
        "http": {"response": {"status": 202 if accepted is not None else answer.status}},
        "aws": {"request_id": traced.request_id},
        "origin": SERVICE,
        "resource_arn": traced.function_arn,
        **_flags(answer),
    }
    if accepted is None:
        return [segment]
    dwell = {
        "id": _derived(traced.service_id, "dwell"),
        "name": "Dwell Time",
        "start_time": accepted.at,
        "end_time": accepted.began,
    }
    if accepted.attempt > 1:  # until the first one began: what came later is between the attempts
        dwell = {}
    attempt: Document = {
        "id": attempt_id(traced),
        "name": f"Attempt #{accepted.attempt}",
        "start_time": accepted.began,
        "end_time": max(answer.at, accepted.began),
        "http": {"response": {"status": answer.status}},
        **_flags(answer),
    }
    below = {"type": "subsegment", "trace_id": traced.trace_id, "parent_id": traced.service_id}
    return [segment, *({**one, **below} for one in (dwell, attempt) if one)]


def attempt_id(traced: Traced) -> str:
    """Whose child the function's segment is."""
    if traced.accepted is None:
        return traced.service_id
    return _derived(traced.service_id, str(traced.accepted.attempt))


def _derived(segment_id: str, what: str) -> str:
    return hashlib.blake2b(f"{segment_id} {what}".encode(), digest_size=8).hexdigest()


def function_segment(traced: Traced, run: Run, answer: Answer) -> Document:
    key = traced.key
    about = {"aws": {"function_arn": traced.function_arn}}
    phases: list[tuple[str, float, float]] = []
    for name, took in (("Initialization", run.init_ms), ("Restore", run.restore_ms)):
        if took is not None:
            phases.append((name, run.began - took / 1000, run.began))
    answered = min(max(answer.at, run.began), max(run.ended, run.began))
    phases += [(_INVOCATION, run.began, answered), ("Overhead", answered, max(run.ended, answered))]
    failed: Document = {}
    if answer.error is not None:
        failed = {"fault": True, "cause": cause_of(answer.error)}
    subsegments: list[Document] = [
        {"id": new_segment_id(), "name": name, "start_time": began, "end_time": ended, **about}
        | (failed if name == _INVOCATION else {})
        for name, began, ended in phases
    ]
    return {
        "id": traced.function_id,
        "name": key.name,
        "start_time": run.began,
        "trace_id": traced.trace_id,
        "end_time": max(run.ended, answered),
        "parent_id": attempt_id(traced),
        "aws": {
            "account_id": key.account,
            "function_arn": traced.function_arn,
            "resource_names": [key.name],
            **({"cloudwatch_logs": [{"log_group": run.log_group}]} if run.log_group else {}),
        },
        "origin": FUNCTION,
        **failed,
        "subsegments": subsegments,
    }


def invocation_of(segment: Document) -> Document | None:
    """Of a function's segment: the subsegment in which the function ran."""
    return next((one for one in segment.get("subsegments", ()) if one["name"] == _INVOCATION), None)


def _flags(answer: Answer) -> Document:
    if answer.throttled:
        return {"error": True, "throttle": True}
    return {"fault": True} if answer.error is not None or answer.status >= 500 else {}


def cause_of(document: bytes) -> Document:
    """From the error document that a runtime, or the platform, answered with: untrusted in form and size."""
    try:
        said = orjson.loads(document)
    except orjson.JSONDecodeError:
        said = {}
    said = said if isinstance(said, dict) else {}
    exception: dict[str, Any] = {
        "id": new_segment_id(),
        "message": str(said.get("errorMessage", ""))[:2048],
        "type": str(said.get("errorType", "Error"))[:256],
        "remote": False,
    }
    stack = said.get("stackTrace") or said.get("trace")
    if isinstance(stack, list) and stack:
        exception["stack"] = _frames(stack)
    return {"exceptions": [exception]}


def _frames(stack: Sequence[Any]) -> list[Document]:
    """Runtimes write a frame as a line of text (`File "…", line 3, in handler`, `at handler (…:3:9)`), and so they are labels."""
    return [{"label": str(frame).strip().partition("\n")[0][:512]} for frame in stack[:_MOST_FRAMES]]
