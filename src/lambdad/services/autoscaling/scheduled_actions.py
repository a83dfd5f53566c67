"""Operations on scheduled actions, which change a target's bounds at their time.

AWS: docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScheduledAction.html and its neighbours
"""

import dataclasses
from typing import Final

from lambdad.errors.autoscaling import InvalidScalingRequest, ObjectNotFoundException, ScalingLimitExceeded
from lambdad.errors.schedules import InvalidScheduleExpression
from lambdad.ids import new_uuid
from lambdad.protocols.context import Context, Members
from lambdad.resources.scalable_target import ScalableTarget, ScheduledAction, action_arn, acts_at
from lambdad.resources.schedule import expression_of, timezone_of
from lambdad.services.autoscaling.backend import Backend, key_of
from lambdad.services.autoscaling.pages import about, page_of, targets_of

_MOST: Final = 200
"""Of a target."""


async def put_scheduled_action(backend: Backend, context: Context, request: Members) -> Members:
    """One of that name is changed in what is given; its start and end are as they are given, or none."""
    key, name, now = key_of(context, request), request["ScheduledActionName"], backend.clock.now()

    def change(target: ScalableTarget) -> ScalableTarget:
        if name not in target.actions and len(target.actions) >= _MOST:
            raise ScalingLimitExceeded.of("scheduled actions of a target", _MOST)
        action = _changed(target.actions.get(name), request, now)
        return dataclasses.replace(target, actions={**target.actions, name: action})

    await backend.change(key, change)
    return {}


def _changed(before: ScheduledAction | None, request: Members, now: float) -> ScheduledAction:
    """Raises InvalidScalingRequest."""
    schedule, bounds = request.get("Schedule"), request.get("ScalableTargetAction")
    if before is None and (schedule is None or bounds is None):
        raise InvalidScalingRequest.schedule_missing()
    if bounds is not None and not bounds:
        raise InvalidScalingRequest.no_bounds()
    if any(value < 0 for value in (bounds or {}).values()):
        raise InvalidScalingRequest.negative()
    if bounds is not None and bounds.get("MaxCapacity", float("inf")) < bounds.get("MinCapacity", 0):
        raise InvalidScalingRequest.bounds_swapped()
    if before is None:
        before = ScheduledAction(id=new_uuid(), schedule="", timezone="UTC", bounds={}, created_at=now, since=now)
    after = dataclasses.replace(
        before,
        schedule=schedule if schedule is not None else before.schedule,
        timezone=request.get("Timezone", before.timezone),
        bounds=bounds if bounds is not None else before.bounds,
        start=request.get("StartTime"),
        end=request.get("EndTime"),
    )
    _check_times(after)
    if (after.schedule, after.timezone, after.start) != (before.schedule, before.timezone, before.start):
        after = dataclasses.replace(after, since=now, done=None)
    due = acts_at(after, now)
    if due is None or (due <= now and after.done is None and due < after.since):
        raise InvalidScalingRequest.never()
    return after


def _check_times(action: ScheduledAction) -> None:
    try:
        expression_of(action.schedule)
    except InvalidScheduleExpression as error:
        raise InvalidScalingRequest.schedule(action.schedule) from error
    if timezone_of(action.timezone) is None:
        raise InvalidScalingRequest.timezone(action.timezone)
    if action.start is not None and action.end is not None and action.end <= action.start:
        raise InvalidScalingRequest.times_swapped()


async def delete_scheduled_action(backend: Backend, context: Context, request: Members) -> Members:
    key, name = key_of(context, request), request["ScheduledActionName"]

    def change(target: ScalableTarget) -> ScalableTarget:
        if name not in target.actions:
            raise ObjectNotFoundException.action(key.name, name)
        return dataclasses.replace(target, actions={one: it for one, it in target.actions.items() if one != name})

    await backend.change(key, change)
    return {}


async def describe_scheduled_actions(backend: Backend, context: Context, request: Members) -> Members:
    """Those that are still to come: one that is over is gone."""
    names = request.get("ScheduledActionNames")
    found = [
        (f"{target.key.name}/{name}", name, target, action)
        for target in targets_of(backend, context, request)
        for name, action in sorted(target.actions.items())
        if not names or name in names
    ]
    page, token = page_of(found, lambda one: one[0], request)
    return {
        "ScheduledActions": [
            {
                **about(target),
                "ScheduledActionName": name,
                "ScheduledActionARN": action_arn(target.key, name, action),
                "Schedule": action.schedule,
                "Timezone": action.timezone,
                "StartTime": action.start,
                "EndTime": action.end,
                "ScalableTargetAction": action.bounds,
                "CreationTime": action.created_at,
            }
            for _, name, target, action in page
        ],
        "NextToken": token,
    }
