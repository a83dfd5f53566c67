"""Does something about what is due, when it is due. What is due is told from what is committed; waiting for it is one timer."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeVar

from lambdad.clock import Clock
from lambdad.resources.timetable import Timetable

log = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)

_AT_ONCE: Final = 256
"""They share commits."""
_LONGEST_SLEEP: Final = 60.0
"""Seconds: a wall clock may be set, and a laptop may have slept."""
_AFTER_FAILURE: Final = 5.0


class Clockwork(Generic[K]):
    """`start`, `close`: once each; `set` whenever."""

    def __init__(self, act: Callable[[K], Awaitable[None]], clock: Clock) -> None:
        """`act`: what is done about one that is due. It sets when it is due again, if it is."""
        self._act = act
        self._clock = clock
        self._table: Timetable[K] = Timetable()
        self._wake = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def set(self, key: K, due: float | None) -> None:
        """Instead of when it was due before; None: never."""
        self._table.put(key, due)
        self._wake.set()

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            taken = self._table.take(self._clock.now(), _AT_ONCE)
            if not taken:
                await self._sleep()
                continue
            done = await asyncio.gather(*map(self._act, taken), return_exceptions=True)
            for key, error in zip(taken, done, strict=True):
                if error is not None:
                    log.error("what is due of %s could not be done; it will be tried again", key, exc_info=error)
                    self.set(key, self._clock.now() + _AFTER_FAILURE)

    async def _sleep(self) -> None:
        due = self._table.next()
        wait = _LONGEST_SLEEP if due is None else min(due - self._clock.now(), _LONGEST_SLEEP)
        try:
            await asyncio.wait_for(self._wake.wait(), max(wait, 0.0))
        except TimeoutError:
            return

    async def close(self) -> None:
        """What is being done is finished."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await self._task
