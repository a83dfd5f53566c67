"""The platform's events of one environment with extensions, in their order: init, then start, runtimeDone, report again and again.

AWS: docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
"""

from dataclasses import dataclass

from lambdad.clock import Clock
from lambdad.environments import telemetry_events
from lambdad.environments.blueprint import Blueprint
from lambdad.environments.failures import FunctionError
from lambdad.environments.log_capture import Record, Report, of_tenant
from lambdad.environments.telemetry import Telemetry
from lambdad.environments.telemetry_events import span


@dataclass(slots=True)
class _Current:
    """The invocation that was last told of. Times in seconds since the epoch."""

    request_id: str
    trace_id: str
    started: float
    answered: float | None = None
    produced: int = 0
    runtime_done: float | None = None


class PlatformEvents:
    __slots__ = (
        *("_blueprint", "_clock", "_current", "_init", "_restored", "_runtime_initialised", "_telemetry", "_tenant"),
    )

    def __init__(self, telemetry: Telemetry, blueprint: Blueprint, restored: bool, phase: str, clock: Clock) -> None:
        self._telemetry = telemetry
        self._blueprint = blueprint
        self._restored = restored
        self._clock = clock
        self._init: Record = {} if restored else blueprint.init_record(phase)
        self._tenant: Record = of_tenant(blueprint.tenant_id)
        self._runtime_initialised = False
        self._current: _Current | None = None

    def init_start(self, began: float, log_stream: str) -> None:
        about = {**self._init, **self._blueprint.runtime_record(log_stream)}
        self._telemetry.tell(telemetry_events.init_start(began, self._restored, about))

    def init_runtime_done(self, status: str = "success", error_type: str | None = None) -> None:
        """Once."""
        if not self._runtime_initialised:
            self._runtime_initialised = True
            now = self._clock.now()
            made = telemetry_events.init_runtime_done(now, self._restored, self._init, status, error_type)
            self._telemetry.tell(made)

    def init_report(self, duration_ms: float, status: str = "success", error_type: str | None = None) -> None:
        self.init_runtime_done(status, error_type)
        now = self._clock.now()
        made = telemetry_events.init_report(now, self._restored, self._init, duration_ms, status, error_type)
        self._telemetry.tell(made)

    def start(self, request_id: str, trace_id: str) -> None:
        now = self._clock.now()
        self._current = _Current(request_id, trace_id, now)
        version = self._blueprint.version.version
        self._telemetry.tell(telemetry_events.start(now, request_id, version, trace_id, self._tenant))

    def answered(self, produced: int) -> None:
        """`produced` in bytes."""
        if self._current is not None:
            self._current.answered = self._clock.now()
            self._current.produced = produced

    def runtime_done(self, status: str = "success", error_type: str | None = None) -> None:
        """The runtime asks for the next event, or never will. Once for each invocation."""
        current, now = self._current, self._clock.now()
        if current is None or current.runtime_done is not None:
            return
        current.runtime_done = now
        spans = []
        if current.answered is not None:
            spans.append(span("responseLatency", current.started, (current.answered - current.started) * 1000))
            spans.append(span("runtimeOverhead", current.answered, (now - current.answered) * 1000))
        metrics: Record = {"durationMs": round((now - current.started) * 1000, 3), "producedBytes": current.produced}
        request_id, trace_id = current.request_id, current.trace_id
        self._telemetry.tell(
            telemetry_events.runtime_done(now, request_id, trace_id, status, error_type, metrics, spans, self._tenant)
        )

    def report(self, made: Report, error: FunctionError | None) -> None:
        if self._current is None or self._current.request_id != made.request_id:
            self.start(made.request_id, "")  # it failed before the runtime had it
        self.runtime_done(made.status or "success", made.error_type)
        current, now = self._current, self._clock.now()
        assert current is not None
        if error is not None and error.log_line is not None:
            self._telemetry.tell(telemetry_events.fault(now, error.log_line))
        self._telemetry.tell(telemetry_events.end(now, made.request_id))
        overhead = span("extensionOverhead", current.runtime_done or now, (now - (current.runtime_done or now)) * 1000)
        self._telemetry.tell(telemetry_events.report(now, made, current.trace_id, [overhead], self._tenant))
