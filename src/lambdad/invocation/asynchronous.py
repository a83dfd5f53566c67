"""Asynchronous invocations: events are committed, then run, and run again until settled.

AWS: docs.aws.amazon.com/lambda/latest/dg/invocation-async.html. An event is accepted when it is durable; a worker leases it,
runs it like any synchronous invocation, and settles it together with what is to be delivered of it. A crash in between ends the
lease with it: at least once. One that nothing waits before is run at once, without being read again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from lambdad.clock import Clock
from lambdad.errors import (
    InvalidParameterValueException,
    RecursiveInvocationException,
    ResourceNotFoundException,
    ServiceError,
    TooManyRequestsException,
)
from lambdad.invocation.backlog import MOST, Backlog
from lambdad.invocation.deliverer import Deliverer
from lambdad.invocation.destinations import SUCCESS, Settled
from lambdad.invocation.invoke import Functions, Invoker
from lambdad.invocation.retries import Failure, GiveUp, Patience, decide, expired, patience_of
from lambdad.observability.metering import Metering
from lambdad.observability.metrics import Metrics
from lambdad.resources.function import LATEST, Function, FunctionKey
from lambdad.resources.invocation import InvocationResult, Outcome
from lambdad.resources.lambda_segments import Accepted
from lambdad.resources.tenancy import check_tenant
from lambdad.store.database import WRITE_FAILED
from lambdad.store.queue import Event, EventQueue

log = logging.getLogger(__name__)

_LEASED = 128
"""Events that are read at once."""
_BYTES = 64 * 1024 * 1024
"""Their payloads in all."""
_LONGEST_SLEEP = 3600.0
_LEASE_WAIT = 5.0
"""Seconds until a queue that could not be read is asked again."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    failure: Failure | None
    result: InvocationResult | None = None
    condition: str | None = None
    """Why there is no use in another attempt."""


class Asynchronous:
    def __init__(
        self,
        queue: EventQueue,
        functions: Functions,
        invoker: Invoker,
        deliverer: Deliverer,
        metrics: Metrics,
        clock: Clock,
        logged: Callable[[], Awaitable[None]],
        retry_wait: float,
        metering: Metering,
    ) -> None:
        """`logged`: what an attempt has logged is durable when it returns. `retry_wait`: seconds after a first error."""
        self._queue = queue
        self._functions = functions
        self._invoker = invoker
        self._deliverer = deliverer
        self._metrics = metrics
        self._clock = clock
        self._logged = logged
        self._retry_wait = retry_wait
        self._metering = metering
        # Each holds one execution, and synchronous callers need some, too.
        self._backlog = Backlog(max(MOST, invoker.concurrency_limit // 2), _BYTES)
        self._wake = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._loop_task: asyncio.Task[None] | None = None
        self._stopping = False

    async def accept(
        self,
        key: FunctionKey,
        qualifier: str | None,
        payload: bytes,
        request_id: str,
        client_context: str | None,
        trace_id: str | None,
        tenant_id: str | None = None,
    ) -> str:
        """Durable when it returns: the tracing header that it will have.

        Whether the target exists has been checked; an alias is resolved at each attempt. Raises InvalidParameterValueException.
        """
        check_tenant(self._invoker.version_of(key, qualifier), tenant_id)
        now = self._clock.now()
        event = Event(
            request_id=request_id,
            key=key,
            qualifier=qualifier,
            payload=payload,
            client_context=client_context,
            trace_id=self._invoker.trace_of(key, qualifier, trace_id),
            accepted_at=now,
            due_at=now,
            tenant_id=tenant_id,
        )
        event = await self._queue.append(event)
        self._count_accepted(event)
        if self._runs_at_once(event):
            self._queue.take(event)
            self._run_leased(event)
        else:
            self._plan(event)
        return event.trace_id or ""

    def accepted(self, event: Event) -> None:
        """It is durable, by somebody else's change."""
        self._count_accepted(event)
        self._plan(event)

    def _count_accepted(self, event: Event) -> None:
        self._metrics.count("async_events_received", event.key, event.qualifier)
        if (function := self._functions.get(event.key)) is not None:
            self._metering.accepted(function.latest, len(event.payload))

    def _runs_at_once(self, event: Event) -> bool:
        """Then it counts as being run. Whoever calls this has just seen it committed: no lease can have brought it yet."""
        if self._loop_task is None or self._stopping:
            return False
        return self._backlog.begin(event.key, event.accepted_at, len(event.payload))

    def _plan(self, event: Event) -> None:
        self._backlog.added(event.key, event.due_at)
        self._wake.set()

    def start(self) -> None:
        """What an earlier server left is due like anything else."""
        for key, due in self._queue.functions():
            self._backlog.added(key, due)
        self._loop_task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            turn = self._backlog.turn(self._clock.now())
            if turn is None:
                await self._sleep()
                continue
            key, most, slow = turn
            try:
                await self._lease(key, min(most, _LEASED), self._backlog.room_for_bytes(key), slow)
            except WRITE_FAILED as error:
                log.error("no events of %s could be taken: %r", key.arn, error)
                self._backlog.leased(key, 0, self._clock.now() + _LEASE_WAIT)

    async def _lease(self, key: FunctionKey, most: int, room: int, slow: bool) -> None:
        """Of a function that is slowed down those that are too old to be run at all go, too."""
        now = self._clock.now()
        leased = await self._queue.lease(key, now, _LEASED if slow else most, room)
        taken, due = leased.events, leased.next_due
        if slow:
            old = [event for event in taken if expired(now, event.accepted_at, self._patience(event))]
            fresh = [event for event in taken if event not in old]
            taken = [*old, *fresh[:most]]
            for event in fresh[most:]:
                self._queue.give_back(event)
                due = event.due_at if due is None else min(due, event.due_at)
        self._backlog.leased(key, len(taken), due, sum(len(event.payload) for event in taken))
        for event in taken:
            self._run_leased(event)

    def _run_leased(self, event: Event) -> None:
        task = asyncio.get_running_loop().create_task(self._handle(event))
        self._running.add(task)
        task.add_done_callback(self._handled)

    def _handled(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("an event could not be settled; it will run again", exc_info=error)

    async def _sleep(self) -> None:
        """Until something is due, is accepted, or a worker is free again."""
        due = self._backlog.next_turn()
        limit = _LONGEST_SLEEP if due is None else max(due - self._clock.now(), 0.0)
        try:
            await asyncio.wait_for(self._wake.wait(), min(limit, _LONGEST_SLEEP))
        except TimeoutError:
            return

    async def _handle(self, event: Event) -> None:
        """One attempt, and what follows from it."""
        throttled = True  # an event that could not be settled runs again, but not at once
        due: float | None = event.due_at
        took = 0.0
        try:
            throttled, due, took = await self._attempt(event)
        finally:
            self._backlog.finished(event.key, self._clock.now(), throttled, due, took, len(event.payload))
            self._wake.set()

    async def _attempt(self, event: Event) -> tuple[bool, float | None, float]:
        """(was it throttled, when it is due again if it is, seconds that the function took)."""
        patience = self._patience(event)
        began = self._clock.now()
        self._metrics.event_age(event.key, event.qualifier, began - event.accepted_at)
        if expired(began, event.accepted_at, patience):
            await self._settle(event, Settled("EventAgeExceeded", event.errors + event.throttles, None))
            return False, None, 0.0
        attempt = await self._invoke(event)
        await self._logged()
        took = attempt.result.duration_ms / 1000 if attempt.result is not None else 0.0
        throttled = attempt.failure in (Failure.THROTTLE, Failure.SYSTEM)
        attempts = event.errors + event.throttles + 1
        if attempt.failure is None:
            await self._settle(event, Settled(SUCCESS, attempts, attempt.result))
            return False, None, took
        if attempt.condition is not None:
            await self._settle(event, Settled(attempt.condition, attempts, attempt.result))
            return throttled, None, took
        decision = decide(
            attempt.failure,
            patience,
            now=self._clock.now(),
            accepted=event.accepted_at,
            errors=event.errors,
            throttles=event.throttles,
            first_wait=self._retry_wait,
        )
        if isinstance(decision, GiveUp):
            await self._settle(event, Settled(decision.condition, attempts, attempt.result))
            return throttled, None, took
        await self._queue.reschedule(event, decision.due, decision.errors, decision.throttles)
        return throttled, decision.due, took

    def _patience(self, event: Event) -> Patience:
        function = self._functions.get(event.key)
        return patience_of(function.event_invoke_configs.get(event.qualifier or LATEST) if function else None)

    async def _invoke(self, event: Event) -> _Attempt:
        answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        now = self._clock.now()
        try:
            version = await self._invoker.wait_until_ready(event.key, event.qualifier)
            self._invoker.start(
                version,
                event.payload,
                answered.set_result,
                request_id=event.request_id,
                function_arn=f"{event.key.arn}:{event.qualifier}" if event.qualifier else event.key.arn,
                trace_id=event.trace_id,
                client_context=event.client_context,
                accepted=Accepted(event.accepted_at, now, event.errors + event.throttles + 1),
                tenant_id=event.tenant_id,
            )
        except (
            ResourceNotFoundException,
            InvalidParameterValueException,
        ):  # there is another by its name, with tenants
            return _Attempt(Failure.FUNCTION, condition="FunctionNotFound")
        except RecursiveInvocationException:
            return _Attempt(Failure.FUNCTION, condition="RecursiveInvocationDetected")
        except ServiceError:
            return _Attempt(Failure.THROTTLE, condition=self._hopeless(event))
        outcome = await answered
        if not isinstance(outcome, InvocationResult):
            return _Attempt(Failure.THROTTLE if isinstance(outcome, TooManyRequestsException) else Failure.SYSTEM)
        return _Attempt(Failure.FUNCTION if outcome.function_error is not None else None, outcome)

    def _hopeless(self, event: Event) -> str | None:
        """A function without any concurrency is given up at once, if somebody is to be told; else its events wait."""
        function = self._functions.get(event.key)
        if function is None or function.reserved_concurrency != 0:
            return None
        condition = "ZeroReservedConcurrency"
        told = self._deliverer.targets(function, event, Settled(condition, 1, None))
        return condition if told else None

    async def _settle(self, event: Event, settled: Settled) -> None:
        """Done with; in the same transaction what is to be told of it is committed, or becomes an event itself."""
        if settled.condition != SUCCESS:
            self._metrics.count("async_events_dropped", event.key, event.qualifier)
            log.warning("event %s of %s is given up: %s", event.request_id, event.key.arn, settled.condition)
        function = self._functions.get(event.key)
        deliveries, events = self._deliverer.of_settled(function, event, settled, self._clock.now())
        await self._queue.settle(event, deliveries, events)
        if deliveries:
            self._deliverer.wake()
        for new in events:
            self.accepted(new)

    def function_changed(self, key: FunctionKey, before: Function | None, after: Function | None) -> None:
        """A committed change: perhaps of its concurrency."""
        self._backlog.unblock(key)
        self._wake.set()

    async def stop(self) -> None:
        """Take nothing new; what runs is waited for by whoever drains the invocations."""
        self._stopping = True
        self._wake.set()
        if self._loop_task is not None:
            await self._loop_task

    async def finished(self) -> None:
        """Everything in flight is settled."""
        while self._running:
            await asyncio.wait(list(self._running))
