"""When schedules come: AWS's examples, clocks that change, and hypothesis against looking at every minute."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdad.errors.schedules import InvalidScheduleExpression
from lambdad.resources.schedule import Rate, expression_of, timezone_of

UTC_ZONE = ZoneInfo("UTC")


def stamp(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def coming(text: str, after: str, count: int, zone: str = "UTC", anchor: str | None = None) -> list[str]:
    """The next times, as the zone's clock shows them."""
    expression, timezone = expression_of(text), ZoneInfo(zone)
    begin = stamp(anchor or after, zone)
    found: list[str] = []
    moment: float | None = stamp(after, zone)
    for _ in range(count):
        assert moment is not None
        moment = expression.next(begin, moment, timezone)
        if moment is None:
            break
        found.append(datetime.fromtimestamp(moment, timezone).strftime("%Y-%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        ("cron(0 10 * * ? *)", "2026-01-01 10:00", ["2026-01-02 10:00", "2026-01-03 10:00"]),
        ("cron(15 12 * * ? *)", "2026-01-01 00:00", ["2026-01-01 12:15"]),
        ("cron(0 18 ? * MON-FRI *)", "2026-01-02 18:00", ["2026-01-05 18:00", "2026-01-06 18:00"]),
        ("cron(0 8 1 * ? *)", "2026-01-01 08:00", ["2026-02-01 08:00"]),
        ("cron(0/15 * * * ? *)", "2026-01-01 23:50", ["2026-01-02 00:00", "2026-01-02 00:15"]),
        ("cron(0/10 * ? * MON-FRI *)", "2026-01-02 23:50", ["2026-01-05 00:00", "2026-01-05 00:10"]),
        ("cron(0/5 8-17 ? * MON-FRI *)", "2026-01-02 17:55", ["2026-01-05 08:00"]),
        ("cron(0/30 20-2 ? * MON-FRI *)", "2026-01-02 20:30", ["2026-01-02 21:00", "2026-01-02 21:30"]),
        ("cron(15 10 ? * 6L 2022-2023)", "2022-01-01 00:00", ["2022-01-28 10:15", "2022-02-25 10:15"]),
        ("cron(0 12 ? * 3#2 *)", "2026-01-01 00:00", ["2026-01-13 12:00", "2026-02-10 12:00"]),
        ("cron(0 12 ? * TUE#5 *)", "2026-01-01 00:00", ["2026-03-31 12:00", "2026-06-30 12:00"]),
        ("cron(0 9 3W * ? *)", "2026-01-01 00:00", ["2026-01-02 09:00", "2026-02-03 09:00"]),
        ("cron(0 9 1W 8 ? *)", "2026-01-01 00:00", ["2026-08-03 09:00"]),
        ("cron(0 9 31W 5 ? *)", "2026-01-01 00:00", ["2026-05-29 09:00"]),
        ("cron(0 9 L * ? *)", "2024-02-01 00:00", ["2024-02-29 09:00", "2024-03-31 09:00"]),
        ("cron(0 9 L-2 2 ? *)", "2026-01-01 00:00", ["2026-02-26 09:00"]),
        ("cron(0 9 ? * L *)", "2026-01-01 00:00", ["2026-01-03 09:00"]),
        ("cron(0 9 ? * 1 *)", "2026-01-01 00:00", ["2026-01-04 09:00"]),
        ("cron(0 0 29 2 ? *)", "2097-01-01 00:00", ["2104-02-29 00:00"]),
        (
            "cron(5 4 3 JAN,jul ? 2030/10)",
            "2026-01-01 00:00",
            ["2030-01-03 04:05", "2030-07-03 04:05", "2040-01-03 04:05"],
        ),
        ("cron(* * * * ? *)", "2026-12-31 23:58", ["2026-12-31 23:59", "2027-01-01 00:00"]),
        ("cron(0 0 ? * FRI-MON *)", "2026-01-01 00:00", ["2026-01-02 00:00", "2026-01-03 00:00", "2026-01-04 00:00"]),
        ("at(2026-11-20T13:00:01)", "2026-01-01 00:00", ["2026-11-20 13:00"]),
    ],
)
def test_when_it_comes(text: str, after: str, expected: list[str]) -> None:
    assert coming(text, after, len(expected)) == expected


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("cron(0 0 1 1 ? 2020)", "2026-01-01 00:00"),
        ("cron(0 0 31 2 ? *)", "2026-01-01 00:00"),
        ("cron(0 0 1 1 ? 2199)", "2199-01-01 00:00"),
        ("at(2020-01-01T00:00:00)", "2026-01-01 00:00"),
        ("cron(59 23 31 12 ? *)", "2199-12-31 23:59"),
    ],
)
def test_what_never_comes_again(text: str, after: str) -> None:
    assert coming(text, after, 1) == []


@pytest.mark.parametrize(
    "text",
    [
        *("rate(10 seconds)", "rate(10)", "rate( 10 minutes )", "rate()", "rate(-10 minutes)", "rate(0 minutes)"),
        *(" rate(10 minutes)", "rate(10 minutess)", "rate(foo minutes)", "rate(1 years)", "", "cron", "minutes"),
        *("at(2021-12-31)", "at(2021-12-31T23:59:59Z)", "at(2021-13-31T23:59:59)", "at()", "at(2021-02-30T00:00:00)"),
        *("cron()", "cron(INVALID)", "cron(0 1 * * * *)", "cron(0 dummy ? * MON-FRI *)", "cron(7 20 * * NOT *)"),
        *("cron(71 8 1 * ? *)", "cron(0 24 * * ? *)", "cron(0 0 ? * ? *)", "cron(0 0 0 * ? *)", "cron(0 0 32 * ? *)"),
        *(
            "cron(0 0 ? * 0 *)",
            "cron(0 0 ? * 8 *)",
            "cron(0 0 1 13 ? *)",
            "cron(0 0 1 1 ? 1969)",
            "cron(0 0 1 1 ? 2200)",
        ),
        *(
            "cron(0 0 ? * 3#6 *)",
            "cron(0 0 1W,2 * ? *)",
            "cron(0 0 L,1 * ? *)",
            "cron(0/0 * * * ? *)",
            "cron(- * * * ? *)",
        ),
        *("cron(0 0 1 * ?)", "cron(0 0 1 * ? * *)", "cron(1,,2 0 1 * ? *)", "cron(? 0 1 * ? *)"),
    ],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(InvalidScheduleExpression):
        expression_of(text)


def test_rates() -> None:
    assert coming("rate(5 minutes)", "2026-01-01 00:07", 2, anchor="2026-01-01 00:00") == [
        "2026-01-01 00:10",
        "2026-01-01 00:15",
    ]
    assert coming("rate(1 day)", "2026-01-01 00:00", 1, anchor="2026-01-05 12:30") == ["2026-01-05 12:30"]
    singular, plural = expression_of("rate(1 hours)"), expression_of("rate(2 hours)")
    assert isinstance(singular, Rate)
    assert isinstance(plural, Rate)
    assert (singular.grammatical, plural.grammatical) == (False, True)


def test_clocks_that_jump_ahead_leave_out_what_falls_into_the_gap() -> None:
    text, zone = "cron(30 2 * * ? *)", "America/New_York"
    assert coming(text, "2026-03-07 00:00", 3, zone) == ["2026-03-07 02:30", "2026-03-09 02:30", "2026-03-10 02:30"]


def test_clocks_that_go_back_do_nothing_twice() -> None:
    zone = "America/New_York"
    first = stamp("2026-11-01 01:30", zone)
    assert coming("cron(30 1 * * ? *)", "2026-10-31 12:00", 2, zone) == ["2026-11-01 01:30", "2026-11-02 01:30"]
    expression = expression_of("cron(30 1 * * ? *)")
    assert expression.next(0, first - 1, ZoneInfo(zone)) == first
    assert expression.next(0, first, ZoneInfo(zone)) == stamp("2026-11-02 01:30", zone)
    assert expression.next(0, first + 1800, ZoneInfo(zone)) == stamp("2026-11-02 01:30", zone)


def test_a_day_of_a_rate_is_twenty_four_hours() -> None:
    zone = "America/New_York"
    assert coming("rate(1 day)", "2026-03-07 12:00", 2, zone) == ["2026-03-08 13:00", "2026-03-09 13:00"]


def test_a_moment_is_by_the_clock_of_its_zone() -> None:
    due = expression_of("at(2026-07-01T12:00:00)").next(0, 0, ZoneInfo("Asia/Tokyo"))
    assert due == stamp("2026-07-01 03:00")


def test_time_zones() -> None:
    assert timezone_of("Europe/Berlin") is not None
    for name in ("Mars/Olympus", "", "Europe", "../etc/passwd", "/etc/localtime"):
        assert timezone_of(name) is None


# --- Against looking at every minute ------------------------------------------------------------------------------------

MINUTES = st.sampled_from(["*", "0", "59", "0/20", "5,35", "10-12", "50-5", "3-40/13"])
HOURS = st.sampled_from(["*", "0", "23", "1/6", "2,14", "22-3", "*/5"])
DAYS = st.sampled_from(["*", "1", "31", "10-12", "1/9", "L", "15W", "1W", "31W", "LW", "L-3", "28,29,30"])
MONTHS = st.sampled_from(["*", "2", "JAN-MAR", "11-2", "4,FEB"])
WEEKDAYS = st.sampled_from(["*", "1", "MON-FRI", "SAT,SUN", "6L", "MON#1", "3#5", "L", "2/2"])
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
NAMES = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7, "JAN": 1, "FEB": 2, "MAR": 3}


def number(text: str) -> int:
    return NAMES[text] if text in NAMES else int(text)


def named(field: str, value: int, most: int) -> bool:
    """By the one value: what `in the field` means, part by part."""
    least = 0 if most in (59, 23) else 1
    for part in field.split(","):
        span, _, step = part.partition("/")
        low, _, high = span.partition("-")
        start = least if span == "*" else number(low)
        end = most if span == "*" or (step and not high) else number(high or low)
        size = most - least + 1
        distance, length = (value - start) % size, (end - start) % size
        if distance <= length and distance % int(step or 1) == 0:
            return True
    return False


def last_day(day: datetime) -> datetime:
    following = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return following - timedelta(days=1)


def is_of_month(field: str, day: datetime) -> bool:
    last = last_day(day)
    if field == "L":
        return day == last
    if field == "L-3":
        return day == last - timedelta(days=3)
    if field.endswith("W"):
        wanted = last if field == "LW" else (day.replace(day=int(field[:-1])) if int(field[:-1]) <= last.day else None)
        if wanted is None or day.weekday() > 4:
            return False
        same_month = [day + timedelta(days=n) for n in range(-3, 4) if (day + timedelta(days=n)).month == day.month]
        working = [one for one in {*same_month, wanted} if one.weekday() < 5]
        near = [wanted + timedelta(days=n) for n in (0, -1, 1, 2, -2)]
        return day == next(one for one in near if one.month == wanted.month and one.weekday() < 5) and bool(working)
    return named(field, day.day, 31)


def is_of_week(field: str, day: datetime) -> bool:
    weekday = (day.weekday() + 1) % 7 + 1
    if field == "L":
        return weekday == 7
    if field.endswith("L"):
        return weekday == number(field[:-1]) and (day + timedelta(days=7)).month != day.month
    if "#" in field:
        name, _, nth = field.partition("#")
        return weekday == number(name) and (day.day - 1) // 7 + 1 == int(nth)
    return named(field, weekday, 7)


@settings(max_examples=150, deadline=None)
@given(
    MINUTES,
    HOURS,
    st.one_of(st.tuples(DAYS, st.just("?")), st.tuples(st.just("?"), WEEKDAYS)),
    MONTHS,
    ZONES,
    st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 1)),
)
def test_as_looking_at_every_minute(
    minutes: str, hours: str, days: tuple[str, str], months: str, zone: str, after: datetime
) -> None:
    """For two days, as clocks show them; where the clock changes is `test_clocks_…`."""
    timezone = ZoneInfo(zone)
    start = after.replace(tzinfo=UTC).timestamp()
    found = expression_of(f"cron({minutes} {hours} {days[0]} {months} {days[1]} *)").next(0, start, timezone)
    end = start + 2 * 86_400
    seen: set[datetime] = set()
    moment = start // 60 * 60 - 86_400
    expected = None
    while moment <= end:
        local = datetime.fromtimestamp(moment, timezone).replace(tzinfo=None, fold=0)
        day = local.replace(hour=0, minute=0)
        is_day = is_of_month(days[0], day) if days[1] == "?" else is_of_week(days[1], day)
        if (
            is_day
            and named(months, local.month, 12)
            and named(hours, local.hour, 23)
            and named(minutes, local.minute, 59)
            and local not in seen
            and moment > start
        ):
            expected = moment
            break
        seen.add(local)
        moment += 60
    if expected is None:
        assert found is None or found > end
    else:
        assert found == expected


@given(st.integers(1, 10_000), st.sampled_from(["minute", "hour", "day"]), st.integers(0, 10**9), st.integers(0, 10**9))
def test_rates_as_counting(value: int, unit: str, anchor: int, after: int) -> None:
    rate = expression_of(f"rate({value} {unit}s)")
    assert isinstance(rate, Rate)
    due = rate.next(anchor, after, UTC_ZONE)
    assert due is None or (due > after and due >= anchor and (due - anchor) % rate.seconds == 0)
    assert due is None or due == anchor or due - rate.seconds <= after
