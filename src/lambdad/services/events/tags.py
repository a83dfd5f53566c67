"""Tags of buses and rules.

AWS: docs.aws.amazon.com/eventbridge/latest/APIReference/API_TagResource.html
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Final

from lambdad.errors.events import LimitExceededException, ValidationException
from lambdad.protocols.context import Context, Members
from lambdad.resources.event_bus import BusKey, RuleKey, bus_of_arn, rule_of_arn
from lambdad.services.events.backend import Backend, own

_MOST: Final = 50
Tags = Mapping[str, str]


async def list_tags_for_resource(backend: Backend, context: Context, request: Members) -> Members:
    arn = request["ResourceARN"]
    bus, rule = _place_of(context, arn)
    if bus is not None:
        tags = (await backend.bus(bus)).tags
    elif rule is not None:
        tags = backend.rule(rule).tags
    else:
        raise ValidationException.arn(arn)
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


async def tag_resource(backend: Backend, context: Context, request: Members) -> Members:
    new = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
    return await _change(backend, context, request["ResourceARN"], lambda tags: {**tags, **new})


async def untag_resource(backend: Backend, context: Context, request: Members) -> Members:
    gone = frozenset(request["TagKeys"])

    def without(tags: Tags) -> Tags:
        return {key: value for key, value in tags.items() if key not in gone}

    return await _change(backend, context, request["ResourceARN"], without)


async def _change(backend: Backend, context: Context, arn: str, changed: Callable[[Tags], Tags]) -> Members:
    """Raises ValidationException, ResourceNotFoundException, LimitExceededException, AccessDeniedException."""

    def checked(tags: Tags) -> Tags:
        after = changed(tags)
        if len(after) > _MOST:
            raise LimitExceededException.resources()
        return after

    bus, rule = _place_of(context, arn)
    if bus is not None:
        await backend.change_bus(bus, lambda before: dataclasses.replace(before, tags=checked(before.tags)))
    elif rule is not None:
        await backend.change_rule(rule, lambda before: dataclasses.replace(before, tags=checked(before.tags)))
    else:
        raise ValidationException.arn(arn)
    return {}


def _place_of(context: Context, arn: str) -> tuple[BusKey | None, RuleKey | None]:
    """A bus or a rule of the caller's, or neither. Raises AccessDeniedException."""
    bus, rule = bus_of_arn(arn), rule_of_arn(arn)
    if bus is not None or rule is not None:
        own(context, bus or rule.bus)  # type: ignore[union-attr]
    return bus, rule
