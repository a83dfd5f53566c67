"""Until when something has to have happened, where that is moved far more often than it is reached."""

import asyncio
from collections.abc import Callable


class Deadline:
    """Setting it is only a note: one timer looks at the note when it fires, instead of one being made each time."""

    __slots__ = ("_at", "_loop", "_passed", "_timer")

    def __init__(self, passed: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._passed = passed
        self._at: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def set(self, seconds: float | None) -> None:
        """From now on; None: there is none."""
        if seconds is None:
            self._at = None
            return
        self._at = self._loop.time() + seconds
        if self._timer is None:
            self._timer = self._loop.call_later(seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._at is None:
            return
        left = self._at - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        else:
            self._passed()

    def cancel(self) -> None:
        """For good."""
        self._at = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
