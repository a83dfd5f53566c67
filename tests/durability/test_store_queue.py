"""The queue of asynchronous events: leased once, kept until settled, due in order; against a model, with crashes in between."""

import asyncio
import dataclasses
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lambdad.resources.function import FunctionKey
from lambdad.store.database import Database
from lambdad.store.deliveries import Deliveries, Delivery
from lambdad.store.queue import Event, EventQueue

T = TypeVar("T")

KEY, OTHER = (FunctionKey("000000000000", "us-east-1", name) for name in "fg")
PLENTY = 1 << 20


def event(name: str, due: float = 0.0, key: FunctionKey = KEY, payload: bytes = b'\x00\xff{"a": 1}') -> Event:
    return Event(
        request_id=name,
        key=key,
        qualifier="1",
        payload=payload,
        client_context='{"custom": {}}',
        trace_id=None,
        accepted_at=5.0,
        due_at=due,
        tenant_id=f"of {name}",
    )


def delivery(name: str, due: float = 0.0) -> Delivery:
    return Delivery(
        kind="destination",
        key=KEY,
        request_id=name,
        target="arn:aws:sqs:us-east-1:000000000000:q",
        body=b"{}",
        context={"condition": "Success"},
        begun_at=due,
        due_at=due,
    )


def run(tmp_path: Path, work: Callable[[EventQueue, Deliveries], Awaitable[None]]) -> None:
    async def main() -> None:
        database = Database(tmp_path)
        database.open()
        deliveries = Deliveries(database)
        queue = EventQueue(database, deliveries)
        queue.load()
        deliveries.load()
        try:
            await work(queue, deliveries)
        finally:
            await database.close()

    asyncio.run(main())


def names(events: list[Event]) -> list[str]:
    return [event.request_id for event in events]


def test_an_event_comes_back_as_it_was(tmp_path: Path) -> None:
    async def work(queue: EventQueue, _: Deliveries) -> None:
        sent = event("a")
        await queue.append(sent)
        (leased,) = (await queue.lease(KEY, 1.0, 10, PLENTY)).events
        assert dataclasses.replace(leased, id=0) == sent

    run(tmp_path, work)


def test_what_is_due_is_leased_once_the_longest_due_first(tmp_path: Path) -> None:
    async def work(queue: EventQueue, _: Deliveries) -> None:
        for name, due in (("late", 30.0), ("second", 20.0), ("first", 10.0), ("third", 25.0)):
            await queue.append(event(name, due))
        await queue.append(event("another's", 1.0, OTHER))
        leased = await queue.lease(KEY, 5.0, 10, PLENTY)
        assert (names(leased.events), leased.next_due) == ([], 10.0)
        leased = await queue.lease(KEY, 25.0, 2, PLENTY)
        assert (names(leased.events), leased.next_due) == (["first", "second"], 25.0)
        leased = await queue.lease(KEY, 25.0, 2, PLENTY)
        assert (names(leased.events), leased.next_due) == (["third"], 30.0)
        leased = await queue.lease(KEY, 25.0, 2, PLENTY)
        assert (names(leased.events), leased.next_due) == ([], 30.0)
        assert sorted(queue.functions(), key=str) == [(KEY, 10.0), (OTHER, 1.0)]

    run(tmp_path, work)


def test_no_more_bytes_than_there_is_room_for(tmp_path: Path) -> None:
    async def work(queue: EventQueue, _: Deliveries) -> None:
        for number in range(5):
            await queue.append(event(str(number), payload=b"x" * 1000))
        leased = await queue.lease(KEY, 1.0, 10, 2500)
        assert (names(leased.events), leased.next_due) == (["0", "1"], 0.0)
        assert names((await queue.lease(KEY, 1.0, 10, 10)).events) == ["2"]  # one, however large

    run(tmp_path, work)


def test_deliveries_wait_until_they_are_done(tmp_path: Path) -> None:
    async def before(queue: EventQueue, deliveries: Deliveries) -> None:
        await queue.append(event("a"))
        (leased,) = (await queue.lease(KEY, 1.0, 1, PLENTY)).events
        one, two = await queue.settle(leased, [delivery("one", 10.0), delivery("two", 20.0)])
        assert await deliveries.due(5.0, frozenset(), frozenset(), 10) == ([], 10.0)
        assert await deliveries.due(10.0, frozenset(), frozenset(), 10) == ([one], 20.0)
        assert await deliveries.due(10.0, frozenset({one.id}), frozenset(), 10) == ([], 20.0)
        assert await deliveries.due(30.0, frozenset(), frozenset({one.target, "another"}), 10) == ([], None)
        await deliveries.postpone(one, 30.0)
        await deliveries.done(two)

    async def after(queue: EventQueue, deliveries: Deliveries) -> None:
        (one,), due = await deliveries.due(30.0, frozenset(), frozenset(), 10)
        assert (one.request_id, one.attempts, due) == ("one", 1, None)
        assert queue.functions() == []

    run(tmp_path, before)
    run(tmp_path, after)


class QueueModel(RuleBasedStateMachine):
    """Accept, lease, settle, put off, deliver, crash: whatever the order, nothing is lost and nothing comes back."""

    def __init__(self) -> None:
        super().__init__()
        self._directory = tempfile.TemporaryDirectory(prefix="queue-model-")
        self._loop = asyncio.new_event_loop()
        self._names = 0
        self.waiting: dict[str, tuple[FunctionKey, float]] = {}
        """By request id: whose it is, and when it is due."""
        self.leased: dict[str, Event] = {}
        self.deliveries: dict[str, float] = {}

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(work)

    @initialize()
    def open(self) -> None:
        async def opened() -> None:
            self.database = Database(Path(self._directory.name))
            self.database.open()
            self.sent = Deliveries(self.database)
            self.queue = EventQueue(self.database, self.sent)
            self.queue.load()
            self.sent.load()

        self._do(opened())

    @rule(keys=st.lists(st.sampled_from([KEY, OTHER]), min_size=1, max_size=5), due=st.integers(0, 9))
    def accept(self, keys: list[FunctionKey], due: int) -> None:
        """Together: they share commits."""

        async def appended() -> None:
            await asyncio.gather(*(self.queue.append(one) for one in new))

        new = []
        for key in keys:
            self._names += 1
            new.append(event(str(self._names), float(due), key))
            self.waiting[str(self._names)] = (key, float(due))
        self._do(appended())

    @rule(key=st.sampled_from([KEY, OTHER]), due=st.integers(0, 9))
    def accept_and_take(self, key: FunctionKey, due: int) -> None:
        """It is run at once."""
        self._names += 1
        name = str(self._names)
        one = self._do(self.queue.append(event(name, float(due), key)))
        self.queue.take(one)
        self.leased[name] = one
        self.waiting[name] = (key, float(due))

    @rule(key=st.sampled_from([KEY, OTHER]), now=st.integers(0, 9), most=st.integers(1, 4))
    def lease(self, key: FunctionKey, now: int, most: int) -> None:
        leased = self._do(self.queue.lease(key, float(now), most, PLENTY))
        free = {name: due for name, (owner, due) in self.waiting.items() if owner == key and name not in self.leased}
        due_now = sorted((due, int(name)) for name, due in free.items() if due <= now)
        assert [(one.due_at, int(one.request_id)) for one in leased.events] == due_now[:most]
        for one in leased.events:
            self.leased[one.request_id] = one
            del free[one.request_id]
        assert leased.next_due == min(free.values(), default=None)

    def _any_leased(self, number: int) -> Event | None:
        names = sorted(self.leased)
        return self.leased.pop(names[number % len(names)]) if names else None

    @rule(number=st.integers(0, 9), told=st.booleans(), becomes=st.booleans())
    def settle(self, number: int, told: bool, becomes: bool) -> None:
        one = self._any_leased(number)
        if one is None:
            return
        del self.waiting[one.request_id]
        new = []
        if becomes:
            self._names += 1
            new.append(event(str(self._names), 0.0, OTHER))
            self.waiting[str(self._names)] = (OTHER, 0.0)
        if told:
            self.deliveries[one.request_id] = 0.0
        self._do(self.queue.settle(one, [delivery(one.request_id)] if told else [], new))

    @rule(number=st.integers(0, 9), due=st.integers(0, 9))
    def put_off(self, number: int, due: int) -> None:
        one = self._any_leased(number)
        if one is not None:
            self._do(self.queue.reschedule(one, float(due), one.errors + 1, 0))
            self.waiting[one.request_id] = (one.key, float(due))

    @rule(number=st.integers(0, 9))
    def give_back(self, number: int) -> None:
        one = self._any_leased(number)
        if one is not None:
            self.queue.give_back(one)

    @rule(now=st.integers(0, 9), done=st.booleans())
    def deliver(self, now: int, done: bool) -> None:
        found, due = self._do(self.sent.due(float(now), frozenset(), frozenset(), 1))
        expected = sorted(self.deliveries.values())
        assert [one.due_at for one in found] == [at for at in expected[:1] if at <= now]
        rest = expected[len(found) :]
        assert due == (rest[0] if rest else None)
        for one in found:
            if done:
                self._do(self.sent.done(one))
                del self.deliveries[one.request_id]
            else:
                self._do(self.sent.postpone(one, 9.0))
                self.deliveries[one.request_id] = 9.0

    @rule()
    def crash(self) -> None:
        """What runs is forgotten, what is committed is not."""
        self._do(self.database.close())
        self.leased.clear()
        self.open()

    @invariant()
    def functions_are_known(self) -> None:
        if hasattr(self, "queue"):
            expected: dict[FunctionKey, float] = {}
            for key, due in self.waiting.values():
                expected[key] = min(due, expected.get(key, due))
            assert dict(self.queue.functions()) == expected

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self._do(self.database.close())
        self._loop.close()
        self._directory.cleanup()


TestQueueModel = QueueModel.TestCase
TestQueueModel.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
