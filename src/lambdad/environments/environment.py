"""One execution environment: init, invoke, freeze, thaw, reset, shutdown.

AWS: docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html. The Runtime API (`runtime_api.py`) calls the
`runtime_…` methods; the pool calls `begin_init`, `invoke`, `freeze`, `shutdown`. Everything happens on the event loop, in
callbacks: a warm invocation awaits nothing and makes no task.
"""

import logging
from collections.abc import Callable

from lambdad.clock import Clock
from lambdad.environments import failures
from lambdad.environments.blueprint import Blueprint, Owner
from lambdad.environments.extensions import Extensions
from lambdad.environments.failures import FunctionError
from lambdad.environments.initialization import Init, Initialization, initialization_of
from lambdad.environments.invocation_log import InvocationLog
from lambdad.environments.log_capture import LogCapture
from lambdad.environments.next_event import next_head
from lambdad.environments.response_stream import LAST_WORDS, ResponseStream
from lambdad.environments.states import State, advance
from lambdad.environments.tasks import Tasks
from lambdad.environments.time_limit import TimeLimit
from lambdad.errors import ServiceError, ServiceException
from lambdad.http.exchange import Exchange
from lambdad.resources.function import FunctionVersion
from lambdad.resources.invocation import Invocation, InvocationResult
from lambdad.sandbox.driver import Exit, Sandbox

log = logging.getLogger(__name__)


class Environment:
    """States and who may change them: `states.py`. `busy` is true from `invoke` until the answer."""

    __slots__ = (
        "_blueprint",
        "_capture",
        "_clock",
        "_initialization",
        "_invocation",
        "_log",
        "_next",
        "_owner",
        "_stream",
        "_tasks",
        "_time",
        "detach",
        "extensions",
        "idle_since",
        "log_stream",
        "retired",
        "sandbox",
        "state",
    )

    def __init__(
        self,
        blueprint: Blueprint,
        sandbox: Sandbox,
        owner: "Owner[Environment]",
        clock: Clock,
        log_stream: str,
        capture: LogCapture,
    ) -> None:
        self._blueprint = blueprint
        self.sandbox = sandbox
        self._owner = owner
        self._clock = clock
        self.log_stream = log_stream
        self._capture = capture
        self._log = InvocationLog(blueprint, self._capture, sandbox, clock)
        self._capture.open()
        sandbox.on_exit = self._runtime_exited
        self.state = State.DOWN
        self.idle_since = 0.0
        self.retired = False
        self.detach: Callable[[], None] = lambda: None
        """Called before the sandbox is destroyed: nobody may listen on its sockets any more."""
        self._next: Exchange | None = None
        self._invocation: Invocation | None = None
        self._time = TimeLimit(clock)
        self._initialization: Initialization = Init(blueprint, self._capture, clock, "init")
        self._stream: ResponseStream | None = None
        self._tasks = Tasks()
        self.extensions: Extensions | None = None
        """Those of the runtime process that runs; None: it has none."""

    @property
    def version(self) -> FunctionVersion:
        return self._blueprint.version

    @property
    def provisioned(self) -> bool:
        return self._blueprint.provisioned

    @property
    def only_starting(self) -> bool:
        return self.state is State.INIT and self._invocation is None

    @property
    def held_mb(self) -> int:
        """What it holds while idle, as far as it was measured."""
        return self._log.used_mb

    def begin_init(self, phase: str = "init") -> None:
        """Start the runtime process. `phase`: `init`, or `invoke` when an invocation pays for it (suppressed init)."""
        self.state = advance(self.state, State.INIT)
        self._initialization = initialization_of(self._blueprint, self._capture, self._clock, phase)
        if phase == "init":
            self._initialization.begin(self.log_stream)
            self._time.set(self._initialization.limit, self._init_failed, "timeout", None)
        self._time.started = self._clock.monotonic()
        external = self._blueprint.extensions
        self.extensions = self.new_extensions(external) if external else None
        self._initialization.start(self.sandbox, self.log_stream)
        if self.extensions is not None:
            self.extensions.watch()

    def new_extensions(self, names: tuple[str, ...] = ()) -> Extensions:
        """For those that are started beside the runtime process, or when the first registers from within it."""
        about = self._blueprint, self._capture, self._log, self._time, self._initialization, names
        self.extensions = Extensions(self, *about)
        return self.extensions

    def _init_done(self) -> None:
        self.state = advance(self.state, State.IDLE)
        if self._initialization.phase == "init":
            self._log.cold_start = self._initialization.done(self._time.elapsed_ms())
            self._time.cancel()
        if self.extensions is not None:
            self.extensions.init_done()
        if self._invocation is not None:
            self._deliver(restart_clock=self._initialization.phase == "init")
        else:
            self._capture.publish()
            self._owner.environment_ready(self)

    def _init_failed(self, status: str, error: FunctionError | None) -> None:
        """In the Init phase: reset, and once more as part of the waiting invocation. In the Invoke phase: its answer."""
        if self._initialization.phase == "init":
            self._time.cancel()
        self._capture.finish()
        if self.extensions is not None:
            self.extensions.init_failed(status, error.error_type if error is not None else None)
        refusal = self._initialization.failed(self._time.elapsed_ms(), status, error)
        if refusal is not None:
            self.shutdown(refusal)
            return
        if self._initialization.phase == "invoke" and error is not None and self._invocation is not None:
            self._log.started(self._invocation, self._clock.now())
            self._fail(error)
            return
        self._capture.publish()
        self._reset("timeout" if status == "timeout" else "failure")

    def invoke(self, invocation: Invocation) -> None:
        """Give it an event; `invocation.done` is called once, whatever happens. Not while it has another."""
        self._invocation = invocation
        if invocation.wants_tail:
            self._capture.begin_tail()  # it begins anew when the event is delivered: here for an init that fails
        if self.state is State.IDLE:
            self._deliver(restart_clock=True)
        elif self.state is State.FROZEN:
            self.sandbox.thaw()
            self.state = advance(self.state, State.IDLE)
            self._deliver(restart_clock=True)
        elif self.state is State.DOWN:
            self._time.set(self.version.timeout, self._function_timed_out)
            self.begin_init("invoke")
        # In INIT it is delivered when the runtime asks; in RESETTING when that is over.

    def _deliver(self, restart_clock: bool) -> None:
        """The event goes out on the waiting /next. With `restart_clock` the function's time begins now."""
        invocation, exchange, self._next = self._invocation, self._next, None
        assert invocation is not None
        self.state = advance(self.state, State.INVOKING)
        now = self._clock.now()
        if invocation.wants_tail:
            self._capture.begin_tail()
        self._log.started(invocation, now)
        if restart_clock:
            self._time.set(self.version.timeout, self._function_timed_out)
            self._time.started = self._clock.monotonic()
        deadline = now + self.version.timeout - (self._clock.monotonic() - self._time.started)
        if self.extensions is not None:
            self.extensions.deliver(invocation, deadline)
        if exchange is not None and not exchange.closed:  # else it hung up: its exit is on the way, or time is up
            exchange.respond_raw(next_head(invocation, deadline), invocation.payload)

    def _function_timed_out(self) -> None:
        invocation = self._invocation
        if invocation is None:  # it has answered, and its runtime does not ask for the next event
            log.warning("a runtime of %s works on after its answer: it is ended", self.version.qualified_arn)
            self._reset("timeout")
            return
        self._capture.finish()
        error = failures.timed_out(invocation.request_id, self.version.timeout, self._clock.now())
        if self.state is State.INIT:  # which this invocation paid for
            self._init_failed("timeout", error)
        else:
            self._fail(error)

    def _fail(self, error: FunctionError) -> None:
        """The invocation ends with the platform's word; the environment is reset."""
        self._finish(error.payload, "Unhandled", error)
        self._reset("timeout" if error.status == "timeout" else "failure")
        self._owner.environment_answered(self)

    def _finish(self, payload: bytes, function_error: str | None, error: FunctionError | None = None) -> None:
        """Answer first, log after; but a wanted tail must be complete before."""
        invocation, self._invocation = self._invocation, None
        assert invocation is not None
        duration_ms = self._time.elapsed_ms()
        stream, self._stream = self._stream, None
        produced = stream.size if stream is not None else len(payload)
        ended = self._log.ended if self.extensions is None else self.extensions.answered(produced)
        if stream is not None:
            stream.cut()
        tail = None
        if invocation.wants_tail:
            ended(invocation.request_id, duration_ms, error, produced)
            tail = self._capture.end_tail()
        executed, trace_id = self.version.version, invocation.trace_id
        invocation.done(InvocationResult(payload, executed, function_error, tail, duration_ms, trace_id))
        if tail is None:
            ended(invocation.request_id, duration_ms, error, produced)
        self._capture.publish()

    def runtime_next(self, exchange: Exchange) -> bool:
        """GET /next: it waits for an event. False: not allowed in this state."""
        if self.extensions is not None and not self.extensions.all_ask(exchange):
            return True  # it is asked again when the last of them asks, too
        if self.state is State.INIT:
            self._next = exchange
            self._init_done()
        elif self.state is State.ANSWERED:
            self._next = exchange
            self._time.cancel()
            self.state = advance(self.state, State.IDLE)
            self._owner.environment_ready(self)
        elif self.state is State.IDLE:  # asked again (after its connection broke): the newest one counts
            self._next = exchange
        else:
            return False
        return True

    def current_request(self, request_id: bytes) -> bool:
        """Is this the invocation it was given and has not answered?"""
        invocation = self._invocation
        return self.state is State.INVOKING and invocation is not None and invocation.request_id.encode() == request_id

    def runtime_response(self, payload: bytes) -> bool:
        """POST /response. False: too large, and the invocation has been answered with that."""
        assert self._invocation is not None
        limit = self._blueprint.response_limit
        self.state = advance(self.state, State.ANSWERED)
        if len(payload) > limit:
            error = failures.response_too_large(len(payload), limit)
            self._finish(error.payload, "Unhandled", error)
        else:
            self._finish(payload, None)
        self._owner.environment_answered(self)
        return len(payload) <= limit

    @property
    def streaming(self) -> bool:
        """The answer is on its way: nothing else may be said of this invocation."""
        return self._stream is not None

    def runtime_streams(self, exchange: Exchange, answered: Callable[[Exchange, bool], None]) -> None:
        """POST /response, piece by piece; `answered(exchange, accepted)` at its end."""
        invocation = self._invocation
        assert invocation is not None
        limit = self._blueprint.response_limit if invocation.sink is None else self._blueprint.stream_limit

        def over(collected: bytes, error: FunctionError | None) -> None:
            if error is not None and exchange.closed:  # it broke off: the runtime's end, which says more, may be near
                self._time.cancel()
                self._time.set(LAST_WORDS, self._fail, error)
                return
            self.state = advance(self.state, State.ANSWERED)
            self._finish(collected if error is None else error.payload, "Unhandled" if error else None, error)
            self._owner.environment_answered(self)
            answered(exchange, error is None or error.from_function)

        self._stream = ResponseStream(exchange, invocation.sink, self.version.version, limit, over, self._log.streamed)

    def runtime_error(self, payload: bytes) -> None:
        """POST /error: the function's own error document."""
        self.state = advance(self.state, State.ANSWERED)
        self._finish(payload, "Unhandled")
        self._owner.environment_answered(self)

    def runtime_init_error(self, payload: bytes, error_type: str) -> bool:
        """POST /init/error. The runtime ends itself after it; AWS does not wait for that."""
        if self.state is not State.INIT:
            return False
        self._init_failed("error", FunctionError(payload, error_type))
        return True

    def runtime_resumed(self) -> bool:
        """GET /restore/next: who asks it here is restored, or needs not to be. False: not allowed in this state."""
        self._initialization.resumed(self._time.elapsed_ms())
        return self.state is State.INIT

    def _runtime_exited(self, how: Exit) -> None:
        if how.setup_error is not None:
            self._sandbox_failed(how.setup_error)
            return
        if self.extensions is not None:
            self.extensions.runtime_exited()
        self.broken(lambda request_id: failures.exited(request_id, how, self.streaming))

    def broken(self, failure: Callable[[str], FunctionError]) -> None:
        """A process of it ended that should not have; `failure` of which request."""
        request_id = self._invocation.request_id if self._invocation is not None else ""
        if self.state is State.INIT:
            self._capture.finish()
            self._init_failed("error", failure(request_id))
        elif self.state is State.INVOKING:
            self._capture.finish()
            self._fail(failure(request_id))
        elif self.state in (State.IDLE, State.FROZEN, State.ANSWERED):
            # It ended by itself between two invocations: AWS finds out at the next one, and starts it anew.
            self._capture.finish()
            self._capture.publish()
            self._reset()

    def _sandbox_failed(self, reason: str) -> None:
        log.error("the sandbox of %s could not be made: %s", self.version.qualified_arn, reason)
        self.shutdown()

    def freeze(self) -> bool:
        """Only when idle. False: it is to be asked again. Raises OSError."""
        if self.state is State.IDLE:
            if self.extensions is not None and not self.extensions.rest():
                return False
            self.sandbox.freeze()
            self.state = advance(self.state, State.FROZEN)
        return True

    def _reset(self, reason: str = "failure") -> None:
        """`reason`: as extensions are told it."""
        self._end(State.RESETTING)
        self._tasks.spawn(self._finish_reset(reason))

    def _end(self, state: State) -> None:
        if self.state is State.FROZEN:
            self.sandbox.thaw()
        self.state = advance(self.state, state)
        self._time.cancel()
        self._next = None

    async def _finish_reset(self, reason: str) -> None:
        if self.extensions is not None:
            await self.extensions.shut_down(reason)
        try:
            await self.sandbox.reset()
        except (OSError, TimeoutError) as error:
            self._sandbox_failed(f"reset: {error}")
            return
        if self.state is not State.RESETTING:
            return
        if self.extensions is not None:
            self.extensions.close()
            self.extensions = None
        self._capture.finish()
        self._capture.publish()
        self.state = advance(self.state, State.DOWN)
        if self.retired and self._invocation is None:
            self.shutdown()
        elif self._invocation is not None:
            self._time.set(self.version.timeout, self._function_timed_out)
            self.begin_init("invoke")
        else:
            self._owner.environment_ready(self)

    def shutdown(self, error: ServiceError | None = None) -> None:
        """End everything in it. An invocation it still has is answered with an error. Idempotent."""
        if self.state is State.DEAD:
            return
        self._end(State.DEAD)
        if self._stream is not None:
            self._stream.cut()
        invocation, self._invocation = self._invocation, None
        if invocation is not None:
            invocation.done(error or ServiceException.internal())
        self._tasks.spawn(self._destroy())

    async def _destroy(self) -> None:
        try:
            if self.extensions is not None:
                await self.extensions.shut_down("spindown")
                self.extensions.close()
            self.detach()
            self._capture.close()
            await self.sandbox.destroy()
        finally:
            self._owner.environment_gone(self)
