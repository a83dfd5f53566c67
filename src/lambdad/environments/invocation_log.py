"""What the platform writes into the log about one environment's invocations: START, END, REPORT, and what they report.

AWS: docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html#monitoring-cloudwatchlogs-log-insights
"""

import math

from lambdad.clock import Clock
from lambdad.environments.blueprint import Blueprint
from lambdad.environments.failures import FunctionError
from lambdad.environments.initialization import WARM
from lambdad.environments.log_capture import LogCapture, Report
from lambdad.resources.invocation import Invocation, Trace
from lambdad.resources.lambda_segments import Run
from lambdad.sandbox.driver import Sandbox

_USAGE_AGE = 0.05
"""Seconds a memory reading may be old: reading the control group costs as much as the rest of the REPORT line."""


class InvocationLog:
    __slots__ = (
        "_blueprint",
        "_capture",
        "_clock",
        "_lines",
        "_sandbox",
        "_streamed_bytes",
        "_traced",
        "_usage_at",
        "cold_start",
        "used_mb",
    )

    def __init__(self, blueprint: Blueprint, capture: LogCapture, sandbox: Sandbox, clock: Clock) -> None:
        self._blueprint = blueprint
        self._lines = blueprint.lines
        self._capture = capture
        self._sandbox = sandbox
        self._clock = clock
        self._usage_at = 0.0
        self._streamed_bytes = 0
        self._traced: tuple[Trace, float, str] | None = None
        """Of the invocation that runs, when it began, and its tracing header."""
        self.used_mb = 0
        """As it was last measured: it does not change while the environment is idle."""
        self.cold_start = WARM
        """What the next REPORT says of how it came to be ready."""

    def started(self, invocation: Invocation, now: float) -> None:
        if invocation.trace is not None:
            self._traced = invocation.trace, now, invocation.trace_id
        self._capture.write(self._lines.start(invocation.request_id, self._blueprint.version.version, now))

    def streamed(self, size: int) -> None:
        """So many bytes of the answer went out piece by piece."""
        self._streamed_bytes = size

    def ended(self, request_id: str, duration_ms: float, error: FunctionError | None, produced: int) -> Report:
        """`produced`: bytes of its answer."""
        now = self._clock.now()
        self._capture.finish()
        if error is not None and error.log_line is not None:
            self._capture.write(error.log_line.encode())
        cold, self.cold_start = self.cold_start, WARM
        report = Report(
            request_id,
            duration_ms,
            math.ceil(duration_ms + cold.billed_ms),
            self._blueprint.version.memory_size,
            self._memory_used_mb(),
            cold.init_ms,
            error.status if error is not None else None,
            error.error_type if error is not None else None,
            cold.restore_ms,
            cold.billed_restore_ms,
            self._traced[2] if self._traced is not None else None,
        )
        for line in self._lines.ended(report, produced, now):
            self._capture.write(line)
        self._meter(report)
        if self._traced is not None:
            self._trace(report)
        return report

    def _trace(self, report: Report) -> None:
        assert self._traced is not None
        (trace, began, _), self._traced = self._traced, None
        group = self._blueprint.version.log_group_name
        trace.ran(Run(began, self._clock.now(), report.init_ms, report.restore_ms, group))

    def _meter(self, report: Report) -> None:
        """What is billed is what the REPORT line says."""
        streamed_bytes, self._streamed_bytes = self._streamed_bytes, 0
        self._blueprint.metering.invoked(
            self._blueprint.version,
            report.billed_ms,
            provisioned=self._blueprint.provisioned,
            streamed_bytes=streamed_bytes,
            restored=report.restore_ms is not None,
        )

    def _memory_used_mb(self) -> int:
        now = self._clock.monotonic()
        if now - self._usage_at > _USAGE_AGE:
            self._usage_at = now
            self.used_mb = math.ceil(self._sandbox.memory_peak() / 1048576)
        return self.used_mb
