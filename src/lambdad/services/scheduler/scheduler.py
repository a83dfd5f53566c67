"""EventBridge Scheduler put together: its groups and schedules, what fires them, and its wire."""

from lambdad.clock import Clock
from lambdad.errors.scheduler import InvalidSchedulerRequest
from lambdad.services.scheduler.backend import Backend
from lambdad.services.scheduler.firing import Firing
from lambdad.services.scheduler.group_removal import GroupRemoval
from lambdad.services.scheduler.table import OPERATIONS
from lambdad.services.service import Service
from lambdad.services.target_delivery import TargetDelivery
from lambdad.store.database import Database
from lambdad.store.schedules import ScheduleGroups, Schedules


class Scheduler:
    """`load`, `build`, `start`, `close`: once each, in that order."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._groups = ScheduleGroups(database)
        self._schedules = Schedules(database)
        self._removal = GroupRemoval(self._groups, self._schedules)
        self._clock = clock
        self._firing: Firing
        self._service: Service[Backend]

    def load(self) -> None:
        self._groups.load()
        self._schedules.load()

    def build(self, targets: TargetDelivery) -> Service[Backend]:
        """For the front door; it is given what targets are reached through."""
        self._firing = Firing(self._schedules, targets, self._clock)
        backend = Backend(self._schedules, self._groups, self._clock)
        invalid, not_built = InvalidSchedulerRequest.of, InvalidSchedulerRequest.not_built
        self._service = Service("scheduler", backend, OPERATIONS, invalid, not_built)
        return self._service

    def start(self) -> None:
        self._firing.start()
        self._removal.start()

    async def stop(self) -> None:
        """Nothing fires any more: before nothing is accepted any more."""
        await self._firing.close()

    async def close(self) -> None:
        await self._service.close()
        await self._firing.close()
        await self._removal.close()
