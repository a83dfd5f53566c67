"""Application Auto Scaling's scalable targets: provisioned concurrency, within what bounds, by which policies and when. Pure.

AWS: docs.aws.amazon.com/autoscaling/application/userguide/services-that-can-integrate-lambda.html,
…/application-auto-scaling-scheduled-scaling.html
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lambdad.resources.schedule import At, Rate, expression_of, timezone_of

NAMESPACE: Final = "lambda"
DIMENSION: Final = "lambda:function:ProvisionedConcurrency"
_RESOURCE = re.compile(r"function:([a-zA-Z0-9-_]+):([a-zA-Z0-9-_]+)")
_SPANS: Final = (3600.0, 86_400.0, 32 * 86_400.0, 367 * 86_400.0)
"""Seconds back that are searched for the last time of a schedule, one after the other."""


@dataclass(frozen=True, slots=True)
class TargetKey:
    account: str
    region: str
    name: str
    """ResourceId: `function:NAME:QUALIFIER`."""

    @property
    def function(self) -> str:
        return self.name.split(":")[1]

    @property
    def qualifier(self) -> str:
        return self.name.split(":")[2]


def is_resource(text: str) -> bool:
    """A version or an alias of a function."""
    return _RESOURCE.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Target tracking: the only kind that provisioned concurrency has."""

    id: str
    settings: Mapping[str, Any]
    """TargetTrackingScalingPolicyConfiguration."""
    high: str
    low: str
    """UUIDs in its alarms' names; no low one if it does not scale in."""
    created_at: float

    @property
    def target_value(self) -> float:
        return float(self.settings["TargetValue"])

    @property
    def scales_in(self) -> bool:
        return not self.settings.get("DisableScaleIn", False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledAction:
    """Times in seconds since the epoch."""

    id: str
    schedule: str
    timezone: str
    bounds: Mapping[str, int]
    """MinCapacity, MaxCapacity: one or both."""
    created_at: float
    since: float
    """When its schedule was last changed."""
    start: float | None = None
    end: float | None = None
    done: float | None = None
    """The last time that has been acted on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalableTarget:
    key: TargetKey
    id: str
    minimum: int
    maximum: int
    created_at: float
    suspended: Mapping[str, bool] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    actions: Mapping[str, ScheduledAction] = field(default_factory=dict)
    settled: bool = False
    """Capacity has been brought within the bounds since they were last said."""
    out_at: float | None = None
    out_from: int | None = None
    in_at: float | None = None
    """When a policy has last scaled, and from how much."""

    @property
    def arn(self) -> str:
        key = self.key
        return f"arn:aws:application-autoscaling:{key.region}:{key.account}:scalable-target/{self.id}"

    @property
    def role(self) -> str:
        """AWS's service-linked one: nobody is asked for another."""
        name = "lambda.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_LambdaConcurrency"
        return f"arn:aws:iam::{self.key.account}:role/aws-service-role/{name}"

    def is_suspended(self, what: str) -> bool:
        """`what`: DynamicScalingIn, DynamicScalingOut or ScheduledScaling."""
        return self.suspended.get(f"{what}Suspended", False)


def policy_arn(key: TargetKey, name: str, policy: Policy) -> str:
    place = f"{key.region}:{key.account}"
    return f"arn:aws:autoscaling:{place}:scalingPolicy:{policy.id}:resource/{NAMESPACE}/{key.name}:policyName/{name}"


def action_arn(key: TargetKey, name: str, action: ScheduledAction) -> str:
    place, about = f"{key.region}:{key.account}", f"resource/{NAMESPACE}/{key.name}"
    return f"arn:aws:autoscaling:{place}:scheduledAction:{action.id}:{about}:scheduledActionName/{name}"


_POLICY = re.compile(
    r"arn:aws:autoscaling:([a-z0-9-]+):(\d{12}):scalingPolicy:[^:]+:resource/lambda/(function:[^:]+:[^:]+):policyName/(.+)"
)


def policy_named(arn: str) -> tuple[TargetKey, str] | None:
    """The target and the name of a policy of ours, by its ARN."""
    match = _POLICY.fullmatch(arn)
    return (TargetKey(match[2], match[1], match[3]), match[4]) if match is not None else None


# --- Scheduled actions ------------------------------------------------------------------------------------------------


def acts_at(action: ScheduledAction, now: float) -> float | None:
    """When it is to be acted on; what was missed counts, of several times the last one. None: never again."""
    expression, timezone = expression_of(action.schedule), timezone_of(action.timezone)
    if timezone is None:  # the host has forgotten it
        return None
    if isinstance(expression, At):
        return None if action.done is not None else expression.next(0, -math.inf, timezone)
    start = action.since if action.start is None else action.start
    anchor = start + expression.seconds if isinstance(expression, Rate) and action.start is None else start
    earliest = math.nextafter(max(action.since, start), 0) if action.done is None else action.done
    end = math.inf if action.end is None else action.end

    def following(after: float) -> float | None:
        found = expression.next(anchor, max(after, earliest), timezone)
        return found if found is not None and found <= end else None

    first = following(earliest)
    if first is None or first > now:
        return first
    for span in _SPANS:
        last = following(now - span)
        if last is not None and last <= now:
            while (later := following(last)) is not None and later <= now:
                last = later
            return last
    return following(now)


def is_over(action: ScheduledAction, now: float) -> bool:
    """It is deleted: it will never be acted on again."""
    return acts_at(action, now) is None
