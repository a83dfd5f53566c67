"""Rules: what they look for, or when they fire.

AWS: docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, Final

from lambdad.errors.events import (
    LimitExceededException,
    ResourceNotFoundException,
    ValidationException,
)
from lambdad.errors.schedules import InvalidScheduleExpression
from lambdad.protocols.context import Context, Members
from lambdad.resources.event_bus import DEFAULT, LONGEST_PATTERN, MOST_RULES, Rule, RuleKey
from lambdad.resources.event_pattern import pattern_of
from lambdad.resources.schedule import At, Rate, expression_of
from lambdad.services.events.backend import Backend, bus_key, rule_key
from lambdad.services.events.pages import page_of

_SETTINGS: Final = ("EventPattern", "ScheduleExpression", "State", "Description", "RoleArn")


async def put_rule(backend: Backend, context: Context, request: Members) -> Members:
    """One that is there keeps its targets and tags, and is otherwise replaced."""
    key = rule_key(context, request.get("EventBusName"), request["Name"])
    if not backend.intake.router.exists(key.bus):
        raise ResourceNotFoundException.bus(key.bus.name)
    settings = {"State": "ENABLED", **{name: request[name] for name in _SETTINGS if request.get(name)}}
    _check(key, settings)
    tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags") or ()}
    now = backend.clock.now()

    def change(before: Rule | None) -> Rule:
        if before is None and len(backend.rules.of_bus(key.bus)) >= MOST_RULES:
            raise LimitExceededException.resources()
        if before is None:
            return Rule(key=key, settings=settings, tags=tags, scheduled_at=now)
        return _with_settings(before, settings, now)

    await backend.rules.apply(key, change)
    return {"RuleArn": key.arn}


def _with_settings(before: Rule, settings: dict[str, Any], now: float) -> Rule:
    """A schedule counts from when it is set, or the rule enabled."""
    after = dataclasses.replace(before, settings=settings)
    same = after.schedule == before.schedule and (before.enabled or not after.enabled)
    return after if same else dataclasses.replace(after, scheduled_at=now)


def _check(key: RuleKey, settings: dict[str, Any]) -> None:
    """Raises ValidationException, InvalidEventPatternException."""
    pattern, schedule = settings.get("EventPattern"), settings.get("ScheduleExpression")
    if not pattern and not schedule:
        raise ValidationException.neither_pattern_nor_schedule()
    if pattern and len(pattern) > LONGEST_PATTERN:
        raise ValidationException.pattern_size(key.rule, LONGEST_PATTERN)
    if pattern:
        pattern_of(pattern)
    if schedule and key.bus.name != DEFAULT:
        raise ValidationException.schedule_of_custom_bus()
    if schedule:
        _check_schedule(schedule)


def _check_schedule(text: str) -> None:
    """Raises ValidationException."""
    try:
        expression = expression_of(text)
    except InvalidScheduleExpression as error:
        raise ValidationException.schedule() from error
    if isinstance(expression, At) or (isinstance(expression, Rate) and not expression.grammatical):
        raise ValidationException.schedule()


async def enable_rule(backend: Backend, context: Context, request: Members) -> Members:
    return await _switch(backend, context, request, "ENABLED")


async def disable_rule(backend: Backend, context: Context, request: Members) -> Members:
    return await _switch(backend, context, request, "DISABLED")


async def _switch(backend: Backend, context: Context, request: Members, state: str) -> Members:
    now = backend.clock.now()
    key = rule_key(context, request.get("EventBusName"), request["Name"])
    await backend.change_rule(key, lambda rule: _with_settings(rule, {**rule.settings, "State": state}, now))
    return {}


async def delete_rule(backend: Backend, context: Context, request: Members) -> Members:
    """One that there is not is deleted already."""

    def change(before: Rule | None) -> None:
        if before is not None and before.targets:
            raise ValidationException.rule_has_targets()

    await backend.rules.apply(rule_key(context, request.get("EventBusName"), request["Name"]), change)
    return {}


async def describe_rule(backend: Backend, context: Context, request: Members) -> Members:
    rule = backend.rule(rule_key(context, request.get("EventBusName"), request["Name"]))
    return {**_members_of(rule), "CreatedBy": rule.key.account}


def _members_of(rule: Rule) -> Members:
    return {"Name": rule.key.rule, "Arn": rule.key.arn, "EventBusName": rule.key.bus.name, **rule.settings}


async def list_rules(backend: Backend, context: Context, request: Members) -> Members:
    prefix = request.get("NamePrefix", "")
    found = [rule for rule in _rules_of(backend, context, request) if rule.key.rule.startswith(prefix)]
    page, more = page_of(found, lambda rule: rule.key.rule, request)
    return {"Rules": [_members_of(rule) for rule in page], **more}


async def list_rule_names_by_target(backend: Backend, context: Context, request: Members) -> Members:
    arn = request["TargetArn"]
    names = [
        rule.key.rule
        for rule in _rules_of(backend, context, request)
        if any(target["Arn"] == arn for target in rule.targets)
    ]
    page, more = page_of(names, str, request)
    return {"RuleNames": page, **more}


def _rules_of(backend: Backend, context: Context, request: Members) -> Sequence[Rule]:
    """Raises ResourceNotFoundException."""
    bus = bus_key(context, request.get("EventBusName"))
    if not backend.intake.router.exists(bus):
        raise ResourceNotFoundException.bus(bus.name)
    return sorted(backend.rules.of_bus(bus), key=lambda rule: rule.key.rule)
