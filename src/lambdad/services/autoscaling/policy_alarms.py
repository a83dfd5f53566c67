"""The two alarms of a target tracking policy, which say when to scale; CloudWatch evaluates them like any other.

AWS: docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html (the alarms that AWS makes)
"""

import logging
from collections.abc import Mapping
from typing import Any

from lambdad.errors import ServiceError
from lambdad.errors.autoscaling import InvalidScalingRequest
from lambdad.errors.cloudwatch import ResourceNotFound
from lambdad.ids import new_uuid
from lambdad.protocols.context import Context
from lambdad.resources.alarm import ALARM, AlarmKey
from lambdad.resources.scalable_target import Policy, ScalableTarget, TargetKey, policy_arn, policy_named
from lambdad.resources.target_tracking import HIGH_PERIODS, LOW_PERIODS, LOW_SHARE, Observed
from lambdad.services.cloudwatch.alarms import delete_alarms, put_metric_alarm
from lambdad.services.cloudwatch.backend import Backend
from lambdad.store.scalable_targets import ScalableTargets

log = logging.getLogger(__name__)


class PolicyAlarms:
    def __init__(self, cloudwatch: Backend) -> None:
        self._cloudwatch = cloudwatch

    async def put(self, key: TargetKey, name: str, policy: Policy) -> None:
        """Raises InvalidScalingRequest."""
        about = _watched(key, policy)
        arn = policy_arn(key, name, policy)
        target = policy.target_value
        bounds = {names_of(key, policy)[0]: ("GreaterThanThreshold", target, HIGH_PERIODS)}
        if policy.scales_in:
            bounds[names_of(key, policy)[1]] = ("LessThanThreshold", target * LOW_SHARE, LOW_PERIODS)
        try:
            for alarm, (comparison, threshold, periods) in bounds.items():
                request = {
                    **about,
                    "AlarmName": alarm,
                    "AlarmDescription": f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {arn}.",
                    "AlarmActions": [arn],
                    "ComparisonOperator": comparison,
                    "Threshold": threshold,
                    "EvaluationPeriods": periods,
                }
                await put_metric_alarm(self._cloudwatch, _context(key), request)
        except ServiceError as error:
            raise InvalidScalingRequest.alarms(error.message) from error
        if not policy.scales_in:
            await self._delete(key, [names_of(key, policy)[1]])

    async def remove(self, key: TargetKey, policy: Policy) -> None:
        await self._delete(key, names_of(key, policy))

    async def _delete(self, key: TargetKey, names: list[str]) -> None:
        try:
            await delete_alarms(self._cloudwatch, _context(key), {"AlarmNames": names})
        except ResourceNotFound:
            return

    async def make_so(self, targets: ScalableTargets) -> None:
        """What a crash left: alarms that no policy has any more go, those that are missing come."""
        for alarm in self._cloudwatch.alarms.all():
            for arn in alarm.actions(ALARM):
                named = policy_named(arn)
                if named is not None and not _has(targets.get(named[0]), named[1], alarm.key.name):
                    await self._delete(named[0], [alarm.key.name])
        for target in targets.all():
            for name, policy in target.policies.items():
                if any(self._cloudwatch.alarms.get(one) is None for one in alarms_of(target.key, policy)):
                    await self.put(target.key, name, policy)

    async def observed(self, key: TargetKey, policy: Policy) -> Observed:
        """What its alarms say now."""
        states, values = [False, False], [[], []]  # type: tuple[list[bool], list[list[float]]]
        for at, alarm_key in enumerate(alarms_of(key, policy)):
            alarm = self._cloudwatch.alarms.get(alarm_key)
            if alarm is not None and alarm.state.value == ALARM:
                states[at] = True
                values[at] = await self._cloudwatch.supervisor.recent_values(alarm)
        return Observed(states[0], states[1], values[0], values[1])


def names_of(key: TargetKey, policy: Policy) -> list[str]:
    return [f"TargetTracking-{key.name}-AlarmHigh-{policy.high}", f"TargetTracking-{key.name}-AlarmLow-{policy.low}"]


def alarms_of(key: TargetKey, policy: Policy) -> list[AlarmKey]:
    """Those that there are."""
    names = names_of(key, policy) if policy.scales_in else names_of(key, policy)[:1]
    return [AlarmKey(key.account, key.region, name) for name in names]


def _has(target: ScalableTarget | None, name: str, alarm: str) -> bool:
    policy = target.policies.get(name) if target is not None else None
    return target is not None and policy is not None and alarm in names_of(target.key, policy)


def _watched(key: TargetKey, policy: Policy) -> dict[str, Any]:
    """What PutMetricAlarm takes of the metric."""
    customized: Mapping[str, Any] | None = policy.settings.get("CustomizedMetricSpecification")
    if customized is None:
        resource = {"Name": "Resource", "Value": f"{key.function}:{key.qualifier}"}
        return {
            "Namespace": "AWS/Lambda",
            "MetricName": "ProvisionedConcurrencyUtilization",
            "Dimensions": [{"Name": "FunctionName", "Value": key.function}, resource],
            "Statistic": "Average",
            "Period": 60,
        }
    if "Metrics" in customized:
        return {"Metrics": [_with_period(query) for query in customized["Metrics"]]}
    return {**customized, "Period": 60}


def _with_period(query: Mapping[str, Any]) -> dict[str, Any]:
    stat = query.get("MetricStat")
    return {**query, "MetricStat": {**stat, "Period": 60}} if stat is not None else dict(query)


def _context(key: TargetKey) -> Context:
    return Context(key.account, key.region, new_uuid(), None, "")
