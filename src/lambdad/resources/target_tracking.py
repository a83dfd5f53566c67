"""How much capacity target tracking wants. Pure.

AWS: docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html. Out at once and as far as
the metric says; in only step by step, and only as far as the highest of the last minutes allows. Of several policies the one that
wants most decides, and all must agree before any capacity goes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lambdad.resources.scalable_target import Policy, ScalableTarget

HIGH_PERIODS: Final = 3
LOW_PERIODS: Final = 15
"""Minutes that must be above, or below, before anything happens."""
LOW_SHARE: Final = 0.9
"""Of the target value: what is between is left alone."""
_STEP: Final = 10
"""A tenth of the capacity goes at a time, at least one."""


@dataclass(frozen=True, slots=True)
class Observed:
    """Of one policy's metric; `high`, `low`: its alarms are in ALARM. Values by minute, in the order of time."""

    high: bool
    low: bool
    high_values: Sequence[float]
    low_values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Wanted:
    capacity: int
    policy: str
    out: bool


def wanted(target: ScalableTarget, current: int, observed: dict[str, Observed], now: float) -> Wanted | None:
    """`observed`: by policy. None: it stays as it is."""
    out = [
        (capacity, name)
        for name, seen in observed.items()
        if (capacity := _out(target, target.policies[name], seen, current, now)) is not None
    ]
    if out:
        capacity, name = max(out)
        return None if target.is_suspended("DynamicScalingOut") else Wanted(capacity, name, True)
    scaling_in = [name for name in observed if target.policies[name].scales_in]
    if target.is_suspended("DynamicScalingIn") or not scaling_in:
        return None
    least = [_in(target, target.policies[name], observed[name], current, now) for name in scaling_in]
    capacities = [(capacity, name) for capacity, name in zip(least, scaling_in, strict=True) if capacity is not None]
    if len(capacities) < len(scaling_in):
        return None
    capacity, name = max(capacities)
    return Wanted(capacity, name, False) if capacity < current else None


def _out(target: ScalableTarget, policy: Policy, seen: Observed, current: int, now: float) -> int | None:
    """More than there is. While the last step cools down, only what is beyond it counts: the metric does not know of it yet."""
    if not seen.high or not seen.high_values:
        return None
    cooling = _cooling(policy, "ScaleOutCooldown", target.out_at, now)
    base = target.out_from if cooling and target.out_from is not None else current
    capacity = min(_needed(base, seen.high_values[-1], policy), target.maximum)
    return capacity if capacity > current else None


def _in(target: ScalableTarget, policy: Policy, seen: Observed, current: int, now: float) -> int | None:
    """Less than there is, or None: it is not to be less."""
    if not seen.low or not seen.low_values:
        return None
    if any(_cooling(policy, "ScaleInCooldown", at, now) for at in (target.in_at, target.out_at)):
        return None
    step = current - max(current // _STEP, 1)
    return max(_needed(current, max(seen.low_values), policy), step, target.minimum)


def _needed(capacity: int, value: float, policy: Policy) -> int:
    """What would bring the metric to its target: it falls as capacity grows."""
    return math.ceil(round(capacity * value / policy.target_value, 6))


def _cooling(policy: Policy, name: str, at: float | None, now: float) -> bool:
    return at is not None and now - at < policy.settings.get(name, 0)
