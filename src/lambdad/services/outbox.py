"""What a change of somebody's sends away: deliveries and functions' events that are committed with it, or not at all.

A message to a queue of ours is in the queue with that commit: nothing is left to be delivered.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import apsw

from lambdad.aws.targets import of_attempt
from lambdad.invocation.asynchronous import Asynchronous
from lambdad.invocation.deliverer import Deliverer
from lambdad.services.sqs.sqs import Queued, Sqs
from lambdad.store.deliveries import Deliveries, Delivery
from lambdad.store.queue import Event, EventQueue


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Numbered: ready to be inserted."""

    deliveries: Sequence[Delivery] = ()
    events: Sequence[Event] = ()
    messages: Sequence[Queued] = ()


class Outbox:
    """`numbered`, then `insert` in the transaction, then `committed`."""

    def __init__(
        self,
        queue: EventQueue,
        deliveries: Deliveries,
        deliverer: Deliverer,
        asynchronous: Asynchronous,
        queues: Sqs | None,
    ) -> None:
        """`queues`: None, if they are another endpoint's."""
        self._queue = queue
        self._deliveries = deliveries
        self._deliverer = deliverer
        self._asynchronous = asynchronous
        self._queues = queues

    def numbered(self, deliveries: Sequence[Delivery], events: Sequence[Event]) -> Outgoing:
        left: list[Delivery] = []
        messages: list[Queued] = []
        for delivery in deliveries:
            queued = self._queues.queued(of_attempt(delivery)) if self._queues is not None else None
            if queued is not None:
                messages.append(queued)
            else:
                left.append(delivery)  # to another service, or to be refused
        return Outgoing(self._deliveries.numbered(left), self._queue.numbered(events), messages)

    def insert(self, connection: apsw.Connection, outgoing: Outgoing) -> None:
        for delivery in outgoing.deliveries:
            self._deliveries.insert(connection, delivery)
        for event in outgoing.events:
            self._queue.insert(connection, event)
        for queued in outgoing.messages:
            assert self._queues is not None
            self._queues.insert(connection, queued)

    def committed(self, outgoing: Outgoing) -> None:
        """On their way from now on."""
        if outgoing.deliveries:
            self._deliverer.wake()
        for event in outgoing.events:
            self._asynchronous.accepted(event)
        for queued in outgoing.messages:
            assert self._queues is not None
            self._queues.arrived(queued)
