"""The queue of asynchronous events: leased once, kept until settled, due in order."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from lambdad.resources.function import FunctionKey
from lambdad.store.database import Database
from lambdad.store.queue import Event, EventQueue

KEY = FunctionKey("000000000000", "us-east-1", "f")


def event(name: str, due: float = 0.0) -> Event:
    return Event(
        request_id=name,
        key=KEY,
        qualifier="1",
        payload=b'\x00\xff{"a": 1}',
        client_context='{"custom": {}}',
        trace_id=None,
        accepted_at=5.0,
        due_at=due,
    )


def run(tmp_path: Path, work: Callable[[EventQueue], Awaitable[None]]) -> None:
    async def main() -> None:
        database = Database(tmp_path)
        database.open()
        queue = EventQueue(database)
        queue.load()
        try:
            await work(queue)
        finally:
            await database.close()

    asyncio.run(main())


def names(events: list[Event]) -> list[str]:
    return [event.request_id for event in events]


def test_an_event_comes_back_as_it_was(tmp_path: Path) -> None:
    async def work(queue: EventQueue) -> None:
        await queue.append(event("a"))
        (leased,) = await queue.lease(1.0, 10)
        assert leased.payload == b'\x00\xff{"a": 1}'
        assert (leased.key, leased.qualifier, leased.client_context, leased.trace_id) == (
            KEY,
            "1",
            '{"custom": {}}',
            None,
        )
        assert (leased.accepted_at, leased.errors, leased.throttles) == (5.0, 0, 0)

    run(tmp_path, work)


def test_what_is_due_is_leased_once_the_longest_due_first(tmp_path: Path) -> None:
    async def work(queue: EventQueue) -> None:
        for name, due in (("late", 30.0), ("second", 20.0), ("first", 10.0), ("third", 25.0)):
            await queue.append(event(name, due))
        assert await queue.next_due() == 10.0
        assert names(await queue.lease(5.0, 10)) == []
        assert names(await queue.lease(25.0, 2)) == ["first", "second"]
        assert names(await queue.lease(25.0, 2)) == ["third"]
        assert names(await queue.lease(25.0, 2)) == []
        assert await queue.next_due() == 30.0

    run(tmp_path, work)


def test_what_is_settled_is_gone_and_what_is_not_comes_again(tmp_path: Path) -> None:
    async def before(queue: EventQueue) -> None:
        await asyncio.gather(*(queue.append(event(name)) for name in ("settled", "rescheduled", "leased", "waiting")))
        leased = {one.request_id: one for one in await queue.lease(1.0, 3)}
        assert len(leased) == 3
        for one in leased.values():
            if one.request_id == "rescheduled":
                await queue.reschedule(one, 100.0, 1, 2)
            elif one.request_id == "settled":
                await queue.settle(one)

    async def after(queue: EventQueue) -> None:
        assert sorted(names(await queue.lease(99.0, 10))) == ["leased", "waiting"]
        assert await queue.next_due() == 100.0
        (again,) = await queue.lease(100.0, 10)
        assert (again.request_id, again.errors, again.throttles) == ("rescheduled", 1, 2)
        await queue.append(event("new"))
        assert names(await queue.lease(100.0, 10)) == ["new"]
        assert await queue.next_due() is None

    run(tmp_path, before)
    run(tmp_path, after)
