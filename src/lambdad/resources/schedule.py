"""Schedule expressions: `rate(…)`, `cron(…)`, `at(…)`, and when they come next. Pure.

AWS: docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html. By the clock of a time zone: where it jumps
ahead, what falls into the gap is left out; where it goes back, what comes twice happens once. A rate counts hours that pass,
whatever the clocks do.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lambdad.errors.schedules import InvalidScheduleExpression
from lambdad.resources.cron import Cron, parse

_RATE = re.compile(r"rate\((\d{1,9}) (minute|hour|day)(s?)\)")
_CRON = re.compile(r"cron\(([^()]*)\)")
_AT = re.compile(r"at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)")
_SECONDS: Final = {"minute": 60, "hour": 3600, "day": 86_400}
_LAST_MOMENT: Final = datetime(2200, 1, 1, tzinfo=UTC).timestamp()


@dataclass(frozen=True, slots=True)
class Rate:
    seconds: int
    grammatical: bool
    """`1 minute`, `2 minutes`: rules take no other."""

    def next(self, anchor: float, after: float, timezone: tzinfo) -> float | None:
        """The first of anchor, anchor + 1 × rate, … that comes after `after`."""
        if after < anchor:
            return anchor
        due = anchor + (int((after - anchor) // self.seconds) + 1) * self.seconds
        return due if due < _LAST_MOMENT else None


@dataclass(frozen=True, slots=True)
class At:
    moment: datetime
    """By the clock of the time zone."""

    def next(self, anchor: float, after: float, timezone: tzinfo) -> float | None:
        due = self.moment.replace(tzinfo=timezone).timestamp()
        return due if due > after else None


@dataclass(frozen=True, slots=True)
class Recurring:
    cron: Cron

    def next(self, anchor: float, after: float, timezone: tzinfo) -> float | None:
        if after >= _LAST_MOMENT:
            return None
        local = datetime.fromtimestamp(int(after), timezone).replace(tzinfo=None, fold=0)
        for moment in self.cron.moments(local):
            due = moment.replace(tzinfo=timezone)
            seconds = due.timestamp()
            if seconds > after and _is_there(due, timezone):
                return seconds
        return None


Expression = Rate | At | Recurring
"""`next(anchor, after, timezone)`: seconds since the epoch, the first time after `after`; None: never again. `anchor`: when a
rate's counting begins, itself its first time."""


def _is_there(moment: datetime, timezone: tzinfo) -> bool:
    """Not in the hour that a clock leaves out."""
    there = moment.astimezone(UTC).astimezone(timezone)
    return there.replace(tzinfo=None, fold=0) == moment.replace(tzinfo=None, fold=0)


@lru_cache(maxsize=4096)
def expression_of(text: str) -> Expression:
    """Raises InvalidScheduleExpression."""
    rate = _RATE.fullmatch(text)
    if rate is not None:
        value = int(rate[1])
        if not value:
            raise InvalidScheduleExpression(text)
        return Rate(value * _SECONDS[rate[2]], (value == 1) == (rate[3] == ""))
    at, cron = _AT.fullmatch(text), _CRON.fullmatch(text)
    try:
        if at is not None:
            return At(datetime.strptime(at[1], "%Y-%m-%dT%H:%M:%S"))
        if cron is not None:
            return Recurring(parse(cron[1]))
    except ValueError as error:
        raise InvalidScheduleExpression(text) from error
    raise InvalidScheduleExpression(text)


def timezone_of(name: str) -> tzinfo | None:
    """None: there is no such time zone. Those of the host's IANA database, by its names."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a directory of it
        return None
