"""What an environment measures and limits: the time since something began, and what happens when it has had too much."""

import asyncio
from collections.abc import Callable
from typing import Any

from lambdad.clock import Clock


class TimeLimit:
    """One limit at a time."""

    __slots__ = ("_loop", "_timer", "clock", "started")

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self.started = 0.0
        """By the clock's monotonic time; whoever begins something sets it."""

    def elapsed_ms(self) -> float:
        return (self.clock.monotonic() - self.started) * 1000

    def set(self, seconds: float, over: Callable[..., None], *arguments: Any) -> None:
        self._timer = self._loop.call_later(seconds, over, *arguments)

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
