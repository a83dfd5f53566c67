"""Whose events are run next: functions take turns, and one that is throttled is slowed down by itself. Pure accounting.

A function's line says when it has something due, how many of its events are being run, and how many may be: throttling narrows
that to what has gone through, every success widens it a little. So a function with little concurrency is kept busy with what it
has, and one that has none is tried with one event at a time, after a growing wait. Its backlog, however long, costs the others
nothing. One whose events take long may have more and more of them run at once, but never more than half of what the others leave,
and who has none being run may always have one: functions that do not answer hold up nobody, either. The same holds for the bytes
of their payloads.
"""

import heapq
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from lambdad.resources.function import FunctionKey

MOST: Final = 64
"""Events of one function in flight at once, at first: more of short ones would only be in each other's way."""
_LONG: Final = 1.0
"""Seconds: each event that takes longer lets one more of its function be run at once."""
_FIRST_WAIT: Final = 0.5
_LONGEST_WAIT: Final = 30.0
"""Seconds that a function of which nothing goes through waits before one of its events is tried again."""


@dataclass(slots=True)
class _Line:
    due: float | None
    """When the next of its events is due that is not being run; None: there is none."""
    running: int = 0
    held: int = 0
    """Bytes of these."""
    most: int = MOST
    """How many may be, as long as none is throttled."""
    window: float = MOST
    """How many may be now."""
    refusals: int = 0
    """In a row, with nothing else of it running."""
    blocked_until: float = 0.0

    @property
    def room(self) -> int:
        return int(self.window) - self.running

    @property
    def ready_at(self) -> float | None:
        """When it may have another turn; None: not before something changes."""
        if self.due is None or self.room <= 0:
            return None
        return max(self.due, self.blocked_until)


class Backlog:
    def __init__(self, most: int, most_bytes: int) -> None:
        """`most` and `most_bytes`: events in flight at once, of all functions, and their payloads; as many more, if each is the
        only one of its function."""
        self._most = most
        self._most_bytes = most_bytes
        self._lines: dict[FunctionKey, _Line] = {}
        self._ready: OrderedDict[FunctionKey, None] = OrderedDict()
        self._crowded: list[FunctionKey] = []
        """Out of turn until an event of anyone has come to its end."""
        self._later: list[tuple[float, int, FunctionKey]] = []
        """A heap; entries of lines that have changed since are passed over."""
        self._sequence = 0
        self.running = 0
        self._held = 0

    def added(self, key: FunctionKey, due: float) -> None:
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = _Line(due)
        elif line.due is None or due < line.due:
            line.due = due
        else:
            return
        self._plan(key, line)

    def begin(self, key: FunctionKey, now: float, size: int = 0) -> bool:
        """Whether a new event of it may be run at once, and then it is counted: nothing else of it waits, and there is room. While
        events of it are being leased something waits. `size`: bytes."""
        line = self._lines.get(key) or _Line(None)
        if line.due is not None or line.blocked_until > now or self._room(line) <= 0 or self._room_for_bytes(line) <= 0:
            return False
        self._lines[key] = line
        self._count(line, 1, size)
        return True

    def _count(self, line: _Line, count: int, size: int) -> None:
        line.running += count
        self.running += count
        line.held += size
        self._held += size

    def _room(self, line: _Line) -> int:
        """How many more of its events may be run."""
        return min(line.room, _share(self._most, self.running, line.running, alone=not line.running))

    def _room_for_bytes(self, line: _Line) -> int:
        return _share(self._most_bytes, self._held, line.held, alone=not line.running)

    def room_for_bytes(self, key: FunctionKey) -> int:
        """Of events of the function whose turn it is; but one, however large."""
        return self._room_for_bytes(self._lines[key])

    def turn(self, now: float) -> tuple[FunctionKey, int, bool] | None:
        """The function whose turn it is, how many of its events may be run, and whether it is slowed down. It is out of turn
        until `leased` says what became of it."""
        self._wake(now)
        while self._ready:
            key, _ = self._ready.popitem(last=False)
            line = self._lines.get(key)
            if line is None or (ready := line.ready_at) is None:
                continue
            if ready > now:
                self._plan(key, line)
                continue
            room = self._room(line)
            if room > 0 and self._room_for_bytes(line) > 0:
                return key, room, line.window < line.most
            self._crowded.append(key)
        return None

    def _wake(self, now: float) -> None:
        while self._later and self._later[0][0] <= now:
            _, _, key = heapq.heappop(self._later)
            self._ready[key] = None

    def next_turn(self) -> float | None:
        """When somebody may be ready, if nobody is; None: not before something changes."""
        return self._later[0][0] if self._later else None

    def leased(self, key: FunctionKey, count: int, due: float | None, size: int = 0) -> None:
        """So many are being run now, with payloads of so many bytes; `due`: when the next of the others is due."""
        line = self._lines[key]
        self._count(line, count, size)
        line.due = due
        self._plan(key, line)

    def finished(
        self, key: FunctionKey, now: float, throttled: bool, due: float | None, took: float = 0.0, size: int = 0
    ) -> None:
        """One has been settled, or put off until `due`. `took`: seconds; `size`: its bytes."""
        line = self._lines[key]
        self._count(line, -1, -size)
        self._ready.update(dict.fromkeys(self._crowded))
        self._crowded.clear()
        if throttled:
            line.window = max(min(line.window, float(line.running)), 1.0)
            if not line.running:
                line.blocked_until = now + min(_FIRST_WAIT * 2.0**line.refusals, _LONGEST_WAIT)
                line.refusals += 1
        else:
            if took > _LONG and line.window >= line.most:
                line.most = min(line.most + 1, self._most)
                line.window = line.most
            line.window = min(line.window + 1.0 / line.window, line.most)
            line.refusals = 0
            line.blocked_until = 0.0
        if due is not None and (line.due is None or due < line.due):
            line.due = due
        self._plan(key, line)

    def unblock(self, key: FunctionKey) -> None:
        """Its concurrency may be another: it is tried at once."""
        line = self._lines.get(key)
        if line is not None and line.blocked_until:
            line.blocked_until = 0.0
            line.refusals = 0
            self._plan(key, line)

    def _plan(self, key: FunctionKey, line: _Line) -> None:
        ready = line.ready_at
        if ready is not None:
            self._sequence += 1
            heapq.heappush(self._later, (ready, self._sequence, key))
        elif line.due is None and not line.running:
            del self._lines[key]
            self._ready.pop(key, None)


def _share(most: int, used: int, own: int, *, alone: bool) -> int:
    """How much more a function may have: with what it has, half of what the others leave."""
    share = (most - (used - own) + 1) // 2 - own
    return max(share, 1) if alone and used < 2 * most else share
