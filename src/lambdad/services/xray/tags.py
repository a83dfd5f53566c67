"""Tags of groups and sampling rules.

AWS: docs.aws.amazon.com/xray/latest/api/API_TagResource.html
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from lambdad.errors.xray import ResourceNotFoundException, TooManyTagsException
from lambdad.protocols.context import Context, Members
from lambdad.resources.sampling import SamplingRule
from lambdad.services.tags import Tags, removing, shown
from lambdad.services.xray.backend import Backend
from lambdad.services.xray.pages import refuse_token
from lambdad.store.trace_groups import TraceGroup

_MOST: Final = 50


def tags_of(given: Sequence[Mapping[str, Any]] | None) -> dict[str, str]:
    """Raises TooManyTagsException."""
    tags = {tag["Key"]: tag["Value"] for tag in given or ()}
    if len(tags) > _MOST:
        raise TooManyTagsException.tags(_MOST)
    return tags


async def list_tags_for_resource(backend: Backend, context: Context, request: Members) -> Members:
    refuse_token(request)
    tags = _find(backend, context, request["ResourceARN"]).tags
    return {"Tags": shown(tags)}


async def tag_resource(backend: Backend, context: Context, request: Members) -> Members:
    new = tags_of(request["Tags"])
    return await _change(backend, context, request["ResourceARN"], lambda tags: {**tags, **new})


async def untag_resource(backend: Backend, context: Context, request: Members) -> Members:
    return await _change(backend, context, request["ResourceARN"], removing(request["TagKeys"]))


async def _change(backend: Backend, context: Context, arn: str, changed: Callable[[Tags], Tags]) -> Members:
    found = _find(backend, context, arn)
    tags = changed(found.tags)
    if len(tags) > _MOST:
        raise TooManyTagsException.tags(_MOST)
    if isinstance(found, SamplingRule):
        await backend.rules.apply(found.key, lambda before: before and dataclasses.replace(before, tags=tags))
    else:
        await backend.groups.apply(found.key, lambda before: before and dataclasses.replace(before, tags=tags))
    return {}


def _find(backend: Backend, context: Context, arn: str) -> SamplingRule | TraceGroup:
    """Raises ResourceNotFoundException."""
    for group in backend.groups.list(context.account, context.region):
        if group.arn == arn:
            return group
    for rule in backend.rules.list(context.account, context.region):
        if rule.key.arn == arn:
            return rule
    raise ResourceNotFoundException.arn(arn)
