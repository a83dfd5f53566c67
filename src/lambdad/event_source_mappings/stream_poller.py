"""One stream's records (Kinesis, DynamoDB) to one function, in the order of each key, as long as the mapping is enabled.

AWS: docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html, …/with-ddb.html. Shards do not wait for each other, but for their
parents. How far each is done with is in the database.
"""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

from lambdad.aws.json_client import AwsError
from lambdad.aws.stream_news import StreamNews
from lambdad.event_source_mappings.shard_place import ShardPlace, Store
from lambdad.event_source_mappings.shard_reader import ShardReader
from lambdad.event_source_mappings.shard_work import Consumer
from lambdad.event_source_mappings.stream_record import Shard, ShardGone, startable
from lambdad.event_source_mappings.stream_settings import since_of
from lambdad.store.database import WRITE_FAILED
from lambdad.store.stream_checkpoints import Checkpoint

log = logging.getLogger(__name__)

_LOOKS = 60.0
"""Seconds between two looks for shards that nobody tells of."""
_PAUSES = (1.0, 60.0)
"""Seconds between attempts at a stream that cannot be looked up: first and longest."""


class StreamPoller:
    """`run` until it is cancelled; `drain` lets what has begun come to its end."""

    def __init__(self, consumer: Consumer, store: Store, news: StreamNews) -> None:
        self._consumer = consumer
        self._source = consumer.source
        self._store = store
        self._news = news
        self._places: dict[str, Checkpoint] = {}
        self._readers: dict[str, ShardReader] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._loaded = False
        self._over = asyncio.Event()
        """A reader has come to its end, or has failed."""
        self._troubled = False
        """One has failed."""

    @property
    def _name(self) -> str:
        return self._consumer.mapping.key.name

    async def run(self) -> None:
        pause = _PAUSES[0]
        try:
            while True:
                try:
                    await self._look()
                    await self._until_over(None if self._source.own else _LOOKS)
                except (AwsError, *WRITE_FAILED) as error:
                    log.warning("stream %s cannot be read: %s", self._source.arn, error)
                    self._consumer.results.set(f"PROBLEM: {error}")
                else:
                    if not self._troubled:
                        pause = _PAUSES[0]
                        continue
                await asyncio.sleep(pause)
                pause = min(pause * 2, _PAUSES[1])
        finally:
            for task in self._tasks.values():
                task.cancel()

    async def drain(self) -> None:
        self._consumer.ending.begin()
        while self._tasks:
            for task in list(self._tasks.values()):
                task.cancel()
            await asyncio.wait(list(self._tasks.values()))
        for reader in list(self._readers.values()):
            await reader.drain()
        await self._consumer.results.kept()

    # --- Shards -------------------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        """Which shards there are now; those that may be read are."""
        self._over.clear()
        self._troubled = False
        if not self._loaded:
            self._places = await self._store.checkpoints.of(self._name)
            self._loaded = True
        shards = await self._source.shards()
        await self._know(shards)
        ended = {shard for shard, place in self._places.items() if place.ended}
        for shard in startable(shards, ended, set(self._readers)):
            self._start(shard.id)

    async def _know(self, shards: Sequence[Shard]) -> None:
        """The first look says where reading begins; what is no more is forgotten."""
        mapping = self._consumer.mapping
        since = since_of(mapping)
        if not self._places and shards:
            latest = mapping.settings["StartingPosition"] == "LATEST"
            first = {shard.id: Checkpoint(since=since, ended=latest and shard.closed) for shard in shards}
            await self._store.checkpoints.save(self._name, first)
            self._places = first
        gone = set(self._places) - {shard.id for shard in shards} - set(self._readers)
        if gone and shards:
            await self._store.checkpoints.drop(self._name, gone)
            for shard in gone:
                del self._places[shard]

    def _start(self, shard: str) -> None:
        consumer = self._consumer
        checkpoint = self._places.setdefault(shard, Checkpoint())
        place = ShardPlace(self._name, shard, checkpoint, consumer.settings.tumbling, self._store)
        news = self._news.subscribe(self._source.arn)
        reader = ShardReader(consumer, place, news)
        self._readers[shard] = reader
        task = asyncio.get_running_loop().create_task(reader.run())
        self._tasks[shard] = task
        task.add_done_callback(partial(self._ended, place, news))

    def _ended(self, place: ShardPlace, news: asyncio.Event, task: "asyncio.Task[None]") -> None:
        shard = place.shard
        self._news.unsubscribe(self._source.arn, news)
        del self._tasks[shard]
        if self._consumer.ending.begun or task.cancelled():
            return
        error = task.exception()
        self._troubled = self._troubled or error is not None
        self._places[shard] = place.checkpoint if error is None else place.kept_checkpoint
        if isinstance(error, ShardGone):
            log.warning("shard %s of %s is gone: %s", shard, self._source.arn, error)
            self._places[shard] = Checkpoint()
        elif error is not None:
            log.error("shard %s is read again from where it was done with", shard, exc_info=error)
        del self._readers[shard]
        self._over.set()

    async def _until_over(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._over.wait()
        except TimeoutError:
            return
