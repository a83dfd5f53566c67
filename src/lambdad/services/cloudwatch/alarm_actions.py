"""What is done when an alarm changes its state: a topic is told, a function is given an event; and the default event bus.

AWS: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html and …/alarms-and-actions-Lambda.html. Committed with
the state, then delivered like what becomes of asynchronous events: at least once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import apsw
import orjson

from lambdad.errors import AccessDeniedException, InvalidParameterValueException, ResourceNotFoundException
from lambdad.ids import new_uuid
from lambdad.invocation.invoke import Functions
from lambdad.resources.alarm import Alarm, AlarmState
from lambdad.resources.function import FunctionKey
from lambdad.resources.scalable_target import policy_named
from lambdad.services.function_access import INVOKE, invocable
from lambdad.services.outbox import Outbox, Outgoing
from lambdad.store.alarms import HistoryItem
from lambdad.store.deliveries import Delivery
from lambdad.store.queue import Event

_PRINCIPAL: Final = "lambda.alarms.cloudwatch.amazonaws.com"


@dataclass(frozen=True, slots=True)
class Consequences:
    """Of one change of state; `history`: what each action came to."""

    outgoing: Outgoing
    history: Sequence[HistoryItem]


class AlarmActions:
    def __init__(self, functions: Functions, outbox: Outbox) -> None:
        self._functions = functions
        self._outbox = outbox

    def of_change(self, alarm: Alarm, before: AlarmState) -> Consequences:
        """`alarm`: as it is now, in another state than before."""
        deliveries, events, history = [_state_change(alarm, before)], [], []
        for arn in alarm.actions(alarm.state.value) if alarm.actions_enabled else ():
            made = self._made(alarm, before, arn)
            if isinstance(made, Delivery):
                deliveries.append(made)
            elif isinstance(made, Event):
                events.append(made)
            history.append(_action_item(alarm, arn, made if isinstance(made, str) else None))
        return Consequences(self._outbox.numbered(deliveries, events), history)

    def insert(self, connection: apsw.Connection, consequences: Consequences) -> None:
        """In the transaction that commits the state."""
        self._outbox.insert(connection, consequences.outgoing)

    def committed(self, consequences: Consequences) -> None:
        self._outbox.committed(consequences.outgoing)

    def _made(self, alarm: Alarm, before: AlarmState, arn: str) -> Delivery | Event | str | None:
        """Or why there is none. None: what it is about hears of the alarm's change by itself."""
        service = arn.split(":")[2] if arn.count(":") >= 5 else ""
        if service == "sns":
            return _notification(alarm, before, arn)
        if service == "lambda":
            return self._invocation(alarm, before, arn)
        if service == "autoscaling" and policy_named(arn) is not None:
            return None
        return f"lambdad performs no actions of the service {service or arn!r}"

    def _invocation(self, alarm: Alarm, before: AlarmState, arn: str) -> Event | str:
        try:
            key, qualifier = invocable(self._functions, arn, _PRINCIPAL, alarm.key.arn, alarm.key.account)
        except (ResourceNotFoundException, InvalidParameterValueException) as error:
            return error.message
        except AccessDeniedException:
            return (
                f"CloudWatch Alarms is not authorized to perform: {INVOKE} on the resource because no resource-based "
                f"policy allows the {INVOKE} action"
            )
        now = alarm.state.updated
        return Event(
            request_id=new_uuid(),
            key=key,
            qualifier=qualifier,
            payload=orjson.dumps(event_of(alarm, before)),
            client_context=None,
            trace_id=None,
            accepted_at=now,
            due_at=now,
        )


def _notification(alarm: Alarm, before: AlarmState, arn: str) -> Delivery:
    key, now = alarm.key, alarm.state.updated
    subject = f'{alarm.state.value}: "{key.name}" in {key.region}'
    return Delivery(
        kind="alarm",
        key=FunctionKey(key.account, key.region, key.name),
        request_id=new_uuid(),
        target=arn,
        body=orjson.dumps(message_of(alarm, before)),
        context={"subject": subject.encode("ascii", "replace").decode()[:100]},
        begun_at=now,
        due_at=now,
    )


def _state_change(alarm: Alarm, before: AlarmState) -> Delivery:
    """For the default event bus: of every change, whatever else is done about it.

    AWS: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
    """
    key, now = alarm.key, alarm.state.updated
    return Delivery(
        kind="bus",
        key=FunctionKey(key.account, key.region, key.name),
        request_id=new_uuid(),
        target=f"arn:aws:events:{key.region}:{key.account}:event-bus/default",
        body=orjson.dumps(event_of(alarm, before)["alarmData"]),
        context={"source": key.arn, "detail_type": "CloudWatch Alarm State Change"},
        begun_at=now,
        due_at=now,
    )


def _action_item(alarm: Alarm, arn: str, failure: str | None) -> HistoryItem:
    data: dict[str, Any] = {
        "version": "1.0",
        "actionState": "Succeeded" if failure is None else "Failed",
        "stateUpdateTimestamp": int(alarm.state.updated * 1000),
        "notificationResource": arn,
    }
    if failure is not None:
        data["error"] = failure
    summary = f"Successfully executed action {arn}" if failure is None else f"Failed to execute action {arn}"
    return HistoryItem(alarm.key, "Action", alarm.state.updated, summary[:255], orjson.dumps(data).decode())


# --- Documents --------------------------------------------------------------------------------------------------------


def time_of(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


def event_of(alarm: Alarm, before: AlarmState) -> dict[str, Any]:
    """What a function is given."""
    settings = alarm.settings
    configuration: dict[str, Any] = {"metrics": [_metric_of(one) for one in metrics_of(alarm)]}
    if settings.get("AlarmDescription") is not None:
        configuration = {"description": settings["AlarmDescription"], **configuration}
    return {
        "source": "aws.cloudwatch",
        "alarmArn": alarm.key.arn,
        "accountId": alarm.key.account,
        "time": time_of(alarm.state.updated),
        "region": alarm.key.region,
        "alarmData": {
            "alarmName": alarm.key.name,
            "state": _state_of(alarm.state),
            "previousState": _state_of(before),
            "configuration": configuration,
        },
    }


def _state_of(state: AlarmState) -> dict[str, Any]:
    found = {"value": state.value, "reason": state.reason, "timestamp": time_of(state.updated)}
    if state.reason_data is not None:
        found["reasonData"] = state.reason_data
    return found


def metrics_of(alarm: Alarm) -> Sequence[Mapping[str, Any]]:
    """As MetricDataQueries, also of an alarm that names its one metric directly."""
    settings = alarm.settings
    if settings.get("Metrics"):
        queries: Sequence[Mapping[str, Any]] = settings["Metrics"]
        return queries
    metric = {name: settings[name] for name in ("Namespace", "MetricName", "Dimensions") if settings.get(name)}
    stat = {
        "Metric": metric,
        "Period": settings["Period"],
        "Stat": settings.get("Statistic") or settings["ExtendedStatistic"],
    }
    if settings.get("Unit"):
        stat["Unit"] = settings["Unit"]
    return [{"Id": "m1", "MetricStat": stat, "ReturnData": True}]


def _metric_of(query: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"id": query["Id"]}
    stat = query.get("MetricStat")
    if stat is not None:
        metric = stat["Metric"]
        dimensions = {one["Name"]: one["Value"] for one in metric.get("Dimensions") or ()}
        named = {"namespace": metric.get("Namespace"), "name": metric.get("MetricName"), "dimensions": dimensions}
        found["metricStat"] = {"metric": named, "period": stat["Period"], "stat": stat["Stat"]}
        if stat.get("Unit"):
            found["metricStat"]["unit"] = stat["Unit"]
    else:
        found["expression"] = query["Expression"]
    if query.get("Label"):
        found["label"] = query["Label"]
    found["returnData"] = query.get("ReturnData", True)
    return found


def message_of(alarm: Alarm, before: AlarmState) -> dict[str, Any]:
    """What a topic is sent."""
    settings, state, key = alarm.settings, alarm.state, alarm.key
    return {
        "AlarmName": key.name,
        "AlarmDescription": settings.get("AlarmDescription"),
        "AWSAccountId": key.account,
        "AlarmConfigurationUpdatedTimestamp": time_of(alarm.configured_at),
        "NewStateValue": state.value,
        "NewStateReason": state.reason,
        "StateChangeTime": time_of(state.updated),
        "Region": key.region,
        "AlarmArn": key.arn,
        "OldStateValue": before.value,
        **{name: settings.get(name) or [] for name in ("OKActions", "AlarmActions", "InsufficientDataActions")},
        "Trigger": _trigger_of(settings),
    }


def _trigger_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    trigger: dict[str, Any] = {}
    if settings.get("Metrics"):
        trigger["Metrics"] = settings["Metrics"]
    else:
        statistic = settings.get("Statistic")
        trigger = {"MetricName": settings["MetricName"], "Namespace": settings["Namespace"]}
        trigger["StatisticType"] = "Statistic" if statistic else "ExtendedStatistic"
        trigger["Statistic" if statistic else "ExtendedStatistic"] = (
            _UPPER[statistic] if statistic else settings["ExtendedStatistic"]
        )
        dimensions = [{"value": one["Value"], "name": one["Name"]} for one in settings.get("Dimensions") or ()]
        trigger |= {"Unit": settings.get("Unit"), "Dimensions": dimensions, "Period": settings["Period"]}
    names = ("EvaluationPeriods", "DatapointsToAlarm", "ComparisonOperator", "Threshold")
    trigger |= {name: settings[name] for name in names if settings.get(name) is not None}
    trigger["TreatMissingData"] = settings.get("TreatMissingData") or ""
    trigger["EvaluateLowSampleCountPercentile"] = settings.get("EvaluateLowSampleCountPercentile") or ""
    return trigger


_UPPER: Final = {
    "SampleCount": "SAMPLE_COUNT",
    "Average": "AVERAGE",
    "Sum": "SUM",
    "Minimum": "MINIMUM",
    "Maximum": "MAXIMUM",
}
