"""Supervisor: a group that is to go goes, after all schedules in it. At start it does the same for what it finds."""

import asyncio
import logging
from typing import Final

from lambdad.resources.scheduler_schedule import DELETING, GroupKey, ScheduleGroup
from lambdad.store.database import WRITE_FAILED
from lambdad.store.schedules import ScheduleGroups, Schedules

log = logging.getLogger(__name__)

_AT_ONCE: Final = 256


class GroupRemoval:
    """`start` when all is loaded; `close` once."""

    def __init__(self, groups: ScheduleGroups, schedules: Schedules) -> None:
        self._groups = groups
        self._schedules = schedules
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._groups.subscribe(self._changed)
        for group in self._groups.all():
            self._changed(group.key, None, group)

    def _changed(self, key: GroupKey, before: ScheduleGroup | None, after: ScheduleGroup | None) -> None:
        if after is None or after.state != DELETING or (before is not None and before.state == DELETING):
            return
        task = asyncio.get_running_loop().create_task(self._remove(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _remove(self, key: GroupKey) -> None:
        """No new schedule comes into it any more."""
        of_it = [schedule.key for schedule in self._schedules.all() if schedule.key.of_group == key]
        try:
            for start in range(0, len(of_it), _AT_ONCE):
                some = of_it[start : start + _AT_ONCE]
                await asyncio.gather(*(self._schedules.apply(one, lambda before: None) for one in some))
            await self._groups.apply(key, lambda before: None)
        except WRITE_FAILED as error:
            log.error("schedule group %s is removed when the server is started again: %r", key.arn, error)

    async def close(self) -> None:
        """What is left of it goes at the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
