"""Operations on scalable targets and their tags.

AWS: docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html and its neighbours. They commit what
is wished; `supervisor.py` brings the capacity within the bounds.
"""

import dataclasses
from collections.abc import Callable
from typing import Final

from lambdad.errors.autoscaling import (
    InvalidScalingRequest,
    NoSuchScalableTarget,
    ObjectNotFoundException,
    ScalingLimitExceeded,
    TooManyTagsException,
)
from lambdad.ids import new_uuid
from lambdad.protocols.context import Context, Members
from lambdad.resources.scalable_target import ScalableTarget
from lambdad.services.autoscaling.backend import Backend, key_of
from lambdad.services.autoscaling.pages import about, page_of, targets_of
from lambdad.services.tag_sets import Tags, without

_MOST: Final = 2500
_MOST_TAGS: Final = 50
_SUSPENSIONS: Final = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")


async def register_scalable_target(backend: Backend, context: Context, request: Members) -> Members:
    """One that is there is changed in what is given, and its capacity brought within its bounds again."""
    key, now = key_of(context, request), backend.clock.now()
    if await backend.capacity.current(key) is None:
        raise InvalidScalingRequest.no_resource(key.name)

    def change(before: ScalableTarget | None) -> ScalableTarget:
        if before is None and ("MinCapacity" not in request or "MaxCapacity" not in request):
            raise InvalidScalingRequest.bounds_missing()
        if before is None:
            if len(backend.targets) >= _MOST:
                raise ScalingLimitExceeded.of("scalable targets", _MOST)
            number = (new_uuid() + new_uuid()).replace("-", "")[:36]
            before = ScalableTarget(key=key, id=number, minimum=0, maximum=0, created_at=now)
        suspended = {**before.suspended, **request.get("SuspendedState", {})}
        after = dataclasses.replace(
            before,
            minimum=request.get("MinCapacity", before.minimum),
            maximum=request.get("MaxCapacity", before.maximum),
            suspended=suspended,
            tags=_checked({**before.tags, **request.get("Tags", {})}),
            settled=False,
        )
        check_bounds(after)
        return after

    _, target = await backend.targets.apply(key, change)
    assert target is not None
    return {"ScalableTargetARN": target.arn}


def check_bounds(target: ScalableTarget) -> None:
    """Raises InvalidScalingRequest."""
    if target.minimum < 0 or target.maximum < 0:
        raise InvalidScalingRequest.negative()
    if target.maximum < target.minimum:
        raise InvalidScalingRequest.bounds_swapped()


async def deregister_scalable_target(backend: Backend, context: Context, request: Members) -> Members:
    """With its policies, their alarms and its scheduled actions; capacity stays as it is."""
    key = key_of(context, request)

    def change(before: ScalableTarget | None) -> None:
        if before is None:
            raise ObjectNotFoundException.target(key.name)

    before, _ = await backend.targets.apply(key, change)
    assert before is not None
    for policy in before.policies.values():
        await backend.alarms.remove(key, policy)
    return {}


async def describe_scalable_targets(backend: Backend, context: Context, request: Members) -> Members:
    found = targets_of(backend, context, request)
    page, token = page_of(found, lambda target: target.key.name, request)
    return {"ScalableTargets": [_members_of(target) for target in page], "NextToken": token}


def _members_of(target: ScalableTarget) -> Members:
    return {
        **about(target),
        "MinCapacity": target.minimum,
        "MaxCapacity": target.maximum,
        "RoleARN": target.role,
        "CreationTime": target.created_at,
        "SuspendedState": {name: target.suspended.get(name, False) for name in _SUSPENSIONS},
        "ScalableTargetARN": target.arn,
    }


# --- Tags -------------------------------------------------------------------------------------------------------------


async def list_tags_for_resource(backend: Backend, context: Context, request: Members) -> Members:
    return {"Tags": tagged(backend, context, request["ResourceARN"]).tags}


async def tag_resource(backend: Backend, context: Context, request: Members) -> Members:
    return await _change(backend, context, request["ResourceARN"], lambda tags: {**tags, **request["Tags"]})


async def untag_resource(backend: Backend, context: Context, request: Members) -> Members:
    return await _change(backend, context, request["ResourceARN"], lambda tags: without(tags, request["TagKeys"]))


async def _change(backend: Backend, context: Context, arn: str, changed: Callable[[Tags], Tags]) -> Members:
    key = tagged(backend, context, arn).key
    await backend.change(key, lambda before: dataclasses.replace(before, tags=_checked(changed(before.tags))))
    return {}


def tagged(backend: Backend, context: Context, arn: str) -> ScalableTarget:
    """By its ARN. Raises NoSuchScalableTarget."""
    for target in backend.targets.list(context.account, context.region):
        if target.arn == arn:
            return target
    raise NoSuchScalableTarget(arn)


def _checked(tags: Tags) -> Tags:
    if len(tags) > _MOST_TAGS:
        raise TooManyTagsException.of(_MOST_TAGS)
    return tags
