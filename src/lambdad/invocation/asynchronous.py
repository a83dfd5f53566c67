"""Asynchronous invocations: events are committed, then run, and run again until settled.

AWS: docs.aws.amazon.com/lambda/latest/dg/invocation-async.html. An event is accepted when it is durable; a worker leases it,
runs it like any synchronous invocation, and settles it. A crash between the two ends the lease with it: at least once.
Destinations and dead-letter queues are not here yet.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from lambdad.clock import Clock
from lambdad.errors import ResourceNotFoundException, ServiceError
from lambdad.invocation.invoke import Functions, Invoker
from lambdad.invocation.retries import Failure, GiveUp, Patience, decide, patience_of
from lambdad.resources.function import LATEST, FunctionKey
from lambdad.resources.invocation import InvocationResult, Outcome
from lambdad.store.queue import Event, EventQueue

log = logging.getLogger(__name__)

_CONCURRENT = 64
"""Events in flight at once: each holds one environment, and synchronous callers need some too."""
_LONGEST_SLEEP = 3600.0


class Asynchronous:
    def __init__(
        self,
        queue: EventQueue,
        functions: Functions,
        invoker: Invoker,
        clock: Clock,
        logged: Callable[[], Awaitable[None]],
    ) -> None:
        """`logged`: what an attempt has logged is durable when it returns."""
        self._queue = queue
        self._functions = functions
        self._logged = logged
        self._invoker = invoker
        self._clock = clock
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
    ) -> None:
        """Durable when it returns. Whether the target exists has been checked; an alias is resolved at each attempt."""
        now = self._clock.now()
        await self._queue.append(
            Event(
                request_id=request_id,
                key=key,
                qualifier=qualifier,
                payload=payload,
                client_context=client_context,
                trace_id=trace_id,
                accepted_at=now,
                due_at=now,
            )
        )
        self._wake.set()

    def start(self) -> None:
        """What an earlier server left is due like anything else."""
        self._loop_task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            free = _CONCURRENT - len(self._running)
            leased = await self._queue.lease(self._clock.now(), free) if free else []
            for event in leased:
                task = asyncio.get_running_loop().create_task(self._attempt(event))
                self._running.add(task)
                task.add_done_callback(self._attempt_done)
            if not leased:
                await self._sleep()

    async def _sleep(self) -> None:
        """Until something is due, is accepted, or a worker is free again."""
        due = await self._queue.next_due()
        limit = _LONGEST_SLEEP if due is None else max(due - self._clock.now(), 0.0)
        if len(self._running) >= _CONCURRENT:
            limit = _LONGEST_SLEEP
        try:
            await asyncio.wait_for(self._wake.wait(), min(limit, _LONGEST_SLEEP))
        except TimeoutError:
            return

    def _attempt_done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("an asynchronous invocation could not be settled; it will run again", exc_info=error)

    async def _attempt(self, event: Event) -> None:
        failure = await self._invoke(event)
        await self._logged()
        if failure is None:
            await self._queue.settle(event)
            return
        decision = decide(
            failure,
            self._patience(event),
            now=self._clock.now(),
            accepted=event.accepted_at,
            errors=event.errors,
            throttles=event.throttles,
        )
        if isinstance(decision, GiveUp):
            log.warning("event %s of %s is given up: %s", event.request_id, event.key.arn, decision.condition)
            await self._queue.settle(event)
        else:
            await self._queue.reschedule(event, decision.due, decision.errors, decision.throttles)

    def _patience(self, event: Event) -> Patience:
        function = self._functions.get(event.key)
        return patience_of(function.event_invoke_configs.get(event.qualifier or LATEST) if function else None)

    async def _invoke(self, event: Event) -> Failure | None:
        """None when it succeeded, or can never succeed because the function is gone."""
        answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
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
            )
        except ResourceNotFoundException:
            log.warning("event %s: its function %s is gone", event.request_id, event.key.arn)
            return None
        except ServiceError:
            return Failure.PLATFORM
        outcome = await answered
        if not isinstance(outcome, InvocationResult):
            return Failure.PLATFORM
        return Failure.FUNCTION if outcome.function_error is not None else None

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
