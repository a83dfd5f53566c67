"""Supervisor: fires schedules when they are due.

That a schedule has been fired is committed in one transaction with what its target is given: a crash loses neither and repeats
neither. Enabled, disabled, changed, deleted: it hears of it by the commit. When what is due is decided in `scheduler_schedule.py`.
AWS: docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule.html
"""

import dataclasses
import logging

import apsw

from lambdad.clock import Clock
from lambdad.ids import new_uuid
from lambdad.resources.scheduler_schedule import Occurrence, Schedule, ScheduleKey, is_over, next_occurrence, wakes_at
from lambdad.services.clockwork import Clockwork
from lambdad.services.outbox import Outgoing
from lambdad.services.scheduler.handover import handover_of
from lambdad.services.target_delivery import TargetDelivery
from lambdad.store.schedules import Schedules

log = logging.getLogger(__name__)


class Firing:
    """`start` when all is loaded; `close` once."""

    def __init__(self, schedules: Schedules, targets: TargetDelivery, clock: Clock) -> None:
        self._schedules = schedules
        self._targets = targets
        self._clock = clock
        self._clockwork: Clockwork[ScheduleKey] = Clockwork(self._fire, clock)

    def start(self) -> None:
        self._schedules.subscribe(self._changed)
        for schedule in self._schedules.all():
            self._changed(schedule.key, None, schedule)
        self._clockwork.start()

    def _changed(self, key: ScheduleKey, before: Schedule | None, after: Schedule | None) -> None:
        self._clockwork.set(key, wakes_at(after, self._clock.now()) if after is not None else None)

    async def _fire(self, key: ScheduleKey) -> None:
        outgoing: Outgoing | None = None

        def change(before: Schedule | None) -> Schedule | None:
            nonlocal outgoing
            now = self._clock.now()
            occurrence = next_occurrence(before, now) if before is not None else None
            if before is None or occurrence is None:
                return None if before is None or is_over(before, now) else before
            if occurrence.due_at > now:
                return before
            outgoing = self._outgoing(before, occurrence, now)
            after = dataclasses.replace(before, fired=occurrence.scheduled_at)
            return None if is_over(after, now) else after

        def also(connection: apsw.Connection) -> None:
            if outgoing is not None:
                self._targets.insert(connection, outgoing)

        _, after = await self._schedules.apply(key, change, also)
        if outgoing is not None:
            self._targets.committed(outgoing)
        self._changed(key, None, after)

    def _outgoing(self, schedule: Schedule, occurrence: Occurrence, now: float) -> Outgoing:
        return self._targets.rows([handover_of(schedule, occurrence, new_uuid(), new_uuid())], now)

    async def close(self) -> None:
        await self._clockwork.close()
