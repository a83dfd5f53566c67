"""One of the ways that a shard's records take to the function: batch after batch, in order. Those of one key take the same."""

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import islice

from lambdad.event_source_mappings.shard_place import ShardPlace
from lambdad.event_source_mappings.shard_work import Consumer, ShardWork
from lambdad.event_source_mappings.stream_batches import batch_of, is_full, window_of
from lambdad.event_source_mappings.stream_record import StreamRecord

_LATE = 1.0
"""Seconds after its end that a tumbling window waits for what came before it."""


class ShardLane:
    """A task of its own while there is something to do; `stopped` is called whenever that ends, and `moved` after each batch."""

    def __init__(
        self,
        consumer: Consumer,
        place: ShardPlace,
        moved: Callable[[], None],
        stopped: Callable[["asyncio.Task[None]"], None],
    ) -> None:
        self._consumer = consumer
        self._place = place
        self._work = ShardWork(consumer, place)
        self._moved = moved
        self._stopped = stopped
        self._records: deque[StreamRecord] = deque()
        self._held = 0
        self._more = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._last = False
        self._halted = False
        """The mapping ends: no batch is begun any more."""

    @property
    def waiting(self) -> int:
        """Records that no batch has been made of."""
        return len(self._records)

    def add(self, record: StreamRecord) -> None:
        self._records.append(record)
        self._held += len(record.document)
        self.start()

    def start(self) -> None:
        self._more.set()
        if self._task is None and not self._halted:
            self._task = asyncio.get_running_loop().create_task(self._run())
            self._task.add_done_callback(self._over)

    def _over(self, task: "asyncio.Task[None]") -> None:
        self._task = None
        if self._records and not task.cancelled() and task.exception() is None:
            self.start()  # it came when the task had ended, and nobody knew
        self._stopped(task)

    async def finish(self) -> None:
        """No record comes any more: what there is is worked off, and an open window is closed."""
        self._last = True
        if self._place.window is not None:
            self.start()
        self._more.set()
        await self.over()

    async def halt(self) -> None:
        """No batch is begun any more; the one that is comes to its end."""
        self._halted = True
        self._more.set()
        await self.over()

    async def over(self) -> None:
        while self._task is not None:
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while not self._halted and (self._records or self._place.window is not None):
            if self._consumer.settings.tumbling and not await self._in_window():
                continue
            await self._gathered()
            if self._halted:
                return
            if await self._work.work_off(self._take()):
                self._moved()
            else:
                self._halted = True

    async def _in_window(self) -> bool:
        """Is the next record one of the window that is open? Of a later one, or when none comes any more, that one is closed."""
        window, seconds = self._place.window, self._consumer.settings.tumbling
        if window is None:
            self._work.open(window_of(self._records[0].arrived_at, seconds))
            return True
        if self._records:
            if window_of(self._records[0].arrived_at, seconds) <= window.start:
                return True
            await self._close_window()
        elif self._last or await self._nothing_until(window.end + _LATE - self._consumer.clock.now()):
            await self._close_window()
        return False

    async def _close_window(self) -> None:
        if not await self._work.close():
            self._halted = True

    async def _nothing_until(self, seconds: float) -> bool:
        """False: something came within so many seconds, or the end."""
        self._more.clear()
        try:
            async with asyncio.timeout(max(seconds, 0.0)):
                await self._more.wait()
        except TimeoutError:
            return True
        return False

    async def _gathered(self) -> None:
        """Until a batch is full, or its window is over."""
        settings, clock = self._consumer.settings, self._consumer.clock
        until = clock.monotonic() + settings.window
        while not self._last and not is_full(self._records, settings.size, self._held):
            left = until - clock.monotonic()
            if left <= 0 or self._halted or await self._nothing_until(left):
                return

    def _take(self) -> list[StreamRecord]:
        window = self._place.window
        taken = len(window.state.encode()) if window is not None else 0
        bounds = (window.start, window.seconds) if window is not None else None
        count = batch_of(self._records, self._consumer.settings.size, taken, bounds)
        batch = list(islice(self._records, count))
        for record in batch:
            self._records.popleft()
            self._held -= len(record.document)
        return batch
