"""Operations on schedule groups and their tags.

AWS: docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateScheduleGroup.html and its neighbours, …/API_TagResource.html.
Deleting a group commits that it is to go; `group_removal.py` does it.
"""

import dataclasses
from collections.abc import Callable
from typing import Final

from lambdad.errors.scheduler import (
    InvalidSchedulerRequest,
    ScheduleConflict,
    ScheduleNotFound,
    SchedulerQuotaExceeded,
)
from lambdad.protocols.context import Context, Members
from lambdad.resources.scheduler_schedule import DEFAULT_GROUP, DELETING, GroupKey, ScheduleGroup
from lambdad.services.pages import page_after
from lambdad.services.scheduler.backend import Backend
from lambdad.services.tag_sets import Tags, tag_members, tags_of, without

_PAGE: Final = 100
_MOST_GROUPS: Final = 500
"""Of an account in a region."""
_MOST_TAGS: Final = 50


async def create_schedule_group(backend: Backend, context: Context, request: Members) -> Members:
    """Asked for again with the same token it is the same request."""
    await backend.with_default_group(context)
    key = GroupKey(context.account, context.region, request["Name"])
    now, token = backend.clock.now(), request.get("ClientToken")
    tags = _checked(tags_of(request.get("Tags") or ()))

    def change(before: ScheduleGroup | None) -> ScheduleGroup:
        if before is not None:
            if token is not None and before.client_token == token and before.state != DELETING:
                return before
            raise ScheduleConflict.group(key.name)
        if len(backend.groups.list(key.account, key.region)) >= _MOST_GROUPS:
            raise SchedulerQuotaExceeded.groups(_MOST_GROUPS)
        return ScheduleGroup(key=key, created_at=now, modified_at=now, client_token=token, tags=tags)

    await backend.groups.apply(key, change)
    return {"ScheduleGroupArn": key.arn}


async def get_schedule_group(backend: Backend, context: Context, request: Members) -> Members:
    await backend.with_default_group(context)
    return _members_of(backend.group(GroupKey(context.account, context.region, request["Name"])))


async def list_schedule_groups(backend: Backend, context: Context, request: Members) -> Members:
    await backend.with_default_group(context)
    prefix = request.get("NamePrefix", "")
    found = [
        group for group in backend.groups.list(context.account, context.region) if group.key.name.startswith(prefix)
    ]
    page, token = page_after(
        found, lambda group: group.key.name, request.get("NextToken"), request.get("MaxResults", _PAGE)
    )
    return {"ScheduleGroups": [_members_of(group) for group in page], "NextToken": token}


async def delete_schedule_group(backend: Backend, context: Context, request: Members) -> Members:
    """With all schedules in it."""
    key = GroupKey(context.account, context.region, request["Name"])
    if key.name == DEFAULT_GROUP:
        raise InvalidSchedulerRequest.default_group()

    def change(before: ScheduleGroup) -> ScheduleGroup:
        return dataclasses.replace(before, state=DELETING, modified_at=backend.clock.now())

    await _change(backend, key, change)
    return {}


async def list_tags_for_resource(backend: Backend, context: Context, request: Members) -> Members:
    group = backend.group(await _key_of(backend, context, request["ResourceArn"]))
    return {"Tags": tag_members(group.tags)}


async def tag_resource(backend: Backend, context: Context, request: Members) -> Members:
    new = tags_of(request["Tags"])
    return await _change_tags(backend, context, request["ResourceArn"], lambda tags: {**tags, **new})


async def untag_resource(backend: Backend, context: Context, request: Members) -> Members:
    return await _change_tags(backend, context, request["ResourceArn"], lambda tags: without(tags, request["TagKeys"]))


async def _change_tags(backend: Backend, context: Context, arn: str, changed: Callable[[Tags], Tags]) -> Members:
    """Raises ScheduleNotFound, InvalidSchedulerRequest."""
    key = await _key_of(backend, context, arn)
    await _change(backend, key, lambda before: dataclasses.replace(before, tags=_checked(changed(before.tags))))
    return {}


async def _change(backend: Backend, key: GroupKey, change: Callable[[ScheduleGroup], ScheduleGroup]) -> None:
    """Raises ScheduleNotFound."""

    def changed(before: ScheduleGroup | None) -> ScheduleGroup:
        if before is None:
            raise ScheduleNotFound.group(key.name)
        return change(before)

    await backend.groups.apply(key, changed)


def _checked(tags: Tags) -> Tags:
    if len(tags) > _MOST_TAGS:
        raise InvalidSchedulerRequest.tags(_MOST_TAGS)
    return tags


async def _key_of(backend: Backend, context: Context, arn: str) -> GroupKey:
    """Of a group's ARN, as the model has it. Raises ScheduleNotFound: it is another account's or region's."""
    await backend.with_default_group(context)
    _, _, _, region, account, resource = arn.split(":", 5)
    name = resource.partition("/")[2]
    if (account, region) != (context.account, context.region):
        raise ScheduleNotFound.group(name)
    return GroupKey(account, region, name)


def _members_of(group: ScheduleGroup) -> Members:
    return {
        "Arn": group.key.arn,
        "Name": group.key.name,
        "State": group.state,
        "CreationDate": group.created_at,
        "LastModificationDate": group.modified_at,
    }
