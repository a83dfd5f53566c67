"""What EventBridge Scheduler's operations stand on."""

from dataclasses import dataclass

from lambdad.clock import Clock
from lambdad.errors.scheduler import ScheduleNotFound
from lambdad.protocols.context import Context
from lambdad.resources.scheduler_schedule import (
    DEFAULT_GROUP,
    GroupKey,
    Schedule,
    ScheduleGroup,
    ScheduleKey,
)
from lambdad.store.schedules import ScheduleGroups, Schedules


@dataclass(frozen=True, slots=True)
class Backend:
    """Made once by `scheduler.py`."""

    schedules: Schedules
    groups: ScheduleGroups
    clock: Clock

    def schedule(self, key: ScheduleKey) -> Schedule:
        """Raises ScheduleNotFound."""
        schedule = self.schedules.get(key)
        if schedule is None:
            raise ScheduleNotFound.schedule(key.schedule)
        return schedule

    def group(self, key: GroupKey) -> ScheduleGroup:
        """Raises ScheduleNotFound."""
        group = self.groups.get(key)
        if group is None:
            raise ScheduleNotFound.group(key.name)
        return group

    async def with_default_group(self, context: Context) -> None:
        """Every account has one in every region, from the first time that somebody asks."""
        key = GroupKey(context.account, context.region, DEFAULT_GROUP)
        if self.groups.get(key) is None:
            now = self.clock.now()
            group = ScheduleGroup(key=key, created_at=now, modified_at=now)
            await self.groups.apply(key, lambda before: before or group)
