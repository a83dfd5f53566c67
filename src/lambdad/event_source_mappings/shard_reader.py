"""Reads one shard from its place on, and hands the records to the lanes that bring them to the function.

Not more is read than is soon worked off. Where the server itself has the stream it waits for news of it; else it looks once a
second, as AWS does.
"""

import asyncio
import logging
from dataclasses import replace

from lambdad.aws.json_client import AwsError
from lambdad.event_source_mappings.shard_lane import ShardLane
from lambdad.event_source_mappings.shard_place import ShardPlace
from lambdad.event_source_mappings.shard_work import Consumer
from lambdad.event_source_mappings.stream_batches import lane_of
from lambdad.event_source_mappings.stream_record import IteratorExpired, Page, PlaceTrimmed, StreamRecord

log = logging.getLogger(__name__)

_LOOKS = 1.0
"""Seconds between two looks for what is new, where nobody tells."""
_MORE = 0.2
"""Seconds until the next records may be asked for, where others own the stream: five times a second."""
_UNTOLD = 600.0
"""Seconds until it is looked although nobody told."""
_LEAST = 1000
_PAUSES = (0.5, 30.0)
"""Seconds between attempts at a shard that cannot be read: first and longest."""


class LaneBroken(Exception):
    """What was read could not be brought further: it is read again."""


class ShardReader:
    """`run` until the shard has come to its end and all of it is worked off; `drain` after that was cancelled."""

    def __init__(self, consumer: Consumer, place: ShardPlace, news: asyncio.Event) -> None:
        """`news`: set when the stream was written."""
        self._consumer = consumer
        self._source = consumer.source
        self._place = place
        self._news = news
        self._lanes = [ShardLane(consumer, place, self._moved, self._stopped) for _ in range(consumer.settings.lanes)]
        self._room = asyncio.Event()
        self._read_after = place.progress.after
        self._reading: asyncio.Task[None] | None = None
        self._error: BaseException | None = None
        settings = consumer.settings
        self._enough = max(settings.size * settings.lanes, _LEAST)

    @property
    def shard(self) -> str:
        return self._place.shard

    async def run(self) -> None:
        """Raises ShardGone, LaneBroken."""
        self._reading = asyncio.current_task()
        try:
            await self._read()
            for lane in self._lanes:
                await lane.finish()
            if self._error is None and not self._consumer.ending.begun:
                await self._place.end()
        except asyncio.CancelledError:
            if self._error is None:
                raise
        finally:
            self._reading = None
        if self._error is not None:
            await self.drain()
            raise LaneBroken(self.shard) from self._error

    async def drain(self) -> None:
        for lane in self._lanes:
            await lane.halt()
        await self._place.kept()

    def _moved(self) -> None:
        self._room.set()

    def _stopped(self, lane: "asyncio.Task[None]") -> None:
        self._room.set()
        if not lane.cancelled() and (error := lane.exception()) is not None:
            self._error = error
            if self._reading is not None:
                self._reading.cancel()

    # --- Reading ------------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        if self._place.window is not None:
            self._lanes[0].start()
        iterator, pause = None, _PAUSES[0]
        while True:
            await self._until_room()
            self._news.clear()
            try:
                if iterator is None:
                    place = replace(self._place.checkpoint, after=self._read_after)
                    iterator = await self._source.iterator(self.shard, place)
                page = await self._source.read(self.shard, iterator, min(self._enough, self._source.most))
            except IteratorExpired:
                iterator = None
            except PlaceTrimmed:
                log.warning("shard %s no longer has what comes after %s", self.shard, self._read_after)
                iterator, self._read_after = None, None
            except AwsError as error:
                log.warning("shard %s cannot be read: %s", self.shard, error)
                self._consumer.results.set(f"PROBLEM: {error}")
                await asyncio.sleep(pause)
                iterator, pause = None, min(pause * 2, _PAUSES[1])
            else:
                pause = _PAUSES[0]
                self._take(page)
                iterator = page.following
                if iterator is None:
                    return
                await self._until_more(page)

    async def _until_room(self) -> None:
        while (
            sum(lane.waiting for lane in self._lanes) >= self._enough
            or self._place.progress.waiting > 10 * self._enough
        ):
            self._room.clear()
            await self._room.wait()

    def _take(self, page: Page) -> None:
        progress, since = self._place.progress, self._place.since
        passed_over: list[StreamRecord] = []
        for record in page.records:
            progress.began(record.sequence)
            self._read_after = record.sequence
            if record.wanted and (since is None or record.arrived_at >= since):
                self._lanes[lane_of(record.key, len(self._lanes))].add(record)
            else:
                passed_over.append(record)
        counts = self._consumer.counts
        counts.polled(len(page.records))
        counts.filtered_out(sum(not record.wanted for record in page.records))
        if passed_over:
            progress.done([record.sequence for record in passed_over])
            self._place.changed()

    async def _until_more(self, page: Page) -> None:
        if not self._source.own:
            await asyncio.sleep(_LOOKS if page.latest else _MORE)
        elif page.latest:
            try:
                async with asyncio.timeout(_UNTOLD):
                    await self._news.wait()
            except TimeoutError:
                return
