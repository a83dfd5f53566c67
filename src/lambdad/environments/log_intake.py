"""Whose output is read next: what functions print slowly at once, what floods in turns.

A pipe that is emptied by one read is quiet. One that is not is taken out of the event loop's hands and waits its turn with
the others like it: one piece of one of them between any two things that the loop does else, and none while the log writer has
enough. What is not read waits in the pipe, and the function that wrote it in its next write: a flood slows itself down.
"""

import asyncio
from collections import deque
from collections.abc import Callable

_PAUSE = 0.01
"""Seconds, while the log writer has enough."""


class LogIntake:
    """One of a server. `full`: has the log writer enough?"""

    def __init__(self, full: Callable[[], bool]) -> None:
        self._full = full
        self._loop = asyncio.get_running_loop()
        self._takes: dict[int, Callable[[], bool]] = {}
        self._floods: deque[int] = deque()
        self._turn: asyncio.Handle | None = None

    def open(self, output: int, take: Callable[[], bool]) -> None:
        """`take` reads one piece, and says whether the pipe may hold more; it is called whenever it holds something."""
        self._takes[output] = take
        self._loop.add_reader(output, self._readable, output)

    def close(self, output: int) -> None:
        if self._takes.pop(output, None) is None:
            return
        if output in self._floods:
            self._floods.remove(output)
        else:
            self._loop.remove_reader(output)

    def _readable(self, output: int) -> None:
        if self._takes[output]():
            self._loop.remove_reader(output)
            self._floods.append(output)
            if self._turn is None:
                self._turn = self._loop.call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._turn = None
        if not self._floods:
            return
        if self._full():
            self._turn = self._loop.call_later(_PAUSE, self._take_turn)
            return
        output = self._floods.popleft()
        if self._takes[output]():
            self._floods.append(output)
        else:
            self._loop.add_reader(output, self._readable, output)
        if self._floods:
            self._turn = self._loop.call_soon(self._take_turn)
