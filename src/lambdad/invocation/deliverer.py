"""Supervisor: brings what became of events to destinations and dead-letter queues.

It acts on what is committed, and at start on whatever an earlier server left. A target that cannot be reached is tried again for
an hour, or as a rule or schedule says; one that refuses is not: both are logged and counted when they are given up. A target that
does not answer holds up no other: one delivery at a time asks whether it is back.
AWS: docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

import asyncio
import logging
from collections import Counter
from typing import Protocol

from lambdad.aws.targets import TargetRefused, TargetUnavailable
from lambdad.clock import Clock
from lambdad.errors import AccessDeniedException, InvalidParameterValueException, ResourceNotFoundException
from lambdad.ids import new_uuid
from lambdad.invocation.destinations import (
    Settled,
    dead_letter_queue_of,
    destination_of,
    to_dead_letter_queue,
    to_destination,
)
from lambdad.invocation.invoke import Functions
from lambdad.invocation.routing import version_of
from lambdad.invocation.undelivered import Failed, dead_letter_of, exhausted
from lambdad.observability.metrics import Metrics
from lambdad.resources.arn import find_function_arn, qualifier_of
from lambdad.resources.function import LATEST, Function, FunctionVersion
from lambdad.resources.policy_evaluation import lets_account
from lambdad.resources.quotas import QUOTAS
from lambdad.resources.tenancy import check_tenant
from lambdad.store.database import WRITE_FAILED
from lambdad.store.deliveries import Deliveries, Delivery
from lambdad.store.queue import Event

log = logging.getLogger(__name__)

_INVOKE = "lambda:InvokeFunction"
_CONCURRENT = 32
_OF_ONE_TARGET = 4
_LONGEST_WAIT = 60.0
"""Seconds between two attempts, at most; they double from one."""
_COUNTED = {"destination": "destination_delivery_failures", "dead_letter": "dead_letter_errors"}
"""An alarm's notification is no function's."""


class Targets(Protocol):
    async def send(self, delivery: Delivery) -> None:
        """Raises TargetRefused, TargetUnavailable."""


class Deliverer:
    def __init__(
        self, deliveries: Deliveries, functions: Functions, targets: Targets, metrics: Metrics, clock: Clock
    ) -> None:
        self._deliveries = deliveries
        self._functions = functions
        self._targets = targets
        self._metrics = metrics
        self._clock = clock
        self._taken: dict[int, str] = {}
        """Their targets."""
        self._silent: set[str] = set()
        """Targets of which the last that was heard is that they are out of reach."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._loop_task: asyncio.Task[None] | None = None
        self._stopping = False

    # --- What is to be delivered ----------------------------------------------------------------------------------------

    def targets(self, function: Function | None, event: Event, settled: Settled) -> list[tuple[str, str]]:
        """(kind, ARN) of those that are to be told."""
        if function is None:
            return []
        destination = destination_of(function, event, settled)
        queue = dead_letter_queue_of(_version_of(function, event, settled), settled)
        found = (("destination", destination), ("dead_letter", queue))
        return [(kind, arn) for kind, arn in found if arn]

    def of_settled(
        self, function: Function | None, event: Event, settled: Settled, now: float
    ) -> tuple[list[Delivery], list[Event]]:
        """What is to be sent, and what becomes an event of another function here."""
        deliveries, events = [], []
        for kind, target in self.targets(function, event, settled):
            if kind == "dead_letter":
                deliveries.append(to_dead_letter_queue(event, target, settled, now))
                continue
            delivery = to_destination(event, target, settled, now)
            if ":lambda:" not in target:
                deliveries.append(delivery)
            elif (new := self._event_of(delivery, now)) is not None:
                events.append(new)
        return deliveries, events

    def _event_of(self, delivery: Delivery, now: float) -> Event | None:
        """A function as destination is one of ours."""
        key, qualifier = find_function_arn(delivery.target), qualifier_of(delivery.target)
        try:
            if key is None:
                raise ResourceNotFoundException.function(delivery.target)
            function = self._functions.get(key)
            check_tenant(version_of(key, function, qualifier), None)
            statements = function.policies.get(qualifier or LATEST, ()) if function is not None else ()
            account = delivery.key.account
            if key.account != account and not lets_account(statements, account, _INVOKE):
                raise AccessDeniedException.action(account, _INVOKE, delivery.target)
        except (ResourceNotFoundException, AccessDeniedException, InvalidParameterValueException) as error:
            self._gave_up(delivery, error.message)
            return None
        if len(delivery.body) > QUOTAS.asynchronous_payload:
            self._gave_up(delivery, f"the record is larger than {QUOTAS.asynchronous_payload} bytes")
            return None
        return Event(
            request_id=new_uuid(),
            key=key,
            qualifier=qualifier,
            payload=delivery.body,
            client_context=None,
            trace_id=delivery.context["trace_id"],
            accepted_at=now,
            due_at=now,
        )

    # --- Delivering -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._loop_task = asyncio.get_running_loop().create_task(self._run())

    def wake(self) -> None:
        """Something was committed."""
        self._wake.set()

    async def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            free = _CONCURRENT - len(self._taken)
            found: list[Delivery] = []
            due: float | None = None
            if free:
                found, due = await self._due(free)
            for delivery in found:
                self._taken[delivery.id] = delivery.target
                task = asyncio.get_running_loop().create_task(self._deliver(delivery))
                self._tasks.add(task)
                task.add_done_callback(self._delivered)
            if not found:
                await self._sleep(due)

    async def _due(self, most: int) -> tuple[list[Delivery], float | None]:
        now = self._clock.now()
        busy = Counter(self._taken.values())
        crowded = frozenset(target for target, count in busy.items() if count >= self._room(target))
        try:
            found, due = await self._deliveries.due(now, frozenset(self._taken), crowded, most)
        except WRITE_FAILED as error:
            log.error("what is to be delivered could not be read: %r", error)
            return [], now + _LONGEST_WAIT
        taken = []
        for delivery in found:
            if busy[delivery.target] < self._room(delivery.target):
                busy[delivery.target] += 1
                taken.append(delivery)
        return taken, due

    def _room(self, target: str) -> int:
        return 1 if target in self._silent else _OF_ONE_TARGET

    async def _sleep(self, due: float | None) -> None:
        limit = None if due is None else max(due - self._clock.now(), 0.01)
        try:
            await asyncio.wait_for(self._wake.wait(), limit)
        except TimeoutError:
            return

    def _delivered(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a delivery could not be settled; it will be tried again", exc_info=error)

    async def _deliver(self, delivery: Delivery) -> None:
        wait = _LONGEST_WAIT  # what fails unexpectedly is due all the time
        try:
            await self._attempt(delivery)
            wait = 0.0
        except WRITE_FAILED as error:
            log.error("what became of event %s could not be settled: %r", delivery.request_id, error)
        finally:
            asyncio.get_running_loop().call_later(wait, self._free, delivery.id)

    def _free(self, number: int) -> None:
        del self._taken[number]
        self._wake.set()

    async def _attempt(self, delivery: Delivery) -> None:
        try:
            await self._targets.send(delivery)
            self._silent.discard(delivery.target)
        except TargetUnavailable as error:
            self._silent.add(delivery.target)
            now = self._clock.now()
            due = now + min(2.0**delivery.attempts, _LONGEST_WAIT)
            condition = exhausted(delivery, due - delivery.begun_at)
            if condition is None:
                log.warning("event %s: %s is tried again: %s", delivery.request_id, delivery.target, error)
                await self._deliveries.postpone(delivery, due)
                return
            self._silent.discard(delivery.target)  # it may have been the last
            await self._give_up(delivery, Failed(error.code, error.message), condition)
        except TargetRefused as error:
            self._silent.discard(delivery.target)
            await self._give_up(delivery, Failed(error.code, error.message), None)
        else:
            await self._deliveries.done(delivery)

    async def _give_up(self, delivery: Delivery, failed: Failed, condition: str | None) -> None:
        """Its dead-letter queue is sent it instead, if there is one."""
        self._gave_up(delivery, failed.message)
        letter = dead_letter_of(delivery, failed, condition, self._clock.now())
        await self._deliveries.done(delivery, letter)
        if letter is not None:
            self._wake.set()

    def _gave_up(self, delivery: Delivery, why: str) -> None:
        if delivery.kind in _COUNTED:
            self._metrics.count(_COUNTED[delivery.kind], delivery.key, None)
        log.error("what became of event %s was not delivered to %s: %s", delivery.request_id, delivery.target, why)

    async def close(self) -> None:
        """What is on its way arrives, or is tried again by the next server."""
        self._stopping = True
        self._wake.set()
        if self._loop_task is not None:
            await self._loop_task
        if self._tasks:
            await asyncio.wait(list(self._tasks))


def _version_of(function: Function, event: Event, settled: Settled) -> FunctionVersion | None:
    """The one that ran, or that would have; $LATEST where its alias or itself has been deleted: somebody is to be told."""
    if settled.result is not None:
        return function.versions.get(settled.result.executed_version)
    try:
        return version_of(function.key, function, event.qualifier)
    except ResourceNotFoundException:
        return function.latest
