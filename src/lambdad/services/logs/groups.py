"""Operations on log groups: create, list, retention, tags, delete."""

import asyncio
import dataclasses
from collections.abc import Callable, Mapping, Sequence

from lambdad.errors.logs import (
    InvalidParameterException,
    ResourceAlreadyExistsException,
    ResourceNotFound,
    TooManyTagsException,
)
from lambdad.observability.logs import is_reserved
from lambdad.protocols.context import Context, Members
from lambdad.services.logs.backend import Backend, key_of
from lambdad.services.logs.pages import page_of
from lambdad.store.log_groups import LogGroup, LogGroupKey

_RETENTIONS = frozenset(
    (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
)
"""Days. AWS: …/APIReference/API_PutRetentionPolicy.html"""
_MOST_TAGS = 50
_RESERVED_TAGS = "aws:"


async def create_log_group(backend: Backend, context: Context, request: Members) -> Members:
    key = LogGroupKey(context.account, context.region, request["logGroupName"])
    if is_reserved(key.name):
        raise InvalidParameterException.reserved()
    tags = request.get("tags", {})
    _check_tags(tags)
    group = LogGroup(
        key=key,
        created_at=backend.now(),
        group_class=request.get("logGroupClass", "STANDARD"),
        kms_key_id=request.get("kmsKeyId"),
        tags=tags,
    )

    def change(before: LogGroup | None) -> LogGroup:
        if before is not None:
            raise ResourceAlreadyExistsException.group()
        return group

    await backend.groups.apply(key, change)
    return {}


async def delete_log_group(backend: Backend, context: Context, request: Members) -> Members:
    key = LogGroupKey(context.account, context.region, request["logGroupName"])
    backend.group(key)
    await backend.groups.apply(key, lambda before: None)
    await backend.logs.delete_group(key.account, key.region, key.name)
    return {}


async def describe_log_groups(backend: Backend, context: Context, request: Members) -> Members:
    prefix, pattern = request.get("logGroupNamePrefix"), request.get("logGroupNamePattern")
    if prefix and pattern:
        raise InvalidParameterException.prefix_and_pattern()
    wanted = {key_of(context, one).name for one in request.get("logGroupIdentifiers", ())}
    found = [
        group
        for group in backend.groups.list(context.account, context.region)
        if group.key.name.startswith(prefix or "")
        and (pattern or "") in group.key.name
        and (not wanted or group.key.name in wanted)
        and request.get("logGroupClass", group.group_class) == group.group_class
    ]
    page, token = page_of(found, lambda group: group.key.name, request)
    sizes = await asyncio.to_thread(_sizes, backend, page)
    groups = [_members_of(group, size) for group, size in zip(page, sizes, strict=True)]
    return {"logGroups": groups, "nextToken": token}


def _sizes(backend: Backend, groups: Sequence[LogGroup]) -> list[int]:
    return [backend.logs.size(group.key.account, group.key.region, group.key.name) for group in groups]


def _members_of(group: LogGroup, size: int) -> Members:
    return {
        "logGroupName": group.key.name,
        "creationTime": group.created_at,
        "retentionInDays": group.retention_days,
        "metricFilterCount": 0,
        "arn": f"{group.key.arn}:*",
        "storedBytes": size,
        "kmsKeyId": group.kms_key_id,
        "logGroupClass": group.group_class,
        "logGroupArn": group.key.arn,
    }


# --- Retention --------------------------------------------------------------------------------------------------------


async def put_retention_policy(backend: Backend, context: Context, request: Members) -> Members:
    days = request["retentionInDays"]
    if days not in _RETENTIONS:
        raise InvalidParameterException.retention()
    await update(backend, _named(context, request), lambda group: dataclasses.replace(group, retention_days=days))
    return {}


async def delete_retention_policy(backend: Backend, context: Context, request: Members) -> Members:
    await update(backend, _named(context, request), lambda group: dataclasses.replace(group, retention_days=None))
    return {}


def _named(context: Context, request: Members) -> LogGroupKey:
    return LogGroupKey(context.account, context.region, request["logGroupName"])


async def update(backend: Backend, key: LogGroupKey, change: Callable[[LogGroup], LogGroup]) -> None:
    """Durable when it returns. Raises ResourceNotFound."""

    def checked(before: LogGroup | None) -> LogGroup:
        if before is None:
            raise ResourceNotFound.group()
        return change(before)

    await backend.groups.apply(key, checked)


# --- Tags -------------------------------------------------------------------------------------------------------------


async def tag_resource(backend: Backend, context: Context, request: Members) -> Members:
    return await _tag(backend, key_of(context, request["resourceArn"]), request["tags"])


async def tag_log_group(backend: Backend, context: Context, request: Members) -> Members:
    return await _tag(backend, _named(context, request), request["tags"])


async def _tag(backend: Backend, key: LogGroupKey, given: Mapping[str, str]) -> Members:
    _check_tags(given)

    def change(group: LogGroup) -> LogGroup:
        tags = {**group.tags, **given}
        if len(tags) > _MOST_TAGS:
            raise TooManyTagsException.of(_MOST_TAGS)
        return dataclasses.replace(group, tags=tags)

    await update(backend, key, change)
    return {}


def _check_tags(given: Mapping[str, str]) -> None:
    """Raises InvalidParameterException."""
    if any(name.lower().startswith(_RESERVED_TAGS) for name in given):
        raise InvalidParameterException.system_tags()


async def untag_resource(backend: Backend, context: Context, request: Members) -> Members:
    return await _untag(backend, key_of(context, request["resourceArn"]), request["tagKeys"])


async def untag_log_group(backend: Backend, context: Context, request: Members) -> Members:
    return await _untag(backend, _named(context, request), request["tags"])


async def _untag(backend: Backend, key: LogGroupKey, gone: Sequence[str]) -> Members:
    def change(group: LogGroup) -> LogGroup:
        return dataclasses.replace(group, tags={name: tag for name, tag in group.tags.items() if name not in gone})

    await update(backend, key, change)
    return {}


async def list_tags_for_resource(backend: Backend, context: Context, request: Members) -> Members:
    return {"tags": dict(backend.group(key_of(context, request["resourceArn"])).tags)}


async def list_tags_log_group(backend: Backend, context: Context, request: Members) -> Members:
    return {"tags": dict(backend.group(_named(context, request)).tags)}
