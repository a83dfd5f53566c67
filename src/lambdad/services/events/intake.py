"""Events come in: what they cause is committed at once, and then they are accepted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import apsw

from lambdad.aws.event_entries import entry_of
from lambdad.aws.targets import TargetRefused
from lambdad.clock import Clock
from lambdad.errors.events import EntryError, ResourceNotFoundException, ThrottlingException
from lambdad.resources.event_bus import Rule, bus_of_arn
from lambdad.resources.event_document import BusEvent, event_of
from lambdad.services.events.router import Routed, Router, TooMuch
from lambdad.services.outbox import Outgoing
from lambdad.services.target_delivery import TargetDelivery
from lambdad.store.database import Database
from lambdad.store.deliveries import Delivery
from lambdad.store.event_archives import ArchivedEvent, ArchivedEvents


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is to be committed of some events."""

    outgoing: Outgoing
    archived: Sequence[ArchivedEvent]


class Intake:
    def __init__(
        self, router: Router, delivery: TargetDelivery, archived: ArchivedEvents, database: Database, clock: Clock
    ) -> None:
        self.router = router
        self._delivery = delivery
        self._archived = archived
        self._database = database
        self._clock = clock

    async def take(self, events: Sequence[BusEvent]) -> None:
        """Durable when it returns, whatever is to be done about them. Raises TooMuch."""
        routed = self.router.route(events)
        if routed.handovers or routed.archived:
            await self._commit(routed, lambda connection: None)

    async def fire(self, rule: Rule, event: BusEvent, also: Callable[[apsw.Connection], None]) -> None:
        """A rule's own event, durable when it returns; `also`: in the same transaction. Raises TooMuch."""
        await self._commit(self.router.of_rule(rule, event), also)

    async def _commit(self, routed: Routed, also: Callable[[apsw.Connection], None]) -> None:
        prepared = self.prepared(routed)

        def change(connection: apsw.Connection) -> None:
            also(connection)
            self.insert(connection, prepared)

        await self._database.write(change)
        self.committed(prepared)

    # --- In somebody else's transaction -------------------------------------------------------------------------------

    def prepared(self, routed: Routed) -> Prepared:
        return Prepared(self._delivery.rows(routed.handovers, self._clock.now()), routed.archived)

    def insert(self, connection: apsw.Connection, prepared: Prepared) -> None:
        now = self._clock.now()
        self._delivery.insert(connection, prepared.outgoing)
        for event in prepared.archived:
            self._archived.insert(connection, event, now)

    def committed(self, prepared: Prepared) -> None:
        self._delivery.committed(prepared.outgoing)

    # --- What is delivered to a bus of ours ---------------------------------------------------------------------------

    async def receive(self, delivery: Delivery) -> None:
        """Raises TargetRefused."""
        bus = bus_of_arn(delivery.target)
        if bus is None or not self.router.exists(bus):
            missing = ResourceNotFoundException.bus(delivery.target.rpartition("/")[2])
            raise TargetRefused(missing.code, missing.message)
        account = delivery.key.account
        try:
            if not self.router.allows(bus, account):
                raise EntryError.bus_policy(account, bus.arn)
            entry = entry_of(delivery)
            service = delivery.kind == "bus"
            event = event_of(entry, bus, delivery.request_id, account, self._clock.now(), service=service)
        except EntryError as error:
            raise TargetRefused(error.code, error.message) from error
        try:
            await self.take([event])
        except TooMuch as error:
            refused = ThrottlingException.rate()
            raise TargetRefused(refused.code, refused.message) from error
