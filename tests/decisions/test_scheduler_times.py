"""When EventBridge Scheduler's schedules fire: by examples, and against what must hold of any of them."""

import dataclasses
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from lambdad.resources.scheduler_schedule import Schedule, ScheduleKey, is_over, next_occurrence, wakes_at

KEY = ScheduleKey("000000000000", "us-east-1", "default", "s")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()
MINUTE = 60.0


def made(expression: str, *, since: float = NOON, fired: float | None = None, window: int = 0, **more: Any) -> Schedule:
    settings = {
        "ScheduleExpression": expression,
        "ScheduleExpressionTimezone": "UTC",
        "State": "ENABLED",
        "ActionAfterCompletion": "NONE",
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": window} if window else {"Mode": "OFF"},
        **more,
    }
    return Schedule(key=KEY, settings=settings, created_at=since, modified_at=since, since=since, fired=fired)


def times(schedule: Schedule, now: float, number: int) -> list[float]:
    """What it fires for somebody who is always there, in minutes after noon."""
    found = []
    while len(found) < number and (occurrence := next_occurrence(schedule, now)) is not None:
        now = max(now, occurrence.due_at)
        found.append((occurrence.scheduled_at - NOON) / MINUTE)
        schedule = dataclasses.replace(schedule, fired=occurrence.scheduled_at)
    return found


def test_a_rate_begins_at_once_or_at_its_start() -> None:
    assert times(made("rate(5 minutes)"), NOON, 3) == [0, 5, 10]
    assert times(made("rate(5 minutes)", StartDate=NOON + 2 * MINUTE), NOON, 3) == [2, 7, 12]
    assert times(made("rate(5 minutes)", StartDate=NOON - 2 * MINUTE), NOON, 3) == [3, 8, 13]


def test_a_cron_expression_from_its_start_to_its_end() -> None:
    assert times(made("cron(0/20 * * * ? *)"), NOON, 3) == [0, 20, 40]
    bounded = made("cron(0/20 * * * ? *)", StartDate=NOON + MINUTE, EndDate=NOON + 60 * MINUTE)
    assert times(bounded, NOON, 9) == [20, 40, 60]


def test_a_one_time_schedule_ignores_the_dates() -> None:
    once = made("at(2026-01-01T12:30:00)", StartDate=NOON + 60 * MINUTE, EndDate=NOON)
    assert times(once, NOON, 9) == [30]


def test_the_clock_of_a_time_zone() -> None:
    zurich = made("cron(0 14 * * ? *)", ScheduleExpressionTimezone="Europe/Zurich")
    assert times(zurich, NOON, 2) == [60, 60 + 24 * 60]


def test_what_was_missed_while_nobody_was_there() -> None:
    """A recurring schedule goes on; what is less than a minute late fires; a one-time schedule fires whenever."""
    rate = made("rate(5 minutes)", fired=NOON)
    later = NOON + 32 * MINUTE
    occurrence = next_occurrence(rate, later)
    assert occurrence is not None
    assert occurrence.scheduled_at == NOON + 35 * MINUTE
    late = next_occurrence(rate, NOON + 30.5 * MINUTE)
    assert late is not None
    assert late.scheduled_at == NOON + 30 * MINUTE
    once = next_occurrence(made("at(2026-01-01T12:30:00)"), NOON + 10_000 * MINUTE)
    assert once is not None
    assert once.scheduled_at == NOON + 30 * MINUTE


def test_what_was_missed_fires_while_its_window_is_open() -> None:
    occurrence = next_occurrence(made("cron(0 * * * ? *)", window=45, fired=NOON), NOON + 100 * MINUTE)
    assert occurrence is not None
    assert occurrence.scheduled_at == NOON + 60 * MINUTE


def test_disabled_and_over() -> None:
    off = made("rate(5 minutes)", State="DISABLED", ActionAfterCompletion="DELETE")
    assert next_occurrence(off, NOON) is None
    assert not is_over(off, NOON)
    assert wakes_at(off, NOON) is None
    done = made("at(2026-01-01T12:30:00)", ActionAfterCompletion="DELETE", fired=NOON + 30 * MINUTE)
    assert is_over(done, NOON)
    assert wakes_at(done, NOON) == NOON
    ended = made("rate(5 minutes)", ActionAfterCompletion="DELETE", EndDate=NOON + MINUTE, fired=NOON)
    assert is_over(ended, NOON)
    assert not is_over(made("at(2026-01-01T12:30:00)", fired=NOON + 30 * MINUTE), NOON)


@given(some.integers(1, 1440), some.integers(0, 10_000))
def test_a_window_spreads_what_is_asked_for_again_is_the_same(window: int, minutes: int) -> None:
    schedule, now = made("rate(1 minute)", window=window), NOON + minutes * MINUTE
    occurrence = next_occurrence(schedule, now)
    assert occurrence is not None
    assert occurrence.scheduled_at <= occurrence.due_at < occurrence.scheduled_at + window * MINUTE
    assert next_occurrence(schedule, now) == occurrence


def test_a_window_is_used_in_all_its_width() -> None:
    schedule = made("rate(1 minute)", window=10)
    delays = []
    for number in range(200):
        occurrence = next_occurrence(dataclasses.replace(schedule, fired=NOON + number * MINUTE), NOON)
        assert occurrence is not None
        delays.append(occurrence.due_at - occurrence.scheduled_at)
    assert min(delays) < MINUTE
    assert max(delays) > 9 * MINUTE


@given(some.integers(1, 90), some.lists(some.integers(0, 3 * 3600), max_size=20))
def test_nothing_fires_twice_or_too_early_whenever_somebody_looks(minutes: int, looks: list[int]) -> None:
    schedule, before = made(f"rate({minutes} minutes)"), -1.0
    for seconds in sorted(looks):
        now = NOON + seconds
        occurrence = next_occurrence(schedule, now)
        assert occurrence is not None
        assert occurrence.scheduled_at > before
        if occurrence.due_at <= now:
            assert now - occurrence.scheduled_at <= MINUTE
            before = occurrence.scheduled_at
            schedule = dataclasses.replace(schedule, fired=before)
