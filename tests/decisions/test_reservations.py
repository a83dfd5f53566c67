"""What is reserved: rounded up to five minutes, counted once however often it is looked at, on the days it was."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from lambdad.resources.function import FunctionKey
from lambdad.resources.usage import PROVISIONED, SNAPSHOT, Counts, Reservation, Terms, date_of

KEY = FunctionKey("000000000000", "us-east-1", "f")
ELAPSED = st.floats(-100, 40 * 86400)


def reservation(kind: str, since: float, count: int = 3) -> Reservation:
    return Reservation(KEY, (kind, "1"), Terms("arm64", 512, count), since)


def test_five_minutes_are_the_least() -> None:
    one = reservation(PROVISIONED, 1000.5)
    assert [one.due_s(1000.5 + elapsed) for elapsed in (-5, 0, 1, 300, 300.001, 599, 601)] == [
        *(300, 300, 300, 300, 600, 600, 900)
    ]


def test_three_hours_are_the_least_of_a_snapshot() -> None:
    one = reservation(SNAPSHOT, 0.0)
    assert [one.due_s(elapsed) for elapsed in (0, 3 * 3600, 3 * 3600 + 1)] == [10_800, 10_800, 11_100]


@given(st.sampled_from([PROVISIONED, SNAPSHOT]), st.floats(0, 4e9), st.lists(ELAPSED, min_size=1, max_size=6))
def test_nothing_is_counted_twice(kind: str, since: float, looks: list[float]) -> None:
    one = reservation(kind, since)
    counted: list[tuple[str, int]] = []
    for elapsed in looks:
        due_s = one.due_s(since + elapsed)
        assert due_s >= one.charged_s
        for key, counts in one.counts_until(due_s):
            assert (key.function, key.architecture, key.memory_mb) == (KEY, "arm64", 512)
            seconds = counts.provisioned_s if kind == PROVISIONED else counts.snapshot_s
            assert counts == (Counts(provisioned_s=seconds) if kind == PROVISIONED else Counts(snapshot_s=seconds))
            counted.append((date_of(key.day), seconds))
        one = Reservation(KEY, one.name, one.terms, since, due_s)
    assert sum(seconds for _, seconds in counted) == one.charged_s * 3
    assert one.charged_s % 300 == 0
    assert one.charged_s >= max(looks)
    for _, same_day in itertools.groupby(sorted(counted), lambda row: row[0]):
        assert sum(seconds for _, seconds in same_day) <= 86400 * 3
