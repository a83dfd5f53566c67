"""Metric alarms: put, described, deleted, set, switched on and off.

AWS: docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html and its neighbours. The operations commit what
is wished; `alarm_supervisor.py` says what state an alarm is in.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from lambdad.errors.cloudwatch import InvalidFormatFault, LimitExceededFault, ResourceNotFound, ValidationError
from lambdad.protocols.context import Context, Members
from lambdad.resources.alarm import Alarm, AlarmKey, AlarmState, initial_state
from lambdad.services.cloudwatch.alarm_rules import check_alarm, settings_of
from lambdad.services.cloudwatch.backend import Backend
from lambdad.services.cloudwatch.pages import page_by_name, page_by_number
from lambdad.services.cloudwatch.queries import dimensions_of
from lambdad.services.cloudwatch.tags import MOST_TAGS
from lambdad.store.alarms import AlarmChange, HistoryItem

_MOST_ALARMS: Final = 5000
"""Of an account in a region."""


async def put_metric_alarm(backend: Backend, context: Context, request: Members) -> Members:
    """One that is there keeps its state and its tags, and is otherwise replaced."""
    check_alarm(context, request)
    key = AlarmKey(context.account, context.region, request["AlarmName"])
    now = backend.clock.now()
    settings = settings_of(request)
    tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags") or ()}
    if len(tags) > MOST_TAGS:
        raise ValidationError.tags(MOST_TAGS)
    if backend.alarms.get(key) is None and len(backend.alarms.list(key.account, key.region)) >= _MOST_ALARMS:
        raise LimitExceededFault.alarms(_MOST_ALARMS)

    def decide(before: Alarm | None) -> AlarmChange:
        if before is None:
            alarm = Alarm(key=key, settings=settings, configured_at=now, state=initial_state(now), tags=tags)
        else:
            alarm = dataclasses.replace(before, settings=settings, configured_at=now)
        return AlarmChange(alarm, (_configuration_item(alarm, before, now),))

    await backend.alarms.change(key, decide)
    backend.supervisor.evaluate_soon(key)
    return {}


def _configuration_item(alarm: Alarm, before: Alarm | None, now: float) -> HistoryItem:
    kind, done, name = ("Update", "updated", "updatedAlarm") if before else ("Create", "created", "createdAlarm")
    data: dict[str, Any] = {"version": "1.0", "type": kind, name: alarm.settings}
    return _item(alarm, now, done, data)


def _item(alarm: Alarm, now: float, done: str, data: Mapping[str, Any]) -> HistoryItem:
    text = orjson.dumps(data).decode()
    if len(text) > 4095:
        text = orjson.dumps({"version": "1.0", "type": data["type"]}).decode()
    return HistoryItem(alarm.key, "ConfigurationUpdate", now, f'Alarm "{alarm.key.name}" {done}'[:255], text)


async def delete_alarms(backend: Backend, context: Context, request: Members) -> Members:
    """Those that there are go, whatever else is named."""
    now = backend.clock.now()
    missing = []

    def decide(before: Alarm | None) -> AlarmChange | None:
        if before is None:
            return None
        data = {"version": "1.0", "type": "Delete", "deletedAlarm": before.settings}
        return AlarmChange(None, (_item(before, now, "deleted", data),))

    for name in request["AlarmNames"]:
        change = await backend.alarms.change(AlarmKey(context.account, context.region, name), decide)
        if change is None:
            missing.append(name)
    if missing:
        raise ResourceNotFound.alarm(missing[0])
    return {}


async def set_alarm_state(backend: Backend, context: Context, request: Members) -> Members:
    """Until the next evaluation, which may say otherwise."""
    data = request.get("StateReasonData")
    if data is not None:
        try:
            orjson.loads(data)
        except ValueError as error:
            raise InvalidFormatFault.reason_data() from error
    now = backend.clock.now()

    def reached(before: Alarm) -> AlarmState:
        value = request["StateValue"]
        transitioned = now if value != before.state.value else before.state.transitioned
        return AlarmState(value, request["StateReason"], now, transitioned, data)

    key = AlarmKey(context.account, context.region, request["AlarmName"])
    if not await backend.supervisor.change_state(key, reached):
        raise ResourceNotFound.alarm(key.name)
    return {}


async def enable_alarm_actions(backend: Backend, context: Context, request: Members) -> Members:
    return await _switch(backend, context, request["AlarmNames"], True)


async def disable_alarm_actions(backend: Backend, context: Context, request: Members) -> Members:
    return await _switch(backend, context, request["AlarmNames"], False)


async def _switch(backend: Backend, context: Context, names: Iterable[str], enabled: bool) -> Members:
    """Names that no alarm has are passed over, as on AWS."""
    now = backend.clock.now()

    def decide(before: Alarm | None) -> AlarmChange | None:
        if before is None or before.actions_enabled == enabled:
            return None
        alarm = dataclasses.replace(before, settings={**before.settings, "ActionsEnabled": enabled})
        return AlarmChange(alarm, (_configuration_item(alarm, before, now),))

    for name in names:
        await backend.alarms.change(AlarmKey(context.account, context.region, name), decide)
    return {}


# --- Looking ----------------------------------------------------------------------------------------------------------


async def describe_alarms(backend: Backend, context: Context, request: Members) -> Members:
    names, prefix = request.get("AlarmNames"), request.get("AlarmNamePrefix", "")
    state, action = request.get("StateValue"), request.get("ActionPrefix")
    unknown = request.get("ChildrenOfAlarmName") or request.get("ParentsOfAlarmName")  # there are no composite alarms
    if unknown or "MetricAlarm" not in (request.get("AlarmTypes") or ["MetricAlarm"]):
        return {"MetricAlarms": [], "CompositeAlarms": []}
    found = [
        alarm
        for alarm in backend.alarms.list(context.account, context.region)
        if (not names or alarm.key.name in names)
        and alarm.key.name.startswith(prefix)
        and (state is None or alarm.state.value == state)
        and (action is None or any(arn.startswith(action) for one in _ALL for arn in alarm.actions(one)))
    ]
    page, token = page_by_name(found, lambda alarm: alarm.key.name, request)
    members: Members = {"MetricAlarms": [members_of(alarm) for alarm in page], "CompositeAlarms": []}
    return members | ({"NextToken": token} if token else {})


_ALL: Final = ("OK", "ALARM", "INSUFFICIENT_DATA")


async def describe_alarms_for_metric(backend: Backend, context: Context, request: Members) -> Members:
    wanted = dimensions_of(request.get("Dimensions"))
    given = {name: request[name] for name in _OF_METRIC if request.get(name) is not None}
    found = [
        members_of(alarm)
        for alarm in backend.alarms.list(context.account, context.region)
        if dimensions_of(alarm.settings.get("Dimensions")) == wanted
        and all(alarm.settings.get(name) == value for name, value in given.items())
    ]
    return {"MetricAlarms": found}


_OF_METRIC: Final = ("Namespace", "MetricName", "Statistic", "ExtendedStatistic", "Period", "Unit")


async def describe_alarm_history(backend: Backend, context: Context, request: Members) -> Members:
    """The newest first, unless asked otherwise."""
    if "MetricAlarm" not in (request.get("AlarmTypes") or ["MetricAlarm"]):
        return {"AlarmHistoryItems": []}
    start, end = request.get("StartDate", 0.0), request.get("EndDate", backend.clock.now() + 1)
    found = await backend.alarms.history(
        context.account, context.region, request.get("AlarmName"), request.get("HistoryItemType"), start, end
    )
    if request.get("ScanBy", "TimestampDescending") == "TimestampDescending":
        found.reverse()
    page, token = page_by_number(found, lambda item: item.id, request)
    members: Members = {"AlarmHistoryItems": [_history_members(item) for item in page]}
    return members | ({"NextToken": token} if token else {})


def _history_members(item: HistoryItem) -> Members:
    return {
        "AlarmName": item.key.name,
        "AlarmType": "MetricAlarm",
        "Timestamp": item.occurred_at,
        "HistoryItemType": item.kind,
        "HistorySummary": item.summary,
        "HistoryData": item.data,
    }


def members_of(alarm: Alarm) -> Members:
    state = alarm.state
    members: Members = {
        "AlarmName": alarm.key.name,
        "AlarmArn": alarm.key.arn,
        "AlarmConfigurationUpdatedTimestamp": alarm.configured_at,
        "StateValue": state.value,
        "StateReason": state.reason,
        "StateUpdatedTimestamp": state.updated,
        "StateTransitionedTimestamp": state.transitioned,
        **alarm.settings,
    }
    return members | ({"StateReasonData": state.reason_data} if state.reason_data is not None else {})
