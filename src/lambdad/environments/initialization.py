"""How an environment's runtime process comes to be ready: by the Init phase, or (SnapStart) by the Restore phase.

Each has its lines in the log, its time limit, and what becomes of an invocation that waits when it fails.
AWS: docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-restore
"""

import math
from dataclasses import dataclass
from typing import Protocol

from lambdad.clock import Clock
from lambdad.environments.blueprint import Blueprint, Restorable
from lambdad.environments.failures import FunctionError
from lambdad.environments.log_capture import LogCapture
from lambdad.errors import ServiceError, SnapStartException, SnapStartTimeoutException
from lambdad.sandbox.driver import Sandbox

RESTORE_TIMEOUT = 10.0
"""Seconds for the Restore phase, after-restore hooks included."""


@dataclass(frozen=True, slots=True)
class ColdStart:
    """What the first REPORT line of an environment says beside its invocation."""

    init_ms: float | None = None
    restore_ms: float | None = None
    billed_restore_ms: int | None = None

    @property
    def billed_ms(self) -> float:
        return (self.init_ms or 0.0) + (self.billed_restore_ms or 0)


WARM = ColdStart()


class Initialization(Protocol):
    limit: float
    """Seconds."""
    phase: str
    """`init`, or `invoke` when an invocation pays for it."""
    restores: bool
    """A snapshot."""

    def begin(self, log_stream: str) -> None:
        """Write the line that it starts with."""

    def start(self, sandbox: Sandbox, log_stream: str) -> None:
        """Start the runtime process."""

    def resumed(self, elapsed_ms: float) -> None:
        """GET /restore/next: snapshots are taken before it, and restored processes ask it first."""

    def done(self, elapsed_ms: float) -> ColdStart:
        """It asks for an event."""

    def failed(self, elapsed_ms: float, status: str, error: FunctionError | None) -> ServiceError | None:
        """What the waiting invocation is refused with; None: it is tried once more, or fails as any would."""


def initialization_of(blueprint: Blueprint, capture: LogCapture, clock: Clock, phase: str) -> Initialization:
    snapshot = blueprint.snapshot()
    if snapshot is not None:
        return Restore(blueprint, capture, clock, phase, snapshot)
    return Init(blueprint, capture, clock, phase)


class Init:
    """The function is imported and its module code run."""

    restores = False
    __slots__ = ("_blueprint", "_capture", "_clock", "_resumed", "limit", "phase")

    def __init__(self, blueprint: Blueprint, capture: LogCapture, clock: Clock, phase: str) -> None:
        self.phase = phase
        self._blueprint = blueprint
        self._capture = capture
        self._clock = clock
        self._resumed = False
        self.limit = blueprint.init_timeout

    def begin(self, log_stream: str) -> None:
        about = {**self._blueprint.init_record(self.phase), **self._blueprint.runtime_record(log_stream)}
        self._capture.write(self._blueprint.lines.init_start(about, self._clock.now()))

    def start(self, sandbox: Sandbox, log_stream: str) -> None:
        sandbox.start(self._blueprint.spec(sandbox, log_stream))

    def resumed(self, elapsed_ms: float) -> None:
        """A function with SnapStart is initialised here for want of a snapshot: its after-restore hooks come now."""
        self._resumed = self._blueprint.version.snap_start

    def done(self, elapsed_ms: float) -> ColdStart:
        self._write_report(elapsed_ms, None, None)
        # Who has provisioned concurrency pays for its initialisation apart from the first invocation.
        if not self._blueprint.provisioned:
            return ColdStart(init_ms=elapsed_ms)
        self._blueprint.metering.initialised(self._blueprint.version, math.ceil(elapsed_ms))
        return WARM

    def failed(self, elapsed_ms: float, status: str, error: FunctionError | None) -> ServiceError | None:
        self._write_report(elapsed_ms, status, error.error_type if error is not None else None)
        return SnapStartException.after_restore() if self._resumed and status == "error" else None

    def _write_report(self, elapsed_ms: float, status: str | None, error_type: str | None) -> None:
        self._capture.drain()  # what was printed comes before
        lines, init, now = self._blueprint.lines, self._blueprint.init_record(self.phase), self._clock.now()
        self._capture.write(lines.runtime_initialised(init, self.restores, status, error_type, now))
        self._capture.write(lines.init_report(init, elapsed_ms, status, error_type, now))


class Restore:
    """A snapshot becomes this environment: its memory, or (`initialised.py`) all of it."""

    restores = True
    __slots__ = ("_blueprint", "_capture", "_clock", "_resumed_ms", "_snapshot", "limit", "phase")

    def __init__(
        self, blueprint: Blueprint, capture: LogCapture, clock: Clock, phase: str, snapshot: Restorable
    ) -> None:
        self.phase = phase
        self._blueprint = blueprint
        self._capture = capture
        self._clock = clock
        self._snapshot = snapshot
        self._resumed_ms: float | None = 0.0 if snapshot.at_hooks else None
        self.limit = RESTORE_TIMEOUT

    def begin(self, log_stream: str) -> None:
        about = self._blueprint.runtime_record(log_stream)
        self._capture.write(self._blueprint.lines.restore_start(about, self._clock.now()))

    def start(self, sandbox: Sandbox, log_stream: str) -> None:
        self._snapshot.restore(sandbox, lambda: self._blueprint.spec(sandbox, log_stream))

    def resumed(self, elapsed_ms: float) -> None:
        self._resumed_ms = elapsed_ms

    def done(self, elapsed_ms: float) -> ColdStart:
        self._write_report(elapsed_ms, None, None)
        own_ms = elapsed_ms - self._resumed_ms if self._resumed_ms is not None else elapsed_ms
        return ColdStart(restore_ms=elapsed_ms, billed_restore_ms=math.ceil(own_ms))

    def failed(self, elapsed_ms: float, status: str, error: FunctionError | None) -> ServiceError | None:
        self._write_report(elapsed_ms, status, error.error_type if error is not None else None)
        if status == "timeout":  # an invocation that paid for it ran out of time itself
            return SnapStartTimeoutException.restore(self.limit) if self.phase == "init" else None
        ended = error is not None and error.log_line is not None
        if self._snapshot.at_hooks and ended:
            return None  # perhaps while it waited: initialised anew, it shows whether its hooks end it
        if self._resumed_ms is not None:
            return SnapStartException.after_restore()
        self._snapshot.discard()  # it never came to itself: whoever is next is initialised
        return None

    def _write_report(self, elapsed_ms: float, status: str | None, error_type: str | None) -> None:
        self._capture.drain()
        lines, now = self._blueprint.lines, self._clock.now()
        self._capture.write(lines.runtime_initialised({}, self.restores, status, error_type, now))
        self._capture.write(lines.restore_report(elapsed_ms, status, error_type, now))
