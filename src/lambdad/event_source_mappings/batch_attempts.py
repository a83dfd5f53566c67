"""A batch is tried until all of its records are done or given up: in halves, in part, again and again.

What is done with a batch, and what with records that are given up, is the source's (`Work`).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from lambdad.clock import Clock
from lambdad.event_source_mappings.invocations import Ran
from lambdad.event_source_mappings.retries import EXHAUSTED, TOO_OLD, Aged, Retries

R = TypeVar("R", bound=Aged)
C = TypeVar("C", bound=Aged, contravariant=True)

PAUSES: Final = (0.2, 60.0)
"""Seconds between attempts: first and longest."""


@dataclass(frozen=True, slots=True)
class Failure(Generic[R]):
    """`records`: those that are to be tried again, all or some. `ran`: what the function made of it."""

    records: list[R]
    ran: Ran
    whole: bool
    """Nothing of the batch is known to be done."""


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Why, and after what."""

    condition: str
    attempts: int
    ran: Ran | None
    """The last attempt; None: there was none."""


class Work(Protocol[R]):
    async def invoke(self, records: list[R]) -> "Failure[R] | None":
        """None: all of them are done."""

    async def give_up(self, records: list[R], why: GivenUp) -> None: ...


class Ending:
    """Of a mapping's poller: what waits ends, what runs comes to its end."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def begin(self) -> None:
        self._event.set()

    @property
    def begun(self) -> bool:
        return self._event.is_set()

    async def pause(self, seconds: float) -> bool:
        """True: it has come."""
        try:
            async with asyncio.timeout(seconds):
                return await self._event.wait()
        except TimeoutError:
            return False


@dataclass(slots=True)
class _Waiting(Generic[R]):
    records: list[R]
    attempts: int
    ran: Ran | None


class BatchAttempts(Generic[R]):
    def __init__(self, work: Work[R], retries: Retries, ending: Ending, clock: Clock) -> None:
        self._work = work
        self._retries = retries
        self._ending = ending
        self._clock = clock

    async def work_off(self, records: Sequence[R]) -> bool:
        """Until each is done or given up; False: the mapping ends before."""
        waiting = [_Waiting(list(records), 0, None)]
        pause = PAUSES[0]
        while waiting:
            one = waiting.pop(0)
            fresh, old = self._retries.by_age(one.records, self._clock.now())
            if old:
                await self._work.give_up(old, GivenUp(TOO_OLD, one.attempts, one.ran))
            if not fresh:
                continue
            failure = await self._work.invoke(fresh)
            if failure is None:
                pause = PAUSES[0]
                continue
            again = await self._after(failure, one.attempts)
            if again:
                waiting[:0] = again
                if await self._ending.pause(pause):
                    return False
                pause = min(pause * 2, PAUSES[1])
        return True

    async def _after(self, failure: Failure[R], attempts: int) -> list[_Waiting[R]]:
        """What is tried again. Splitting is no attempt, nor is what no function was given."""
        ran = failure.ran
        if ran.result is None:
            return [_Waiting(failure.records, attempts, ran)]
        if self._retries.bisect and not failure.whole:
            return [_Waiting(failure.records, attempts, ran)]  # the function itself has said where to split
        if len(halves := self._retries.halves(failure.records)) > 1:
            return [_Waiting(half, attempts, ran) for half in halves]
        if self._retries.given_up(attempts + 1):
            await self._work.give_up(failure.records, GivenUp(EXHAUSTED, attempts + 1, ran))
            return []
        return [_Waiting(failure.records, attempts + 1, ran)]
