"""Operations on schedules.

AWS: docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html and its neighbours. They commit what is wished;
`firing.py` hears of it.
"""

import asyncio
import dataclasses
from typing import Any, Final

from lambdad.errors.scheduler import ScheduleConflict, ScheduleNotFound, SchedulerQuotaExceeded
from lambdad.protocols.context import Context, Members
from lambdad.resources.scheduler_schedule import DEFAULT_GROUP, DELETING, GroupKey, Schedule, ScheduleKey
from lambdad.resources.scheduler_target import universal_target
from lambdad.services.pages import page_after
from lambdad.services.scheduler.backend import Backend
from lambdad.services.scheduler.schedule_rules import settings_of

_PAGE: Final = 100
_MOST: Final = 100_000
"""Schedules, of all accounts: they are kept in memory. AWS has a million of each."""


async def create_schedule(backend: Backend, context: Context, request: Members) -> Members:
    """Asked for again with the same token it is the same request."""
    await backend.with_default_group(context)
    key, now, token = _key_of(context, request), backend.clock.now(), request.get("ClientToken")
    settings = await _settings(request, context.account, now)

    def change(before: Schedule | None) -> Schedule:
        if backend.group(key.of_group).state == DELETING:
            raise ScheduleConflict.group_deleting(key.group)
        if before is not None:
            if token is not None and (before.client_token, before.settings) == (token, settings):
                return before
            raise ScheduleConflict.schedule(key.schedule)
        if len(backend.schedules) >= _MOST:
            raise SchedulerQuotaExceeded.schedules(_MOST)
        return Schedule(key=key, settings=settings, created_at=now, modified_at=now, since=now, client_token=token)

    await backend.schedules.apply(key, change)
    return {"ScheduleArn": key.arn}


async def update_schedule(backend: Backend, context: Context, request: Members) -> Members:
    """Replaces all: what is not given is as if it never was. As long as its times mean the same it keeps its rhythm."""
    key, now = _key_of(context, request), backend.clock.now()
    backend.schedule(key)
    settings = await _settings(request, context.account, now)

    def change(before: Schedule | None) -> Schedule:
        if before is None:
            raise ScheduleNotFound.schedule(key.schedule)
        after = dataclasses.replace(before, settings=settings, modified_at=now)
        return after if before.timed_like(settings) else dataclasses.replace(after, since=now, fired=None)

    await backend.schedules.apply(key, change)
    return {"ScheduleArn": key.arn}


async def get_schedule(backend: Backend, context: Context, request: Members) -> Members:
    schedule = backend.schedule(_key_of(context, request))
    return {**_about(schedule), **schedule.settings}


async def delete_schedule(backend: Backend, context: Context, request: Members) -> Members:
    key = _key_of(context, request)

    def change(before: Schedule | None) -> None:
        if before is None:
            raise ScheduleNotFound.schedule(key.schedule)

    await backend.schedules.apply(key, change)
    return {}


async def list_schedules(backend: Backend, context: Context, request: Members) -> Members:
    group, prefix, state = request.get("GroupName"), request.get("NamePrefix", ""), request.get("State")
    if group is not None and group != DEFAULT_GROUP:  # that one is there, also before it is first used
        backend.group(GroupKey(context.account, context.region, group))
    found = [
        schedule
        for schedule in backend.schedules.all()
        if (schedule.key.account, schedule.key.region) == (context.account, context.region)
        and (group is None or schedule.key.group == group)
        and schedule.key.schedule.startswith(prefix)
        and (state is None or schedule.settings["State"] == state)
    ]
    page, token = page_after(
        found, lambda schedule: schedule.key.name, request.get("NextToken"), request.get("MaxResults", _PAGE)
    )
    return {"Schedules": [_summary(schedule) for schedule in page], "NextToken": token}


def _key_of(context: Context, request: Members) -> ScheduleKey:
    group = request.get("GroupName", DEFAULT_GROUP)
    return ScheduleKey(context.account, context.region, group, request["Name"])


async def _settings(request: Members, account: str, now: float) -> dict[str, Any]:
    """Beside the event loop, if a service's model is read for it."""
    if universal_target(request["Target"]["Arn"]) is not None:
        return await asyncio.to_thread(settings_of, request, account, now)
    return settings_of(request, account, now)


def _about(schedule: Schedule) -> Members:
    key = schedule.key
    return {
        "Arn": key.arn,
        "GroupName": key.group,
        "Name": key.schedule,
        "CreationDate": schedule.created_at,
        "LastModificationDate": schedule.modified_at,
    }


def _summary(schedule: Schedule) -> Members:
    state, target = schedule.settings["State"], {"Arn": schedule.target["Arn"]}
    return {**_about(schedule), "State": state, "Target": target}
