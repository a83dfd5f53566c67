"""Tags of alarms.

AWS: docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_TagResource.html
"""

import dataclasses
from collections.abc import Callable
from typing import Final

from lambdad.errors.cloudwatch import InvalidParameterValueException, ResourceNotFoundException
from lambdad.protocols.context import Context, Members
from lambdad.resources.alarm import Alarm, AlarmKey
from lambdad.services.cloudwatch.backend import Backend
from lambdad.services.tags import Tags, adding, removing, shown
from lambdad.store.alarms import AlarmChange

MOST_TAGS: Final = 50


async def list_tags_for_resource(backend: Backend, context: Context, request: Members) -> Members:
    alarm = backend.alarms.get(_key_of(context, request["ResourceARN"]))
    if alarm is None:
        raise ResourceNotFoundException.arn(request["ResourceARN"])
    return {"Tags": shown(alarm.tags)}


async def tag_resource(backend: Backend, context: Context, request: Members) -> Members:
    return await _change(backend, context, request["ResourceARN"], adding(request["Tags"]))


async def untag_resource(backend: Backend, context: Context, request: Members) -> Members:
    return await _change(backend, context, request["ResourceARN"], removing(request["TagKeys"]))


async def _change(backend: Backend, context: Context, arn: str, changed: Callable[[Tags], Tags]) -> Members:
    """Raises ResourceNotFoundException, InvalidParameterValueException."""

    def decide(before: Alarm | None) -> AlarmChange:
        if before is None:
            raise ResourceNotFoundException.arn(arn)
        tags = changed(before.tags)
        if len(tags) > MOST_TAGS:
            raise InvalidParameterValueException.size("Tags", MOST_TAGS)
        return AlarmChange(dataclasses.replace(before, tags=tags))

    await backend.alarms.change(_key_of(context, arn), decide)
    return {}


def _key_of(context: Context, arn: str) -> AlarmKey:
    """Raises InvalidParameterValueException, ResourceNotFoundException."""
    parts = arn.split(":", 6)
    if len(parts) < 7 or parts[2] != "cloudwatch" or parts[5] != "alarm":
        raise InvalidParameterValueException.value(arn, "ResourceARN")
    if (parts[3], parts[4]) != (context.region, context.account):
        raise ResourceNotFoundException.arn(arn)
    return AlarmKey(context.account, context.region, parts[6])
