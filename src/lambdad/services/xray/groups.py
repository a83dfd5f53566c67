"""Groups of traces: named filter expressions.

AWS: docs.aws.amazon.com/xray/latest/api/API_CreateGroup.html and its neighbours. There is always one, Default, of all traces.
"""

import dataclasses
import os
from collections.abc import Callable
from typing import Final

from lambdad.errors.xray import InvalidRequestException
from lambdad.protocols.context import Context, Members
from lambdad.resources.trace_filter import InvalidFilter, read_filter
from lambdad.resources.trace_view import TraceView
from lambdad.services.xray.backend import Backend
from lambdad.services.xray.pages import refuse_token
from lambdad.services.xray.tags import tags_of
from lambdad.store.trace_groups import GroupKey, TraceGroup

_DEFAULT: Final = "Default"
_MOST: Final = 25


def _default(context: Context) -> TraceGroup:
    key = GroupKey(context.account, context.region, _DEFAULT)
    return TraceGroup(key=key, arn=f"{_prefix(context)}{_DEFAULT}")


def _prefix(context: Context) -> str:
    return f"arn:aws:xray:{context.region}:{context.account}:group/"


def _groups(backend: Backend, context: Context) -> list[TraceGroup]:
    return [_default(context), *backend.groups.list(context.account, context.region)]


def find_group(backend: Backend, context: Context, request: Members) -> TraceGroup:
    """By name or ARN. Raises InvalidRequestException."""
    name, arn = request.get("GroupName"), request.get("GroupARN")
    if not name and not arn:
        raise InvalidRequestException.either("GroupName", "GroupARN")
    for group in _groups(backend, context):
        if (not name or group.key.name == name) and (not arn or group.arn == arn):
            return group
    raise InvalidRequestException.no_group(name or arn or "")


async def create_group(backend: Backend, context: Context, request: Members) -> Members:
    expression = request.get("FilterExpression") or ""
    _check(backend, context, expression)
    key = GroupKey(context.account, context.region, request["GroupName"])
    if len(backend.groups.list(key.account, key.region)) >= _MOST:
        raise InvalidRequestException.too_many("Groups", _MOST)
    arn = f"{_prefix(context)}{key.name}/{os.urandom(16).hex().upper()}"
    group = TraceGroup(
        key=key, arn=arn, expression=expression, insights=_insights(request), tags=tags_of(request.get("Tags"))
    )

    def made(before: TraceGroup | None) -> TraceGroup:
        if before is not None or key.name == _DEFAULT:
            raise InvalidRequestException.group_exists(key.name)
        return group

    await backend.groups.apply(key, made)
    return {"Group": _members(group)}


async def update_group(backend: Backend, context: Context, request: Members) -> Members:
    key = _changeable(backend, context, request).key
    expression = request.get("FilterExpression")
    _check(backend, context, expression)

    def changed(before: TraceGroup | None) -> TraceGroup:
        if before is None:
            raise InvalidRequestException.no_group(key.name)
        insights = {**before.insights, **_insights(request)}
        wanted = before.expression if expression is None else expression
        return dataclasses.replace(before, expression=wanted, insights=insights)

    _, after = await backend.groups.apply(key, changed)
    assert after is not None
    return {"Group": _members(after)}


async def delete_group(backend: Backend, context: Context, request: Members) -> Members:
    await backend.groups.apply(_changeable(backend, context, request).key, lambda before: None)
    return {}


async def get_group(backend: Backend, context: Context, request: Members) -> Members:
    return {"Group": _members(find_group(backend, context, request))}


async def get_groups(backend: Backend, context: Context, request: Members) -> Members:
    """All of them: there are never many."""
    refuse_token(request)
    return {"Groups": [_members(group) for group in _groups(backend, context)]}


def _changeable(backend: Backend, context: Context, request: Members) -> TraceGroup:
    group = find_group(backend, context, request)
    if group.key.name == _DEFAULT:
        raise InvalidRequestException.default_group()
    return group


def _check(backend: Backend, context: Context, expression: str | None) -> None:
    if expression and expression.strip():
        filter_of(backend, context, expression)


def filter_of(backend: Backend, context: Context, expression: str) -> Callable[[TraceView], bool]:
    """Raises InvalidRequestException."""
    groups = {}
    for group in _groups(backend, context):
        groups[group.key.name] = groups[group.arn] = group.expression
    try:
        return read_filter(expression, groups)
    except InvalidFilter as error:
        raise InvalidRequestException.filter(str(error)) from error


def _insights(request: Members) -> dict[str, bool]:
    given = request.get("InsightsConfiguration") or {}
    return {name: bool(value) for name, value in given.items()}


def _members(group: TraceGroup) -> Members:
    members: Members = {
        "GroupName": group.key.name,
        "GroupARN": group.arn,
        "InsightsConfiguration": {"InsightsEnabled": False, "NotificationsEnabled": False, **group.insights},
    }
    return members | ({"FilterExpression": group.expression} if group.expression else {})
