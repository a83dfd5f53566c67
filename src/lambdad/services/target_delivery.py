"""Targets of rules and schedules: what is to be handed to them, made into rows that are committed with whatever caused it.

A function's event goes to the durable queue of asynchronous invocations, as on AWS: its own errors are that queue's business. All
else is a delivery, sent until the target has it or the retry policy is exhausted (`invocation/undelivered.py`). What a target
cannot take from the start (there is no such function, or it does not allow it) goes to the dead-letter queue at once.
AWS: docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html,
docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets.html
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import apsw
import orjson

from lambdad.errors import AccessDeniedException, InvalidRequestContentException, RequestTooLargeException, ServiceError
from lambdad.errors.scheduler import RequestExpired
from lambdad.ids import new_trace_id, new_uuid
from lambdad.invocation.invoke import Functions
from lambdad.invocation.undelivered import AGE_OVER, LONGEST_AGE, MOST_ATTEMPTS, Failed, dead_letter_of
from lambdad.resources.function import FunctionKey
from lambdad.resources.quotas import QUOTAS
from lambdad.services.function_access import invocable
from lambdad.services.outbox import Outbox, Outgoing
from lambdad.store.deliveries import Delivery
from lambdad.store.queue import Event

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    attempts: int = MOST_ATTEMPTS
    """After the first."""
    event_age: int = LONGEST_AGE
    """Seconds."""


ALWAYS_TRIED: Final = RetryPolicy()


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What is sent when the target does not take it."""

    queue: str
    """ARN."""
    body: bytes
    attributes: Mapping[str, str]
    """Those that say where it comes from (RULE_ARN …); why it is there is added."""
    error_codes: Literal["rule", "service"] = "service"
    """Rules have codes of their own (NO_RESOURCE); schedules tell the target service's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """Something for a target."""

    target: str
    """ARN."""
    input: bytes
    sender: str
    """ARN of the rule or schedule: of its account and region."""
    principal: str = ""
    """Who a function's policy must allow to invoke it for the sender; empty: a role answers for it, nothing is checked."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Of the target: MessageGroupId of a FIFO queue, PartitionKey of a stream …: `aws/target_calls.py` reads them."""
    retry: RetryPolicy = ALWAYS_TRIED
    dead_letter: DeadLetter | None = None
    trace_id: str | None = None
    begun_at: float | None = None
    """When it should have been handed over: its age counts from there. None: now."""


class TargetDelivery:
    """`rows`, then `insert` in the transaction, then `committed`."""

    def __init__(self, functions: Functions, outbox: Outbox) -> None:
        self._functions = functions
        self._outbox = outbox

    def rows(self, handovers: Sequence[Handover], now: float) -> Outgoing:
        deliveries: list[Delivery] = []
        events: list[Event] = []
        for handover in handovers:
            row = self._row_of(handover, now)
            if isinstance(row, Event):
                events.append(row)
            elif row is not None:
                deliveries.append(row)
        return self._outbox.numbered(deliveries, events)

    def _row_of(self, handover: Handover, now: float) -> Delivery | Event | None:
        """None: it cannot be handed over, and nobody is to be told."""
        delivery = _delivery_of(handover, now)
        condition = None
        try:
            if now - delivery.begun_at > handover.retry.event_age:
                condition = AGE_OVER
                raise RequestExpired.of_age(handover.retry.event_age)
            if invokes(handover.target):
                return self._event_of(handover, now)
            _check_account(handover)
            return delivery
        except ServiceError as error:
            log.warning("%s: %s is not handed over: %s", handover.sender, handover.target, error.message)
            return dead_letter_of(delivery, Failed(error.code, error.message), condition, now)

    def insert(self, connection: apsw.Connection, rows: Outgoing) -> None:
        self._outbox.insert(connection, rows)

    def committed(self, rows: Outgoing) -> None:
        self._outbox.committed(rows)

    def _event_of(self, handover: Handover, now: float) -> Event:
        """Raises ResourceNotFoundException, AccessDeniedException, RequestTooLargeException, InvalidRequestContentException."""
        account = handover.sender.split(":")[4]
        key, qualifier = invocable(self._functions, handover.target, handover.principal, handover.sender, account)
        if len(handover.input) > QUOTAS.asynchronous_payload:
            raise RequestTooLargeException.invoke(QUOTAS.asynchronous_payload)
        try:
            orjson.loads(handover.input)
        except orjson.JSONDecodeError as error:
            raise InvalidRequestContentException.payload(handover.input, error.pos, error.msg) from error
        return Event(
            request_id=new_uuid(),
            key=key,
            qualifier=qualifier,
            payload=handover.input,
            client_context=None,
            trace_id=handover.trace_id,
            accepted_at=now,
            due_at=now,
        )


def invokes(target: str) -> bool:
    """It is a function: events of it go to the queue of asynchronous invocations."""
    return target.split(":", 3)[2:3] == ["lambda"]


def _check_account(handover: Handover) -> None:
    """It is asked in its own account's name: so it must be the sender's, but for a bus, which has a policy to ask.

    Raises AccessDeniedException.
    """
    parts = handover.target.split(":", 5)
    if parts[2] != "events" and parts[4] not in ("", handover.sender.split(":")[4]):
        raise AccessDeniedException.other_account(handover.sender, handover.target)


def _delivery_of(handover: Handover, now: float) -> Delivery:
    _, _, _, region, account, name = handover.sender.split(":", 5)
    letter = handover.dead_letter
    context = {
        "sender": handover.sender,
        "trace_id": handover.trace_id or new_trace_id(now),
        "parameters": orjson.dumps(handover.parameters).decode(),
        "retry_attempts": str(handover.retry.attempts),
        "event_age": str(handover.retry.event_age),
    }
    if letter is not None:
        context |= {
            "dead_letter_queue": letter.queue,
            "dead_letter_body": letter.body.decode(),
            "dead_letter_attributes": orjson.dumps(letter.attributes).decode(),
            "error_codes": letter.error_codes,
        }
    return Delivery(
        kind="target",
        key=FunctionKey(account, region, name.rpartition("/")[2]),
        request_id=new_uuid(),
        target=handover.target,
        body=handover.input,
        context=context,
        begun_at=now if handover.begun_at is None else handover.begun_at,
        due_at=now,
    )
