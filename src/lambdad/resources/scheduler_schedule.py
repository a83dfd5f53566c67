"""EventBridge Scheduler's schedules and groups, and when a schedule fires next. Pure.

AWS: docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html, …/managing-schedule-flexible-time-windows.html,
…/managing-schedule-delete.html. When a schedule fires follows from what is committed of it alone: a restart changes nothing. What
fell due while nobody was there fires as long as its window, and the minute that AWS takes itself, are not over; a one-time
schedule whenever.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lambdad.resources.schedule import At, Expression, expression_of, timezone_of

DEFAULT_GROUP: Final = "default"
ACTIVE: Final = "ACTIVE"
DELETING: Final = "DELETING"
PRECISION: Final = 60.0
"""Seconds after its time within which AWS invokes a target."""
DEFAULT_ATTEMPTS: Final = 185
DEFAULT_AGE: Final = 86_400
"""Of a retry policy: further attempts, and seconds in all."""
_TIMING: Final = ("ScheduleExpression", "ScheduleExpressionTimezone", "StartDate")


@dataclass(frozen=True, slots=True)
class GroupKey:
    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return f"arn:aws:scheduler:{self.region}:{self.account}:schedule-group/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleGroup:
    key: GroupKey
    created_at: float
    modified_at: float
    state: str = ACTIVE
    client_token: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScheduleKey:
    account: str
    region: str
    group: str
    schedule: str

    @property
    def name(self) -> str:
        """Unique in an account and region."""
        return f"{self.group}/{self.schedule}"

    @property
    def arn(self) -> str:
        return f"arn:aws:scheduler:{self.region}:{self.account}:schedule/{self.name}"

    @property
    def of_group(self) -> GroupKey:
        return GroupKey(self.account, self.region, self.group)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Times in seconds since the epoch."""

    key: ScheduleKey
    settings: Mapping[str, Any]
    """The members of CreateSchedule that GetSchedule answers."""
    created_at: float
    modified_at: float
    since: float
    """When its timing was last changed: a rate counts from here, and what was before does not count."""
    client_token: str | None = None
    fired: float | None = None
    """The last time that has been handed over to the target, or passed over: when it was due, not when it was done."""

    @property
    def enabled(self) -> bool:
        return bool(self.settings["State"] == "ENABLED")

    @property
    def ends_itself(self) -> bool:
        """It is deleted once it can never fire again."""
        return bool(self.settings["ActionAfterCompletion"] == "DELETE")

    @property
    def target(self) -> Mapping[str, Any]:
        target: Mapping[str, Any] = self.settings["Target"]
        return target

    @property
    def expression(self) -> Expression:
        return expression_of(self.settings["ScheduleExpression"])

    @property
    def window(self) -> float:
        """Seconds."""
        return float(self.settings["FlexibleTimeWindow"].get("MaximumWindowInMinutes", 0) * 60)

    def timed_like(self, settings: Mapping[str, Any]) -> bool:
        """Those mean the same times: the schedule keeps its rhythm."""
        return all(self.settings.get(name) == settings.get(name) for name in _TIMING)


@dataclass(frozen=True, slots=True)
class Occurrence:
    scheduled_at: float
    due_at: float
    """Somewhere in the window after it."""


def next_occurrence(schedule: Schedule, now: float) -> Occurrence | None:
    """None: it is disabled, or never comes again."""
    if not schedule.enabled:
        return None
    expression, settings = schedule.expression, schedule.settings
    timezone = timezone_of(settings["ScheduleExpressionTimezone"])
    if timezone is None:  # the host has forgotten it
        return None
    if isinstance(expression, At):
        scheduled = None if schedule.fired is not None else expression.next(0, -math.inf, timezone)
    else:
        start = settings.get("StartDate", schedule.since)
        earliest = math.nextafter(max(schedule.since, start), 0)  # a time that is just then counts
        missed = now - PRECISION - schedule.window
        after = max(missed, earliest if schedule.fired is None else schedule.fired)
        scheduled = expression.next(start, after, timezone)
        if scheduled is not None and scheduled > settings.get("EndDate", math.inf):
            scheduled = None
    return None if scheduled is None else Occurrence(scheduled, scheduled + _delay(schedule, scheduled))


def is_over(schedule: Schedule, now: float) -> bool:
    """It is to be deleted, because it will never fire again."""
    return schedule.enabled and schedule.ends_itself and next_occurrence(schedule, now) is None


def wakes_at(schedule: Schedule, now: float) -> float | None:
    """When there is something to be done about it; None: until it is changed, nothing."""
    occurrence = next_occurrence(schedule, now)
    if occurrence is not None:
        return occurrence.due_at
    return now if is_over(schedule, now) else None


def _delay(schedule: Schedule, scheduled_at: float) -> float:
    """Seconds into the window: each schedule's own and each time another, but the same when it is asked again."""
    if not schedule.window:
        return 0.0
    digest = hashlib.sha256(f"{schedule.key.arn} {scheduled_at}".encode()).digest()
    return int.from_bytes(digest[:4]) / 2**32 * schedule.window
