"""EventBridge put together: its records, supervisors and wire."""

from lambdad.clock import Clock
from lambdad.errors.events import ValidationException
from lambdad.invocation.invoke import Functions
from lambdad.services.events.backend import Backend
from lambdad.services.events.intake import Intake
from lambdad.services.events.replayer import Replayer
from lambdad.services.events.router import Router
from lambdad.services.events.scheduled_rules import ScheduledRules
from lambdad.services.events.table import OPERATIONS
from lambdad.services.outbox import Outbox
from lambdad.services.service import Service
from lambdad.services.target_delivery import TargetDelivery
from lambdad.store.database import Database
from lambdad.store.deliveries import Delivery
from lambdad.store.event_archives import ArchivedEvents, EventArchives, EventReplays
from lambdad.store.event_buses import EventBuses, EventRules, RuleFirings


class Events:
    """`load`, `build`, `start`, `close`: once each, in that order."""

    def __init__(self, database: Database, clock: Clock, here: bool) -> None:
        """`here`: no endpoint is configured that has somebody else's event buses."""
        self._database = database
        self._clock = clock
        self._buses = EventBuses(database)
        self._rules = EventRules(database)
        self._archives = EventArchives(database)
        self._replays = EventReplays(database)
        self._archived = ArchivedEvents(database)
        self._router = Router(self._buses, self._rules, self._archives, here)
        self._intake: Intake
        self._replayer: Replayer
        self._scheduled: ScheduledRules
        self._service: Service[Backend]

    def load(self) -> None:
        self._buses.load()
        self._rules.load()
        self._archives.load()
        self._replays.load()
        self._archived.load()
        self._router.load()

    def build(self, functions: Functions, outbox: Outbox) -> Service[Backend]:
        """For the front door; it is given what targets are reached through."""
        delivery = TargetDelivery(functions, outbox)
        intake = self._intake = Intake(self._router, delivery, self._archived, self._database, self._clock)
        self._scheduled = ScheduledRules(self._rules, RuleFirings(self._database), intake, self._clock)
        self._scheduled.load()
        self._replayer = Replayer(self._archives, self._replays, self._archived, intake, self._clock)
        backend = Backend(
            self._buses,
            self._rules,
            self._archives,
            self._replays,
            self._archived,
            intake,
            self._replayer,
            self._clock,
        )
        self._service = Service(
            "events", backend, OPERATIONS, ValidationException.of, not_built=ValidationException.not_built
        )
        return self._service

    async def receive(self, delivery: Delivery) -> None:
        """What is delivered to a bus. Raises TargetRefused."""
        await self._intake.receive(delivery)

    def start(self) -> None:
        self._scheduled.start()
        self._replayer.start()

    async def close(self) -> None:
        await self._service.close()
        await self._scheduled.close()
        await self._replayer.close()
