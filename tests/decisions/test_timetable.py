"""The timetable against a plain dictionary."""

from hypothesis import given
from hypothesis import strategies as some

from lambdad.resources.timetable import Timetable

PUTS = some.lists(some.tuples(some.integers(0, 5), some.none() | some.integers(0, 20)), max_size=60)


@given(PUTS, some.integers(0, 20))
def test_what_is_due_is_taken_in_order_and_once(puts: list[tuple[int, int | None]], now: int) -> None:
    table: Timetable[int] = Timetable()
    expected: dict[int, int] = {}
    for key, due in puts:
        table.put(key, due)
        expected.pop(key, None)
        if due is not None:
            expected[key] = due
    assert table.next() == min(expected.values(), default=None)
    taken = table.take(now, 100)
    assert sorted(taken) == sorted(key for key, due in expected.items() if due <= now)
    assert [expected[key] for key in taken] == sorted(expected[key] for key in taken)
    assert table.take(now, 100) == []
    assert len(table) == len(expected) - len(taken)


def test_no_more_than_are_wanted() -> None:
    table: Timetable[int] = Timetable()
    for key in range(5):
        table.put(key, 5 - key)
    assert table.take(10, 2) == [4, 3]
    assert table.take(10, 2) == [2, 1]


def test_what_was_overtaken_does_not_pile_up() -> None:
    table: Timetable[str] = Timetable()
    for number in range(100_000):
        table.put("one", 1_000_000 - number)
    assert len(table._heap) < 2000
    assert table.next() == 900_001
