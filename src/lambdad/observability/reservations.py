"""Counts what is reserved: provisioned concurrency and cached snapshots cost something whether they are used or not.

A committed change of a function begins and ends reservations; `settle` writes down what they have come to, each with what it adds
in one transaction, so that a crash neither loses nor repeats any of it. The time that a server is down counts, as it does on AWS:
configured is configured. AWS: docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace

from lambdad.clock import Clock
from lambdad.resources.function import Function, FunctionKey
from lambdad.resources.usage import Reservation, ReservationName, Terms, reserved
from lambdad.store.usage import Usage

_AT_ONCE = 200
"""Written at the same time, and so in one commit."""


class Reservations:
    def __init__(self, usage: Usage, clock: Clock) -> None:
        self._usage = usage
        self._clock = clock
        self._open: dict[FunctionKey, dict[ReservationName, Reservation]] = {}
        self._changes: deque[tuple[float, FunctionKey, Mapping[ReservationName, Terms]]] = deque()
        self._settling = asyncio.Lock()

    def load(self, functions: Iterable[Function]) -> None:
        """Once, at start: what was left open, and what functions say by now."""
        for reservation in self._usage.reservations():
            self._open.setdefault(reservation.function, {})[reservation.name] = reservation
        now = self._clock.now()
        wanted = {function.key: found for function in functions if (found := reserved(function))}
        for key in wanted.keys() | self._open.keys():
            self._changes.append((now, key, wanted.get(key, {})))

    def function_changed(self, key: FunctionKey, before: Function | None, after: Function | None) -> None:
        """A committed change."""
        wanted = reserved(after)
        if wanted != reserved(before):
            self._changes.append((self._clock.now(), key, wanted))

    async def settle(self) -> None:
        """Write down all that has begun, ended and gone on. What could not be written is tried again the next time.

        Raises WRITE_FAILED."""
        async with self._settling:
            while self._changes:
                moment, key, wanted = self._changes[0]
                await self._change(moment, key, wanted)
                self._changes.popleft()
            now = self._clock.now()
            due = [one for own in self._open.values() for one in own.values() if one.due_s(now) > one.charged_s]
            for start in range(0, len(due), _AT_ONCE):
                written = [self._charge(one, now) for one in due[start : start + _AT_ONCE]]
                for error in await asyncio.gather(*written, return_exceptions=True):
                    if error is not None:
                        raise error

    async def _change(self, moment: float, key: FunctionKey, wanted: Mapping[ReservationName, Terms]) -> None:
        for name, reservation in list(self._open.get(key, {}).items()):
            if wanted.get(name) != reservation.terms:
                await self._charge(reservation, moment, open_still=False)
        for name, terms in wanted.items():
            if name not in self._open.get(key, {}):
                await self._charge(Reservation(key, name, terms, moment), moment)

    async def _charge(self, reservation: Reservation, now: float, open_still: bool = True) -> None:
        due_s = reservation.due_s(now)
        counted = reservation.counts_until(due_s)
        after = replace(reservation, charged_s=due_s)
        await self._usage.charge(after, open_still, counted)
        own = self._open.setdefault(reservation.function, {})
        if open_still:
            own[reservation.name] = after
            return
        del own[reservation.name]
        if not own:
            del self._open[reservation.function]
