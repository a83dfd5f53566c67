"""What a change of somebody's sends away: deliveries and functions' events that are committed with it, or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass

import apsw

from lambdad.invocation.asynchronous import Asynchronous
from lambdad.invocation.deliverer import Deliverer
from lambdad.store.deliveries import Deliveries, Delivery
from lambdad.store.queue import Event, EventQueue


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Numbered: ready to be inserted."""

    deliveries: Sequence[Delivery] = ()
    events: Sequence[Event] = ()


class Outbox:
    """`numbered`, then `insert` in the transaction, then `committed`."""

    def __init__(
        self, queue: EventQueue, deliveries: Deliveries, deliverer: Deliverer, asynchronous: Asynchronous
    ) -> None:
        self._queue = queue
        self._deliveries = deliveries
        self._deliverer = deliverer
        self._asynchronous = asynchronous

    def numbered(self, deliveries: Sequence[Delivery], events: Sequence[Event]) -> Outgoing:
        return Outgoing(self._deliveries.numbered(deliveries), self._queue.numbered(events))

    def insert(self, connection: apsw.Connection, outgoing: Outgoing) -> None:
        for delivery in outgoing.deliveries:
            self._deliveries.insert(connection, delivery)
        for event in outgoing.events:
            self._queue.insert(connection, event)

    def committed(self, outgoing: Outgoing) -> None:
        """On their way from now on."""
        if outgoing.deliveries:
            self._deliverer.wake()
        for event in outgoing.events:
            self._asynchronous.accepted(event)
