"""One template: an environment that is initialised, writes its snapshot, and ends. SnapStart's Init phase.

It is a sandbox like any other. What it runs is the function's own code, so nothing it says is believed beyond its function:
whether a snapshot is of any use shows when one is restored. AWS: docs.aws.amazon.com/lambda/latest/dg/snapstart.html
"""

import asyncio
from dataclasses import dataclass, replace

from lambdad.clock import Clock
from lambdad.environments import failures
from lambdad.environments.blueprint import Blueprint
from lambdad.environments.failures import FunctionError
from lambdad.environments.log_capture import LogCapture
from lambdad.environments.runtime_api import ACCEPTED, INIT_ERROR, RESTORE_NEXT, error_type_of, refuse_transition
from lambdad.http.exchange import Exchange, Handler
from lambdad.sandbox.driver import Exit, Sandbox, SnapshotFile


@dataclass(frozen=True, slots=True)
class InitFailure:
    """Why a version cannot be: AWS's StateReasonCode, and words."""

    code: str
    reason: str


class SnapshotTemplate:
    """Runs once; `run` says how it went."""

    def __init__(
        self,
        blueprint: Blueprint,
        sandbox: Sandbox,
        clock: Clock,
        log_stream: str,
        capture: LogCapture,
    ) -> None:
        self._blueprint = blueprint
        self._sandbox = sandbox
        self._clock = clock
        self._log_stream = log_stream
        self._capture = capture
        self._error: FunctionError | None = None
        self._outcome: asyncio.Future[InitFailure | None] = asyncio.get_running_loop().create_future()
        self.asked: Exchange | None = None
        """Its GET /restore/next: whoever answers it makes it an environment (`initialised.py`)."""
        self.successor: Handler | None = None
        """Whose Runtime API it is since then."""

    async def run(self, snapshot: SnapshotFile | None) -> InitFailure | None:
        """None: it is initialised, and has written what it could, if it was given where.

        Its processes may still run: destroy the sandbox."""
        blueprint, sandbox = self._blueprint, self._sandbox
        self._capture.open()
        sandbox.on_exit = self._exited
        init, began = blueprint.init_record("init"), self._clock.monotonic()
        about = {**init, **blueprint.runtime_record(self._log_stream)}
        self._capture.write(blueprint.lines.init_start(about, self._clock.now()))
        try:
            # Its extensions are started where it is restored: a snapshot has one process.
            sandbox.start(replace(blueprint.spec(sandbox, self._log_stream), snapshot=snapshot, extensions=()))
            failure = await asyncio.wait_for(self._outcome, blueprint.init_timeout)
            status = "error" if failure is not None else None
        except TimeoutError:
            words = f"The function was not initialized within {blueprint.init_timeout:.0f} seconds."
            failure = InitFailure("FunctionError.InitTimeout", words)
            status = "timeout"
        finally:
            self._capture.close()
        elapsed_ms = (self._clock.monotonic() - began) * 1000
        error_type = self._error.error_type if self._error is not None else None
        now = self._clock.now()
        self._capture.write(blueprint.lines.runtime_initialised(init, False, status, error_type, now))
        self._capture.write(blueprint.lines.init_report(init, elapsed_ms, status, error_type, now))
        self._capture.publish()
        return failure

    @property
    def waits(self) -> bool:
        """Its process lives, and can go on from where it asked."""
        return self.asked is not None and not self.asked.closed

    def handle(self, exchange: Exchange) -> None:
        """Its Runtime API: the end of initialisation, by one of two ways."""
        if self.successor is not None:
            self.successor(exchange)
        elif exchange.target == RESTORE_NEXT and exchange.method == b"GET":
            self.asked = exchange  # and it is not answered here
            self._settle(None)
        elif exchange.target == INIT_ERROR and exchange.method == b"POST":
            exchange.respond_raw(ACCEPTED, b"")
            self._fail(FunctionError(exchange.body, error_type_of(exchange)))
        else:
            refuse_transition(exchange)

    def _exited(self, how: Exit) -> None:
        if how.setup_error is not None:
            self._settle(InitFailure("InternalError", how.setup_error))
        else:
            self._fail(failures.exited("", how))

    def _fail(self, error: FunctionError) -> None:
        if not self._outcome.done():
            self._error = error
            self._settle(InitFailure("FunctionError", failures.described(error)))

    def _settle(self, failure: InitFailure | None) -> None:
        if not self._outcome.done():
            self._outcome.set_result(failure)
