"""What the platform writes into the log about one environment's invocations: START, END, REPORT, and what they report.

AWS: docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html#monitoring-cloudwatchlogs-log-insights
"""

import math

from lambdad.clock import Clock
from lambdad.environments.blueprint import Blueprint
from lambdad.environments.failures import FunctionError
from lambdad.environments.log_capture import LogCapture, Report
from lambdad.sandbox.driver import Sandbox

_USAGE_AGE = 0.05
"""Seconds a memory reading may be old: reading the control group costs as much as the rest of the REPORT line."""


class InvocationLog:
    __slots__ = ("_blueprint", "_capture", "_clock", "_lines", "_sandbox", "_usage_at", "init_ms", "used_mb")

    def __init__(self, blueprint: Blueprint, capture: LogCapture, sandbox: Sandbox, clock: Clock) -> None:
        self._blueprint = blueprint
        self._lines = blueprint.lines
        self._capture = capture
        self._sandbox = sandbox
        self._clock = clock
        self._usage_at = 0.0
        self.used_mb = 0
        """As it was last measured: it does not change while the environment is idle."""
        self.init_ms: float | None = None
        """What the next REPORT says of the initialisation."""

    def init_started(self) -> None:
        blueprint = self._blueprint
        line = self._lines.init_start(blueprint.runtime_version, blueprint.runtime_version_arn, self._clock.now())
        self._capture.write(line)

    def init_failed(self, duration_ms: float, phase: str, status: str, error_type: str | None) -> None:
        self._capture.write(self._lines.init_report(duration_ms, phase, status, error_type, self._clock.now()))

    def started(self, request_id: str, now: float) -> None:
        self._capture.write(self._lines.start(request_id, self._blueprint.version.version, now))

    def ended(self, request_id: str, duration_ms: float, error: FunctionError | None) -> None:
        now = self._clock.now()
        self._capture.finish()
        if error is not None and error.log_line is not None:
            self._capture.write(error.log_line.encode())
        self._capture.write(self._lines.end(request_id, now))
        init_ms, self.init_ms = self.init_ms, None
        report = Report(
            request_id,
            duration_ms,
            math.ceil(duration_ms + (init_ms or 0.0)),
            self._blueprint.version.memory_size,
            self._memory_used_mb(),
            init_ms,
            error.status if error is not None else None,
            error.error_type if error is not None else None,
        )
        self._capture.write(self._lines.report(report, now))

    def _memory_used_mb(self) -> int:
        now = self._clock.monotonic()
        if now - self._usage_at > _USAGE_AGE:
            self._usage_at = now
            self.used_mb = math.ceil(self._sandbox.usage().memory_peak / 1048576)
        return self.used_mb
