"""One invocation and its outcome, as records. AWS: docs.aws.amazon.com/lambda/latest/api/API_Invoke.html

An invocation is handed down from the API to an execution environment and comes back once, by its `done`: an
InvocationResult when a runtime was given the event (also when the function failed: that is an answer, not an error), or a
ServiceError when none could be.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lambdad.errors import ServiceError
from lambdad.resources.lambda_segments import Run


@dataclass(frozen=True, slots=True)
class InvocationResult:
    payload: bytes
    """The function's answer as it sent it, or the JSON document of its error."""
    executed_version: str
    function_error: str | None = None
    """None, or `Unhandled` (the X-Amz-Function-Error header)."""
    log_tail: bytes | None = None
    """The last 4 KB of this invocation's log, if asked for."""
    duration_ms: float = 0.0
    """What the function took: the Duration of its REPORT line."""
    trace_id: str = ""
    """The tracing header that the function was given."""


Outcome = InvocationResult | ServiceError


class Flow(Protocol):
    """Whoever sends, as seen by who is slower: no more for now, and go on."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class ResponseSink(Protocol):
    """Who takes an answer piece by piece (`invocation/streaming.py`). `done` comes after the last one, with no payload."""

    def begin(self, content_type: str, executed_version: str, flow: Flow) -> None: ...

    def write(self, piece: bytes) -> None: ...


class Trace(Protocol):
    """What is recorded of an invocation that is traced (`invocation/tracing.py`)."""

    def ran(self, run: Run) -> None:
        """In its environment all is done."""


@dataclass(slots=True)
class Invocation:
    """Mutable only in that `done` is called once; slots because thousands are made a second."""

    request_id: str
    payload: bytes
    function_arn: str
    """As invoked: with the qualifier the caller gave, if any."""
    trace_id: str
    client_context: str | None
    """The JSON document of the ClientContext header, decoded from base64."""
    wants_tail: bool
    done: Callable[[Outcome], None]
    sink: ResponseSink | None = None
    """None: an answer that comes piece by piece is collected, and is one for `done`."""
    trace: Trace | None = None
    """None: it is not traced."""
    tenant_id: str | None = None
    """Of a function that isolates its tenants, always."""
