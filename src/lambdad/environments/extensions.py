"""The extensions of one environment: who has registered, when all of them are ready, who ended, and the shutdown phase.

AWS: docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html. External ones are processes, started before the
runtime; internal ones are threads of the runtime process that register as they please. The environment learns nothing of
this: its runtime's /next is held back here until every extension asks for an event, too.
"""

import asyncio
from collections.abc import Callable
from itertools import chain
from typing import Protocol

from lambdad.environments import failures, telemetry_events
from lambdad.environments.blueprint import Blueprint
from lambdad.environments.extension import (
    INVOKE,
    MOST_EXTENSIONS,
    Extension,
    ExtensionState,
    Refusal,
    refused_events,
    respond_event,
)
from lambdad.environments.extension_output import ExtensionOutput
from lambdad.environments.failures import FunctionError
from lambdad.environments.initialization import Initialization
from lambdad.environments.invocation_log import InvocationLog
from lambdad.environments.log_capture import LogCapture
from lambdad.environments.platform_events import PlatformEvents
from lambdad.environments.shutdown_phase import ShutdownPhase
from lambdad.environments.states import State
from lambdad.environments.telemetry import Telemetry
from lambdad.environments.telemetry_subscription import Subscription
from lambdad.environments.time_limit import TimeLimit
from lambdad.http.exchange import Exchange
from lambdad.ids import new_uuid
from lambdad.resources.invocation import Invocation
from lambdad.sandbox.driver import Exit, Sandbox

_LAUNCH_ERRORS = {"EACCES": "PermissionDenied"}
"""What AWS calls it when an extension cannot be started; anything else is an UnknownError."""
CLOSED = Refusal("Extension.RegistrationClosed", "Extension registration closed already")
_NAME_TAKEN = Refusal("Extension.InvalidExtensionState", "Extension with this name already registered")
_TOO_MANY = Refusal("Extension.TooManyExtensions", f"Extension limit ({MOST_EXTENSIONS}) reached")

Failure = Callable[[str], FunctionError]
"""Of which request → what it fails with."""


class Host(Protocol):
    """What extensions need of their environment (`environment.py`)."""

    state: State
    sandbox: Sandbox
    log_stream: str

    def runtime_next(self, exchange: Exchange) -> bool: ...

    def broken(self, failure: Failure) -> None: ...


class Extensions:
    """Those of one runtime process: after a reset there are others."""

    __slots__ = (
        "_alive",
        "_blueprint",
        "_capture",
        "_clock",
        "_ending",
        "_external",
        "_function_arn",
        "_held",
        "_host",
        "_internal",
        "_log",
        "_open",
        "_output",
        "_phase",
        "_platform",
        "_reported",
        "_runtime_alive",
        "_telemetry",
        "_time",
    )

    def __init__(
        self,
        host: Host,
        blueprint: Blueprint,
        capture: LogCapture,
        log: InvocationLog,
        time: TimeLimit,
        initialization: Initialization,
        names: tuple[str, ...],
    ) -> None:
        """`names`: the external ones, which the sandbox is about to start."""
        self._host = host
        self._blueprint = blueprint
        self._capture = capture
        self._log = log
        self._time = time
        self._clock = time.clock
        self._external = {name: Extension(name, new_uuid(), internal=False) for name in names}
        self._internal: dict[str, Extension] = {}
        self._alive = set(names[:MOST_EXTENSIONS])
        self._runtime_alive = not names
        self._open = True
        self._held: Exchange | None = None
        """The runtime's /next, while an extension does not ask yet."""
        self._function_arn = ""
        """As the last invocation was asked for."""
        self._reported: tuple[str, int | None, float] | None = None
        """The request whose REPORT waits for extensions, the bytes of its answer (None: its REPORT is out, for a tail), and the
        milliseconds that the answer took."""
        self._output: ExtensionOutput | None = None
        self._phase: ShutdownPhase | None = None
        self._ending: asyncio.Task[None] | None = None
        json_lines = blueprint.version.log_format == "JSON"
        self._telemetry = Telemetry(json_lines, host.sandbox.extensions.connect, self._clock)
        restores, phase = initialization.restores, initialization.phase
        self._platform = PlatformEvents(self._telemetry, blueprint, restores, phase, self._clock)
        self._platform.init_start(self._clock.now() - time.elapsed_ms() / 1000, host.log_stream)
        capture.listen(self._telemetry.function_printed)

    def watch(self) -> None:
        """The sandbox is starting them."""
        processes = self._host.sandbox.extensions
        processes.on_exit = self._exited
        self._output = ExtensionOutput(processes.output, self._capture, self._telemetry.extension_printed)
        for extension in list(self._external.values())[MOST_EXTENSIONS:]:
            self._launch_failed(extension, "TooManyExtensions")
            reason = "ErrorTooManyExtensions"
            asyncio.get_running_loop().call_soon(self._broken, extension, reason)

    # --- What they ask for (extensions_api.py) --------------------------------------------------------------------------

    def find(self, identifier: str) -> Extension | None:
        members = chain(self._external.values(), self._internal.values())
        return next((one for one in members if one.identifier == identifier), None)

    def register(self, name: str, events: object) -> Extension | Refusal:
        extension = self._external.get(name)
        refusal = refused_events(events, internal=extension is None)
        if refusal is None and extension is None:
            refusal = self._refused_internal(name)
        if refusal is not None:
            return refusal
        if extension is None:
            extension = self._internal[name] = Extension(name, new_uuid(), internal=True)
        refusal = extension.advance(ExtensionState.REGISTERED, name)
        if refusal is not None:
            return refusal
        extension.events = tuple(dict.fromkeys(events)) if isinstance(events, list) else ()
        if not extension.internal and not any(one.state is ExtensionState.STARTED for one in self._external.values()):
            self._runtime_alive = True
            if self._output is not None:
                self._output.take()
            self._host.sandbox.extensions.start_runtime()
        return extension

    def _refused_internal(self, name: str) -> Refusal | None:
        if not self._open:
            return CLOSED
        if name in self._internal:
            return _NAME_TAKEN
        return _TOO_MANY if len(self._external) + len(self._internal) >= MOST_EXTENSIONS else None

    def next(self, extension: Extension, exchange: Exchange) -> Refusal | None:
        """It has done with what it had, and waits for the next event."""
        gone = extension.waiting is not None and extension.waiting.closed
        if not (gone and extension.state is ExtensionState.READY):  # else it asks again on another connection
            refusal = extension.advance(ExtensionState.READY, extension.identifier)
            if refusal is not None:
                return refusal
        extension.waiting = exchange
        if self._phase is not None:
            self._phase.tell(extension)
        elif self._held is not None and self._all_ready():
            self._host.runtime_next(self._held)
        return None

    def failed(self, extension: Extension, wanted: ExtensionState, error_type: str) -> Refusal | None:
        """It says what is wrong, and will end: what becomes of the function is decided then."""
        refusal = extension.advance(wanted, extension.identifier)
        if refusal is None:
            extension.error_type = error_type
        return refusal

    def subscribe(self, extension: Extension, subscription: Subscription) -> bool:
        """False: it is too late. Raises InvalidSubscription."""
        if not self._telemetry.open:
            return False
        self._telemetry.subscribe(extension.name, subscription)
        lines, now = self._blueprint.lines, self._clock.now()
        self._capture.write(lines.subscription(subscription.api, extension.name, "Subscribed", subscription.types, now))
        return True

    def _all_ready(self) -> bool:
        members = chain(self._external.values(), self._internal.values())
        return all(one.state is ExtensionState.READY for one in members)

    # --- What the environment does --------------------------------------------------------------------------------------

    def all_ask(self, exchange: Exchange) -> bool:
        """The runtime asks for an event. False: it is held back until all of them do."""
        if self._host.state not in (State.INIT, State.ANSWERED):
            return True
        if self._held is None:
            self._runtime_asks()
        if not self._all_ready():
            self._held = exchange
            return False
        self._held = None
        self._report(None)
        return True

    def _runtime_asks(self) -> None:
        self._capture.drain()
        self._open = False
        if self._host.state is State.INIT:
            self._platform.init_runtime_done()
        else:
            self._platform.runtime_done()

    def deliver(self, invocation: Invocation, deadline: float) -> None:
        """`deadline` in seconds since the epoch."""
        self._telemetry.resume()
        self._function_arn = invocation.function_arn
        self._platform.start(invocation.request_id, invocation.trace_id)
        event = {
            "eventType": INVOKE,
            "deadlineMs": int(deadline * 1000),
            "requestId": invocation.request_id,
            "invokedFunctionArn": invocation.function_arn,
            "tracing": {"type": "X-Amzn-Trace-Id", "value": invocation.trace_id},
        }
        for extension in chain(self._external.values(), self._internal.values()):
            if INVOKE in extension.events and extension.waiting is not None:
                extension.state = ExtensionState.RUNNING
                waiting, extension.waiting = extension.waiting, None
                respond_event(waiting, event)

    def init_done(self) -> None:
        self._platform.init_report(self._time.elapsed_ms())
        self._init_over()

    def init_failed(self, status: str, error_type: str | None) -> None:
        if self._output is not None:
            self._output.drain()
        self._platform.init_report(self._time.elapsed_ms(), status, error_type)
        self._init_over()

    def _init_over(self) -> None:
        self._open = False
        for one in chain(self._external.values(), self._internal.values()):
            about = one.name, one.state.value, one.events, one.error_type
            now = self._clock.now()
            self._capture.write(self._blueprint.lines.extension(*about, now))
            self._telemetry.tell(telemetry_events.extension(now, *about))
        self._telemetry.init_over()
        if not self._telemetry.wanted:
            self._capture.listen(None)

    def answered(self, produced: int) -> Callable[[str, float, FunctionError | None, int], object]:
        """An invocation has its answer, of so many bytes. What comes of it is to be called in the place of its log's `ended`."""
        self._platform.answered(produced)
        return self._ended

    def _ended(self, request_id: str, duration_ms: float, error: FunctionError | None, produced: int) -> None:
        """The REPORT of what went well comes when the extensions have done, too; but a tail is to have it now."""
        waits = error is None and not self._all_ready()
        if waits:
            self._reported = request_id, None if self._capture.tailing else produced, duration_ms
        if not waits or self._capture.tailing:
            self._platform.report(self._log.ended(request_id, duration_ms, error, produced), error)

    def _report(self, failure: Failure | None) -> None:
        reported, self._reported = self._reported, None
        if reported is not None:
            request_id, produced, answered_ms = reported
            if self._output is not None:
                self._output.take()
            elapsed_ms, blueprint = self._time.elapsed_ms(), self._blueprint
            blueprint.extensions_worked_on(blueprint.version, self._function_arn, elapsed_ms - answered_ms)
            error = failure(request_id) if failure is not None else None
            if produced is not None:
                self._platform.report(self._log.ended(request_id, elapsed_ms, error, produced), error)
            elif error is not None and error.log_line is not None:
                self._capture.write(error.log_line.encode())
            self._capture.publish()

    def _timed_out(self, request_id: str) -> FunctionError:
        """The function's time is over, and an extension still works."""
        return failures.timed_out(request_id, self._blueprint.version.timeout, self._clock.now())

    def runtime_exited(self) -> None:
        self._runtime_alive = False
        self._held = None
        if self._phase is not None:
            self._phase.runtime_exited()

    # --- Their ends -----------------------------------------------------------------------------------------------------

    def _exited(self, name: str, how: Exit) -> None:
        """Untrusted: the name may be anyone's."""
        extension = self._external.get(name)
        if extension is None:
            return
        self._alive.discard(name)
        extension.waiting = None
        if self._output is not None:
            self._output.drain()
        if self._phase is not None:
            self._phase.exited(name)
            return
        if how.exec_errno is not None:
            self._launch_failed(extension, _LAUNCH_ERRORS.get(how.exec_errno, "UnknownError"))
        self._broken(extension, failures.extension_end(name, how))

    def _launch_failed(self, extension: Extension, error_type: str) -> None:
        extension.state = ExtensionState.LAUNCH_ERROR
        extension.error_type = error_type

    def _broken(self, extension: Extension, reason: str) -> None:
        error_type = extension.failure
        extension.advance(ExtensionState.EXITED, extension.name)

        def failure(request_id: str) -> FunctionError:
            return failures.extension_failed(request_id, error_type, reason)

        self._report(failure)
        self._host.broken(failure)

    async def shut_down(self, reason: str) -> None:
        """The shutdown phase; whoever asks for it again waits for the same. What lives then is killed with the sandbox."""
        if self._ending is None:
            self._report(self._timed_out if reason == "timeout" else None)
            self._ending = asyncio.get_running_loop().create_task(self._shut_down(reason))
        await asyncio.shield(self._ending)

    async def _shut_down(self, reason: str) -> None:
        if self._alive or self._internal:
            processes, alive = self._host.sandbox.extensions, self._runtime_alive
            external = self._external.values()
            self._phase = ShutdownPhase(reason, external, self._alive, alive, processes, self._clock)
            flushing = asyncio.get_running_loop().create_task(self._telemetry.flush())
            await self._phase.run(flushing)
            flushing.cancel()

    def rest(self) -> bool:
        """The environment is about to be frozen. False: something is on its way to a subscriber."""
        return self._telemetry.rest()

    def close(self) -> None:
        """What they have printed last is taken; nothing is heard of them any more."""
        self._host.sandbox.extensions.on_exit = None
        if self._output is not None:
            self._output.close()
            self._output = None
        self._capture.listen(None)
        self._telemetry.close()
