"""Operations on scaling policies: target tracking, the only kind that provisioned concurrency has.

AWS: docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html and its neighbours. A policy's alarms are
made before it is committed, and go after it: what a crash leaves in between is put right at the next start (`policy_alarms.py`).
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from lambdad.errors.autoscaling import InvalidScalingRequest, ObjectNotFoundException, ScalingLimitExceeded
from lambdad.ids import new_uuid
from lambdad.protocols.context import Context, Members
from lambdad.resources.scalable_target import Policy, ScalableTarget, policy_arn
from lambdad.services.autoscaling.backend import Backend, key_of
from lambdad.services.autoscaling.pages import about, page_of, targets_of
from lambdad.services.autoscaling.policy_alarms import alarms_of

_KIND: Final = "TargetTrackingScaling"
_CONFIGURATION: Final = "TargetTrackingScalingPolicyConfiguration"
_PREDEFINED: Final = "LambdaProvisionedConcurrencyUtilization"
_OF_METRIC: Final = ("MetricName", "Namespace", "Statistic")
_MOST: Final = 50
"""Of a target."""


async def put_scaling_policy(backend: Backend, context: Context, request: Members) -> Members:
    """One of that name is changed: it keeps its ARN and its alarms."""
    key, name = key_of(context, request), request["PolicyName"]
    before = backend.target(key).policies.get(name)
    settings = _settings(request, before)
    if before is None:
        now = backend.clock.now()
        policy = Policy(id=new_uuid(), settings=settings, high=new_uuid(), low=new_uuid(), created_at=now)
    else:
        policy = dataclasses.replace(before, settings=settings)
    await backend.alarms.put(key, name, policy)

    def change(target: ScalableTarget) -> ScalableTarget:
        if name not in target.policies and len(target.policies) >= _MOST:
            raise ScalingLimitExceeded.of("scaling policies of a target", _MOST)
        return dataclasses.replace(target, policies={**target.policies, name: policy})

    try:
        target = await backend.change(key, change)
    except (ObjectNotFoundException, ScalingLimitExceeded):
        await backend.alarms.remove(key, policy)
        raise
    return {"PolicyARN": policy_arn(key, name, policy), "Alarms": _alarms(target, policy)}


async def delete_scaling_policy(backend: Backend, context: Context, request: Members) -> Members:
    key, name = key_of(context, request), request["PolicyName"]
    gone: list[Policy] = []

    def change(target: ScalableTarget) -> ScalableTarget:
        policy = target.policies.get(name)
        if policy is None:
            raise ObjectNotFoundException.policy(key.name, name)
        gone.append(policy)
        return dataclasses.replace(target, policies={one: it for one, it in target.policies.items() if one != name})

    await backend.change(key, change)
    await backend.alarms.remove(key, gone[0])
    return {}


async def describe_scaling_policies(backend: Backend, context: Context, request: Members) -> Members:
    names = request.get("PolicyNames")
    found = [
        (f"{target.key.name}/{name}", name, target, policy)
        for target in targets_of(backend, context, request)
        for name, policy in sorted(target.policies.items())
        if not names or name in names
    ]
    page, token = page_of(found, lambda one: one[0], request)
    return {
        "ScalingPolicies": [
            {
                **about(target),
                "PolicyARN": policy_arn(target.key, name, policy),
                "PolicyName": name,
                "PolicyType": _KIND,
                _CONFIGURATION: policy.settings,
                "Alarms": _alarms(target, policy),
                "CreationTime": policy.created_at,
            }
            for _, name, target, policy in page
        ],
        "NextToken": token,
    }


def _alarms(target: ScalableTarget, policy: Policy) -> list[dict[str, str]]:
    return [{"AlarmName": key.name, "AlarmARN": key.arn} for key in alarms_of(target.key, policy)]


def _settings(request: Members, before: Policy | None) -> Mapping[str, Any]:
    """Raises InvalidScalingRequest."""
    kind = request.get("PolicyType", _KIND if before is not None or _CONFIGURATION in request else "StepScaling")
    if kind != _KIND:
        raise InvalidScalingRequest.policy_type(kind)
    settings: Mapping[str, Any] | None = request.get(_CONFIGURATION)
    if settings is None:
        raise InvalidScalingRequest.configuration_missing()
    predefined, customized = (settings.get(f"{name}MetricSpecification") for name in ("Predefined", "Customized"))
    if (predefined is None) == (customized is None):
        raise InvalidScalingRequest.one_metric()
    if predefined is not None and predefined["PredefinedMetricType"] != _PREDEFINED:
        raise InvalidScalingRequest.predefined(predefined["PredefinedMetricType"])
    if customized is not None and not ("Metrics" in customized or all(name in customized for name in _OF_METRIC)):
        raise InvalidScalingRequest.customized()
    if settings["TargetValue"] <= 0:
        raise InvalidScalingRequest.target_value()
    if any(settings.get(name, 0) < 0 for name in ("ScaleOutCooldown", "ScaleInCooldown")):
        raise InvalidScalingRequest.cooldown()
    return settings
