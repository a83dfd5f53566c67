"""AWS's cron dialect: six fields, and which minutes they name. Pure.

AWS: docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html,
docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based.
Sunday is 1; one of day-of-month and day-of-week is `?`.
"""

import calendar
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

_MONTHS: Final = {
    "JAN": 1,
    "FEB": 2,
    "MAR": 3,
    "APR": 4,
    "MAY": 5,
    "JUN": 6,
    "JUL": 7,
    "AUG": 8,
    "SEP": 9,
    "OCT": 10,
    "NOV": 11,
    "DEC": 12,
}
_WEEKDAYS: Final = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
_YEARS: Final = (1970, 2199)
_LAST_WEEKDAY = re.compile(r"([A-Z]{3}|[1-7])L")
_NTH_WEEKDAY = re.compile(r"([A-Z]{3}|[1-7])#([1-5])")
_NEAREST = re.compile(r"(\d{1,2})W")
_BEFORE_LAST = re.compile(r"L-(\d{1,2})")

Days = Callable[[int, int], Sequence[int]]
"""Of a year and month, in order."""


@dataclass(frozen=True, slots=True)
class Cron:
    minutes: Sequence[int]
    hours: Sequence[int]
    months: Sequence[int]
    years: Sequence[int]
    days: Days

    def moments(self, after: datetime) -> Iterator[datetime]:
        """Every minute that it names from then on, by the clock on the wall: naive, as `after` is."""
        if after.second or after.microsecond:
            start = (after.year, after.month, after.day, after.hour, after.minute + 1)
        else:
            start = (after.year, after.month, after.day, after.hour, after.minute)
        for year in self.years[bisect_left(self.years, start[0]) :]:
            for month in self._from(self.months, (year,), start):
                for day in self._from(self.days(year, month), (year, month), start):
                    for hour in self._from(self.hours, (year, month, day), start):
                        for minute in self._from(self.minutes, (year, month, day, hour), start):
                            yield datetime(year, month, day, hour, minute)

    @staticmethod
    def _from(values: Sequence[int], above: tuple[int, ...], start: tuple[int, ...]) -> Sequence[int]:
        """Those that are not over yet: all, unless everything above is where it starts."""
        depth = len(above)
        return values[bisect_left(values, start[depth]) :] if above == start[:depth] else values


def parse(text: str) -> Cron:
    """Six fields. Raises ValueError."""
    fields = text.upper().split()
    if len(fields) != 6:
        raise ValueError(text)
    minutes, hours, days_of_month, months, days_of_week, years = fields
    return Cron(
        _values(minutes, 0, 59),
        _values(hours, 0, 23),
        _values(months, 1, 12, _MONTHS),
        _values(years, *_YEARS),
        _days(days_of_month, days_of_week),
    )


def _days(of_month: str, of_week: str) -> Days:
    if (of_month == "?") == (of_week == "?"):
        raise ValueError("one of them is ?, and only one")
    return lru_cache(maxsize=8)(_days_of_month(of_month) if of_week == "?" else _days_of_week(of_week))


# --- A field ------------------------------------------------------------------------------------------------------------


def _values(text: str, least: int, most: int, names: Mapping[str, int] | None = None) -> tuple[int, ...]:
    """In order. Raises ValueError."""
    found: set[int] = set()
    for part in text.split(","):
        found.update(_part(part, least, most, names or {}))
    return tuple(sorted(found))


def _part(text: str, least: int, most: int, names: Mapping[str, int]) -> Iterator[int]:
    """`*`, `n`, `a-b`, each with or without `/step`. A range whose end comes before its beginning goes over the top."""
    span, slash, step_text = text.partition("/")
    step = _number(step_text, 1, most, {}) if slash else 1
    low, dash, high = span.partition("-")
    if span == "*":
        first, last = least, most
    elif dash:
        first, last = _number(low, least, most, names), _number(high, least, most, names)
    else:
        first = _number(span, least, most, names)
        last = most if slash else first
    if last < first:
        last += most - least + 1
    for value in range(first, last + 1, step):
        yield value if value <= most else value - (most - least + 1)


def _number(text: str, least: int, most: int, names: Mapping[str, int]) -> int:
    number = names.get(text)
    if number is None:
        if not text.isascii() or not text.isdecimal():
            raise ValueError(text)
        number = int(text)
    if not least <= number <= most:
        raise ValueError(text)
    return number


# --- Days ---------------------------------------------------------------------------------------------------------------


def _days_of_month(text: str) -> Days:
    """Raises ValueError."""
    if text == "L":
        return lambda year, month: (_length(year, month),)
    if text in ("LW", "WL"):
        return lambda year, month: (_nearest_weekday(year, month, _length(year, month)),)
    before = _BEFORE_LAST.fullmatch(text)
    if before is not None:
        distance = _number(before[1], 0, 30, {})
        return lambda year, month: (_length(year, month) - distance,) if _length(year, month) > distance else ()
    nearest = _NEAREST.fullmatch(text)
    if nearest is not None:
        day = _number(nearest[1], 1, 31, {})
        return lambda year, month: (_nearest_weekday(year, month, day),) if day <= _length(year, month) else ()
    values = _values(text, 1, 31)
    return lambda year, month: values[: bisect_left(values, _length(year, month) + 1)]


def _days_of_week(text: str) -> Days:
    """Raises ValueError."""
    if text == "L":
        text = "SAT"
    last = _LAST_WEEKDAY.fullmatch(text)
    if last is not None:
        weekday = _number(last[1], 1, 7, _WEEKDAYS)
        return lambda year, month: _of_weekdays(year, month, (weekday,))[-1:]
    nth = _NTH_WEEKDAY.fullmatch(text)
    if nth is not None:
        weekday, number = _number(nth[1], 1, 7, _WEEKDAYS), int(nth[2])
        return lambda year, month: _of_weekdays(year, month, (weekday,))[number - 1 : number]
    values = _values(text, 1, 7, _WEEKDAYS)
    return lambda year, month: _of_weekdays(year, month, values)


def _of_weekdays(year: int, month: int, weekdays: Sequence[int]) -> Sequence[int]:
    return tuple(day for day in range(1, _length(year, month) + 1) if _weekday(year, month, day) in weekdays)


def _weekday(year: int, month: int, day: int) -> int:
    """Sunday is 1."""
    return (calendar.weekday(year, month, day) + 1) % 7 + 1


def _length(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def _nearest_weekday(year: int, month: int, day: int) -> int:
    """The working day nearest to it, in the same month."""
    weekday = _weekday(year, month, day)
    if weekday == _WEEKDAYS["SAT"]:
        return day - 1 if day > 1 else day + 2
    if weekday == _WEEKDAYS["SUN"]:
        return day + 1 if day < _length(year, month) else day - 2
    return day
