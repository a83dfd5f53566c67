"""Supervisor: scheduled actions change bounds at their time, capacity is brought within new bounds, and policies' alarms scale it.

AWS: docs.aws.amazon.com/autoscaling/application/userguide/what-is-application-auto-scaling.html. Each minute, and when one of their
alarms changes its state, the policies of a target are looked at; one target at a time. What is done is committed with its activity.
"""

import asyncio
import dataclasses
import logging
from typing import Final

import apsw

from lambdad.clock import Clock
from lambdad.errors import ServiceError
from lambdad.errors.autoscaling import InvalidScalingRequest
from lambdad.resources.alarm import Alarm, AlarmKey
from lambdad.resources.scalable_target import ScalableTarget, TargetKey, acts_at, policy_named
from lambdad.resources.target_tracking import wanted
from lambdad.services.autoscaling.activities import bounded, scaled
from lambdad.services.autoscaling.capacity import Capacity
from lambdad.services.autoscaling.policy_alarms import PolicyAlarms, names_of
from lambdad.services.clockwork import Clockwork
from lambdad.store.alarms import Alarms
from lambdad.store.database import WRITE_FAILED
from lambdad.store.scalable_targets import ScalableTargets, ScalingActivity

log = logging.getLogger(__name__)

_MINUTE: Final = 60.0
_DELAY: Final = 10.0
"""Seconds after a minute: alarms have been evaluated."""
ActionKey = tuple[TargetKey, str]


class ScalingSupervisor:
    """`start` when all is loaded; `close` once."""

    def __init__(
        self, targets: ScalableTargets, alarms: Alarms, policies: PolicyAlarms, capacity: Capacity, clock: Clock
    ) -> None:
        self._targets = targets
        self._alarms = alarms
        self._policies = policies
        self._capacity = capacity
        self._clock = clock
        self._pending: dict[TargetKey, None] = {}
        self._wake = asyncio.Event()
        self._stopping = False
        self._clockwork: Clockwork[ActionKey] = Clockwork(self._act, clock)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._targets.subscribe(self._changed)
        self._alarms.subscribe(self._alarm_changed)
        for target in self._targets.all():
            self._changed(target.key, None, target)
        self._clockwork.start()
        self._task = asyncio.get_running_loop().create_task(self._run())

    # --- What there is to do --------------------------------------------------------------------------------------------

    def _changed(self, key: TargetKey, before: ScalableTarget | None, after: ScalableTarget | None) -> None:
        old, new = before.actions if before is not None else {}, after.actions if after is not None else {}
        for name in old.keys() - new.keys():
            self._clockwork.set((key, name), None)
        for name, action in new.items():
            if old.get(name) != action:
                self._time((key, name))
        if after is not None and not after.settled:
            self._look_at(key)

    def _time(self, action: ActionKey) -> None:
        key, name = action
        target = self._targets.get(key)
        found = target.actions.get(name) if target is not None else None
        self._clockwork.set(action, acts_at(found, self._clock.now()) if found is not None else None)

    def _alarm_changed(self, key: AlarmKey, before: Alarm | None, after: Alarm | None) -> None:
        if after is None or (before is not None and before.state == after.state):
            return
        for arn in after.actions(after.state.value):
            named = policy_named(arn)
            if named is not None:
                self._look_at(named[0])

    def _look_at(self, key: TargetKey) -> None:
        self._pending[key] = None
        self._wake.set()

    # --- Scheduled actions ----------------------------------------------------------------------------------------------

    async def _act(self, action: ActionKey) -> None:
        key, name = action
        activity: ScalingActivity | None = None

        def change(before: ScalableTarget | None) -> ScalableTarget | None:
            nonlocal activity
            now, found = self._clock.now(), before.actions.get(name) if before is not None else None
            due = acts_at(found, now) if found is not None else None
            if before is None or found is None or (due is not None and due > now):
                return before
            after = before
            if due is not None and not before.is_suspended("ScheduledScaling"):
                minimum = found.bounds.get("MinCapacity", before.minimum)
                maximum = found.bounds.get("MaxCapacity", before.maximum)
                if "MaxCapacity" in found.bounds:
                    minimum = min(minimum, maximum)  # only one of them was said: it takes the other along
                after = dataclasses.replace(before, minimum=minimum, maximum=max(minimum, maximum), settled=False)
                activity = bounded(after, name, now)
            done = dataclasses.replace(found, done=due if due is not None else found.done)
            actions = {one: it for one, it in after.actions.items() if one != name}
            if acts_at(done, now) is not None:
                actions[name] = done
            return dataclasses.replace(after, actions=actions)

        await self._targets.apply(key, change, lambda connection: self._insert(connection, activity))
        self._time(action)

    def _insert(self, connection: apsw.Connection, activity: ScalingActivity | None) -> None:
        if activity is not None:
            self._targets.insert_activity(connection, activity)

    # --- Scaling --------------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            await self._policies.make_so(self._targets)
        except (InvalidScalingRequest, *WRITE_FAILED) as error:
            log.error("alarms of scaling policies are missing: %r", error)
        while not self._stopping:
            self._wake.clear()
            pending, self._pending = self._pending, {}
            for key in pending:
                (failure,) = await asyncio.gather(self.scale(key), return_exceptions=True)
                if failure is not None:
                    log.error("%s could not be scaled; it is looked at again", key.name, exc_info=failure)
            if not self._pending:
                await self._sleep()

    async def _sleep(self) -> None:
        wait = _MINUTE - (self._clock.now() - _DELAY) % _MINUTE
        try:
            await asyncio.wait_for(self._wake.wait(), wait)
        except TimeoutError:
            targets = self._targets.all()
            self._pending |= {target.key: None for target in targets if target.policies or not target.settled}

    async def scale(self, key: TargetKey) -> None:
        """Whatever its bounds and its policies want now."""
        target = self._targets.get(key)
        if target is None or self._stopping:
            return
        current = await self._capacity.current(key)
        if not target.settled:
            await self._settle(target, current)
        elif current is not None:
            await self._track(target, current)

    async def _settle(self, target: ScalableTarget, current: int | None) -> None:
        """Within its bounds; whether that works or not, it is tried once."""
        now = self._clock.now()
        capacity = min(max(current or 0, target.minimum), target.maximum)
        settled = dataclasses.replace(target, settled=True)
        if current is None or capacity == current:
            await self._commit(target, settled, None)
            return
        bound = "minimum" if capacity > current else "maximum"
        failure = await self._set(target, capacity)
        activity = scaled(target, capacity, f"{bound} capacity was set to {capacity}", now, failure)
        await self._commit(target, settled, activity)

    async def _track(self, target: ScalableTarget, current: int) -> None:
        observed = {name: await self._policies.observed(target.key, policy) for name, policy in target.policies.items()}
        now = self._clock.now()
        found = wanted(target, current, observed, now)
        if found is None:
            return
        policy = target.policies[found.policy]
        alarm = names_of(target.key, policy)[0 if found.out else 1]
        cause = f"monitor alarm {alarm} in state ALARM triggered policy {found.policy}"
        failure = await self._set(target, found.capacity)
        after = dataclasses.replace(target, out_at=now, out_from=current, in_at=None)
        if not found.out:
            after = dataclasses.replace(target, in_at=now)
        await self._commit(target, target if failure else after, scaled(target, found.capacity, cause, now, failure))

    async def _set(self, target: ScalableTarget, capacity: int) -> str | None:
        """Why it could not be."""
        try:
            await self._capacity.set(target.key, capacity)
        except ServiceError as error:
            log.warning("%s could not be scaled to %s: %s", target.key.name, capacity, error.message)
            return error.message
        return None

    async def _commit(self, before: ScalableTarget, after: ScalableTarget, activity: ScalingActivity | None) -> None:
        """What differs of the two, on whatever the target is by now; the activity with it."""
        names = ("settled", "out_at", "out_from", "in_at")
        changes = {name: getattr(after, name) for name in names if getattr(after, name) != getattr(before, name)}

        def change(target: ScalableTarget | None) -> ScalableTarget | None:
            if target is None or (not before.settled and target != before):
                return target  # perhaps it has other bounds by now: it is looked at again
            return dataclasses.replace(target, **changes)

        written: list[bool] = []

        def also(connection: apsw.Connection) -> None:
            written.append(True)
            self._insert(connection, activity)

        await self._targets.apply(before.key, change, also)
        if activity is not None and not written:
            await self._targets.append_activity(activity)

    async def close(self) -> None:
        self._stopping = True
        self._wake.set()
        await self._clockwork.close()
        if self._task is not None:
            await self._task
