"""Target tracking and scheduled actions, by examples and against what must hold of any of them."""

import dataclasses
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from lambdad.resources.scalable_target import Policy, ScalableTarget, ScheduledAction, TargetKey, acts_at
from lambdad.resources.target_tracking import Observed, Wanted, wanted

KEY = TargetKey("000000000000", "us-east-1", "function:f:live")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


def target(minimum: int = 1, maximum: int = 100, policies: int = 1, **more: Any) -> ScalableTarget:
    settings = {"TargetValue": 0.7, **more.pop("settings", {})}
    policy = Policy(id="i", settings=settings, high="h", low="l", created_at=0)
    made = {f"p{number}": policy for number in range(policies)}
    bounds = {"minimum": minimum, "maximum": maximum}
    return ScalableTarget(key=KEY, id="t", created_at=0, policies=made, settled=True, **bounds, **more)


def high(*values: float) -> Observed:
    return Observed(True, False, values, ())


def low(*values: float) -> Observed:
    return Observed(False, True, (), values)


QUIET = Observed(False, False, (), ())


def test_out_at_once_as_far_as_the_metric_says() -> None:
    assert wanted(target(), 10, {"p0": high(0.8, 0.9, 1.0)}, NOON) == Wanted(15, "p0", True)
    assert wanted(target(maximum=12), 10, {"p0": high(1.0)}, NOON) == Wanted(12, "p0", True)
    assert wanted(target(maximum=10), 10, {"p0": high(1.0)}, NOON) is None
    assert wanted(target(), 10, {"p0": high(0.5)}, NOON) is None  # it has fallen since
    assert wanted(target(), 10, {"p0": QUIET}, NOON) is None


def test_in_step_by_step() -> None:
    assert wanted(target(), 50, {"p0": low(0.1, 0.1)}, NOON) == Wanted(45, "p0", False)
    assert wanted(target(), 5, {"p0": low(0.1)}, NOON) == Wanted(4, "p0", False)
    assert wanted(target(), 50, {"p0": low(0.1, 0.65)}, NOON) == Wanted(47, "p0", False)
    assert wanted(target(minimum=5), 5, {"p0": low(0.0)}, NOON) is None


def test_several_policies() -> None:
    two = target(policies=2)
    assert wanted(two, 10, {"p0": high(0.8), "p1": high(1.0)}, NOON) == Wanted(15, "p1", True)
    assert wanted(two, 10, {"p0": high(0.8), "p1": low(0.1)}, NOON) == Wanted(12, "p0", True)
    assert wanted(two, 10, {"p0": low(0.1), "p1": QUIET}, NOON) is None
    assert wanted(two, 10, {"p0": low(0.1), "p1": low(0.1)}, NOON) == Wanted(9, "p1", False)
    settings = {"DisableScaleIn": True}
    assert wanted(target(settings=settings), 10, {"p0": low(0.1)}, NOON) is None


def test_cooldowns() -> None:
    cooling = {"settings": {"ScaleOutCooldown": 120, "ScaleInCooldown": 300}}
    scaled = target(**cooling, out_at=NOON, out_from=10)
    assert wanted(scaled, 15, {"p0": high(1.0)}, NOON + MINUTE) is None  # the 15 are not in the metric yet
    assert wanted(scaled, 15, {"p0": high(1.4)}, NOON + MINUTE) == Wanted(20, "p0", True)
    assert wanted(scaled, 15, {"p0": high(1.0)}, NOON + 2 * MINUTE) == Wanted(22, "p0", True)
    assert wanted(scaled, 15, {"p0": low(0.1)}, NOON + 4 * MINUTE) is None
    assert wanted(scaled, 15, {"p0": low(0.1)}, NOON + 5 * MINUTE) == Wanted(14, "p0", False)
    less = target(**cooling, in_at=NOON)
    assert wanted(less, 15, {"p0": low(0.1)}, NOON + MINUTE) is None
    assert wanted(less, 15, {"p0": high(1.0)}, NOON + MINUTE) == Wanted(22, "p0", True)


def test_suspended() -> None:
    assert wanted(target(suspended={"DynamicScalingOutSuspended": True}), 10, {"p0": high(1.0)}, NOON) is None
    assert wanted(target(suspended={"DynamicScalingInSuspended": True}), 10, {"p0": low(0.1)}, NOON) is None
    assert wanted(target(suspended={"DynamicScalingInSuspended": True}), 10, {"p0": high(1.0)}, NOON) is not None


VALUES = some.lists(some.floats(0, 50), max_size=15)


@given(some.integers(0, 50), some.integers(0, 50), some.integers(0, 100), some.booleans(), some.booleans(), VALUES)
def test_never_beyond_the_bounds_nor_the_wrong_way(
    minimum: int, room: int, current: int, above: bool, below: bool, values: list[float]
) -> None:
    bounds = (minimum, minimum + room)
    seen = Observed(above, below, values, values)
    found = wanted(target(*bounds), current, {"p0": seen}, NOON)
    if found is not None:
        assert found.capacity > current if found.out else found.capacity < current
        assert found.capacity <= bounds[1] if found.out else found.capacity >= bounds[0]


# --- Scheduled actions ------------------------------------------------------------------------------------------------


def action(schedule: str, **more: Any) -> ScheduledAction:
    return ScheduledAction(
        id="a", schedule=schedule, timezone="UTC", bounds={"MinCapacity": 1}, created_at=NOON, since=NOON, **more
    )


def test_when_an_action_comes() -> None:
    assert acts_at(action("at(2026-01-01T12:30:00)"), NOON) == NOON + 30 * MINUTE
    assert acts_at(action("at(2026-01-01T12:30:00)", done=NOON + 30 * MINUTE), NOON + HOUR) is None
    assert acts_at(action("rate(1 hour)"), NOON) == NOON + HOUR
    assert acts_at(action("rate(1 hour)", start=NOON + MINUTE), NOON) == NOON + MINUTE
    assert acts_at(action("cron(0 9 * * ? *)", end=NOON + HOUR), NOON) is None


def test_of_those_that_were_missed_the_last_counts() -> None:
    nightly = action("cron(0 20 * * ? *)")
    assert acts_at(nightly, NOON + 9 * HOUR) == NOON + 8 * HOUR
    assert acts_at(nightly, NOON + 30 * DAY + 9 * HOUR) == NOON + 30 * DAY + 8 * HOUR
    assert acts_at(nightly, NOON + 30 * DAY) == NOON + 29 * DAY + 8 * HOUR
    done = dataclasses.replace(nightly, done=NOON + 8 * HOUR)
    assert acts_at(done, NOON + 9 * HOUR) == NOON + DAY + 8 * HOUR
    assert acts_at(action("rate(1 minute)"), NOON + DAY + 30) == NOON + DAY


@given(some.integers(1, 120), some.lists(some.integers(0, 6 * 3600), max_size=20))
def test_an_action_comes_once_for_each_time_and_in_order(minutes: int, looks: list[int]) -> None:
    one, before = action(f"rate({minutes} minutes)"), -1.0
    for seconds in sorted(looks):
        due = acts_at(one, NOON + seconds)
        assert due is not None
        assert due > before
        if due <= NOON + seconds:
            assert NOON + seconds - due < minutes * MINUTE
            before, one = due, dataclasses.replace(one, done=due)
