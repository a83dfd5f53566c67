"""Whose events are run next."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from lambdad.invocation.backlog import Backlog
from lambdad.resources.function import FunctionKey

A, B, C = (FunctionKey("1", "r", name) for name in "abc")


def test_functions_take_turns() -> None:
    backlog = Backlog(1000, 1 << 20)
    for key in (A, B):
        backlog.added(key, 0.0)
    seen = []
    for _ in range(4):
        turn = backlog.turn(1.0)
        assert turn is not None
        key, most, throttled = turn
        assert (most > 1, throttled) == (True, False)
        seen.append(key)
        backlog.leased(key, 1, 0.0)
    assert seen == [A, B, A, B]


def test_one_that_is_throttled_waits_and_the_others_do_not() -> None:
    backlog = Backlog(1000, 1 << 20)
    for key in (A, B):
        backlog.added(key, 0.0)
    assert [backlog.turn(0.0), backlog.turn(0.0)] == [(A, 64, False), (B, 64, False)]
    backlog.leased(B, 1, 0.0)
    backlog.leased(A, 1, 0.0)
    backlog.finished(A, 0.0, throttled=True, due=0.0)
    waits, now = [0.0], 0.0
    for _ in range(9):
        turn = backlog.turn(now)
        assert turn is not None
        assert turn[0] is B  # whose turn it is all the time meanwhile
        backlog.leased(B, 1, None)
        assert backlog.turn(now) is None
        now = backlog.next_turn() or now
        waits.append(now)
        assert backlog.turn(now) == (A, 1, True)
        backlog.leased(A, 1, 0.0)
        backlog.finished(A, now, throttled=True, due=None)
        backlog.added(B, now)
    gaps = [later - earlier for earlier, later in itertools.pairwise(waits)]
    assert gaps == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_it_is_kept_busy_with_the_concurrency_it_has() -> None:
    """Ten are due, three go through at once."""
    backlog, now = Backlog(1000, 1 << 20), 0.0
    backlog.added(A, 0.0)
    assert backlog.turn(now) == (A, 64, False)
    backlog.leased(A, 10, None)
    for _ in range(7):
        backlog.finished(A, now, throttled=True, due=now)
    assert backlog.turn(now) is None
    for _ in range(7):
        backlog.finished(A, now, throttled=False, due=None)
        turn = backlog.turn(now)
        assert turn is not None
        assert 1 <= turn[1] <= 2
        assert turn[2]
        backlog.leased(A, 1, 0.0)


def test_it_is_tried_at_once_when_its_concurrency_changes() -> None:
    backlog = Backlog(1000, 1 << 20)
    backlog.added(A, 0.0)
    for _ in range(20):
        assert backlog.turn(1000.0) is not None
        backlog.leased(A, 1, None)
        backlog.finished(A, 0.0, throttled=True, due=0.0)
    assert backlog.turn(20.0) is None
    backlog.unblock(A)
    backlog.unblock(B)
    assert backlog.turn(20.0) == (A, 1, True)


def test_a_new_event_is_run_at_once_unless_another_waits_before_it() -> None:
    backlog = Backlog(1000, 1 << 20)
    assert [backlog.begin(A, 0.0) for _ in range(65)] == [True] * 64 + [False]
    assert backlog.begin(B, 0.0)
    backlog.finished(A, 0.0, throttled=False, due=None)
    assert backlog.running == 64
    backlog.added(A, 0.0)
    assert not backlog.begin(A, 0.0)
    assert backlog.turn(0.0) == (A, 1, False)
    assert not backlog.begin(A, 0.0), "it is being leased"
    backlog.leased(A, 1, None)
    backlog.finished(B, 0.0, throttled=True, due=None)
    assert backlog.begin(B, 0.0), "nothing is known of it any more"
    backlog.finished(B, 0.0, throttled=True, due=5.0)
    assert not backlog.begin(B, 0.0)


def test_functions_that_do_not_answer_leave_turns_to_others() -> None:
    backlog = Backlog(200, 1 << 20)
    keys = [FunctionKey("1", "r", str(number)) for number in range(401)]
    given = []
    for key in keys[:10]:
        backlog.added(key, 0.0)
        turn = backlog.turn(0.0)
        assert turn is not None
        given.append(turn[1])
        backlog.leased(key, turn[1], 0.0)
        assert backlog.turn(0.0) is None, "it has what it may have"
    assert given == [64, 64, 36, 18, 9, 5, 2, 1, 1, 1]
    began = [backlog.begin(key, 0.0) for key in keys[10:]]
    assert began == [True] * 199 + [False] * 192
    assert backlog.running == 400
    backlog.finished(keys[20], 0.0, throttled=False, due=None)
    assert backlog.begin(keys[-1], 0.0)


def test_large_payloads_leave_room_for_others() -> None:
    backlog = Backlog(1000, 100)
    backlog.added(A, 0.0)
    assert backlog.turn(0.0) is not None
    assert backlog.room_for_bytes(A) == 50
    backlog.leased(A, 1, 0.0, size=60)
    assert backlog.turn(0.0) is None
    assert backlog.begin(B, 0.0, 70), "who has none may have one, however large"
    assert not backlog.begin(B, 0.0, 1)
    backlog.finished(A, 0.0, throttled=False, due=None, size=60)
    assert backlog.turn(0.0) == (A, 64, False)
    assert backlog.room_for_bytes(A) == 15


def test_one_whose_events_take_long_may_have_more_of_them() -> None:
    backlog = Backlog(1000, 1 << 20)
    backlog.added(A, 0.0)
    for expected, took in ((64, 0.1), (64, 2.0), (128, 2.0), (256, 2.0), (500, 2.0), (500, 0.1)):
        assert backlog.turn(0.0) == (A, expected, False)
        backlog.leased(A, expected, 0.0)
        for _ in range(expected):
            backlog.finished(A, 0.0, throttled=False, due=None, took=took)


@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "begin", "turn", "finish"]), st.sampled_from([A, B, C]), st.booleans()),
        max_size=80,
    )
)
def test_nobody_is_forgotten(steps: list[tuple[str, FunctionKey, bool]]) -> None:
    """As long as something is due and not all is running, somebody has a turn, now or at `next_turn`."""
    backlog, now = Backlog(1000, 1 << 20), 0.0
    waiting = {A: 0, B: 0, C: 0}
    running = {A: 0, B: 0, C: 0}

    def take(now: float) -> bool:
        turn = backlog.turn(now)
        if turn is None:
            return False
        key, most, _ = turn
        assert most > 0
        count = min(most, waiting[key])
        waiting[key] -= count
        running[key] += count
        backlog.leased(key, count, 0.0 if waiting[key] else None)
        return True

    for step, key, throttled in steps:
        now += 0.1
        if step == "add":
            waiting[key] += 1
            backlog.added(key, now)
        elif step == "begin":
            running[key] += backlog.begin(key, now)
        elif step == "turn":
            take(now)
        elif running[key]:
            running[key] -= 1
            waiting[key] += throttled
            backlog.finished(key, now, throttled, now if throttled else None)
        assert backlog.running == sum(running.values())
    for _ in range(300):
        if take(now):
            continue
        busy = next((key for key in (A, B, C) if running[key]), None)
        if busy is not None:
            running[busy] -= 1
            backlog.finished(busy, now, False, None)
        else:
            now = max(now, backlog.next_turn() or now)
    assert not any(waiting.values())
    assert not any(running.values())
