"""How far a shard is done with, on its way to the disk: the newest place is written, not each of them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from lambdad.event_source_mappings.stream_batches import Progress
from lambdad.event_source_mappings.stream_event import Window
from lambdad.store.database import WRITE_FAILED
from lambdad.store.deliveries import Delivery
from lambdad.store.stream_checkpoints import Checkpoint, StreamCheckpoints

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Store:
    """Where places are kept, and who is told that something is to be delivered.

    `logged`: what the function has logged is durable when it returns, and only then a place is."""

    checkpoints: StreamCheckpoints
    wake: Callable[[], None]
    logged: Callable[[], Awaitable[None]]


class ShardPlace:
    def __init__(self, mapping: str, shard: str, checkpoint: Checkpoint, seconds: int, store: Store) -> None:
        """`seconds`: of tumbling windows."""
        self._mapping = mapping
        self.shard = shard
        self.since = checkpoint.since
        self.progress = Progress(checkpoint.after)
        opened = checkpoint.window
        self.window = Window(opened, seconds, checkpoint.state) if opened is not None and seconds else None
        self._store = store
        self._kept = checkpoint
        self._ended = False
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    @property
    def checkpoint(self) -> Checkpoint:
        window = self.window
        opened, state = (window.start, window.state) if window is not None else (None, "{}")
        return Checkpoint(self.progress.after, self.since, self._ended, opened, state)

    @property
    def kept_checkpoint(self) -> Checkpoint:
        """What is on disk."""
        return self._kept

    def changed(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._keep())

    async def _keep(self) -> None:
        try:
            while self.checkpoint != self._kept:
                async with self._writing:
                    await self._write(self.checkpoint, ())
        except WRITE_FAILED as error:
            log.error("how far shard %s is done with could not be kept; it comes again: %r", self.shard, error)
        finally:
            self._task = None

    async def tell(self, sequences: Sequence[str], deliveries: Sequence[Delivery]) -> None:
        """These are done with, and told of, in one commit. Raises what a write does: they are not done with then."""
        async with self._writing:
            await self._write(replace(self.checkpoint, after=self.progress.with_done(sequences)), deliveries)
            self.progress.done(sequences)
        self._store.wake()

    async def _write(self, checkpoint: Checkpoint, deliveries: Sequence[Delivery]) -> None:
        await self._store.logged()
        await self._store.checkpoints.save(self._mapping, {self.shard: checkpoint}, deliveries)
        self._kept = checkpoint

    async def end(self) -> None:
        """Nothing is left of the shard."""
        self._ended = True
        await self.kept()

    async def kept(self) -> None:
        self.changed()
        while self._task is not None:
            await asyncio.wait([self._task])
