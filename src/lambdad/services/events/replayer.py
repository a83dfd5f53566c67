"""Supervisor: replays go through their bus in the background, and go on after a restart; archives forget what is too old.

AWS: docs.aws.amazon.com/eventbridge/latest/userguide/eb-replay-archived-event.html. How far a replay has come is committed with
what that sends: a restart replays nothing twice.
"""

import asyncio
import dataclasses
import logging
from collections.abc import Coroutine, Sequence
from typing import Any, Final

import orjson

from lambdad.clock import Clock
from lambdad.resources.event_bus import Archive, BusKey, NamedKey, Replay, archive_of_arn, bus_of_arn
from lambdad.resources.event_document import BusEvent, with_replay_name
from lambdad.services.events.intake import Intake
from lambdad.services.events.router import Routed, TooMuch
from lambdad.store.database import WRITE_FAILED
from lambdad.store.event_archives import ArchivedEvent, ArchivedEvents, EventArchives, EventReplays

log = logging.getLogger(__name__)

_PIECE: Final = 100
"""Events of one commit."""
_EXPIRY: Final = 3600.0
"""Seconds between looks for what is too old."""
_DAY: Final = 86_400.0
RUNNING: Final = frozenset({"STARTING", "RUNNING"})


class Replayer:
    """`start`, `close`: once each, in that order."""

    def __init__(
        self, archives: EventArchives, replays: EventReplays, archived: ArchivedEvents, intake: Intake, clock: Clock
    ) -> None:
        self._archives = archives
        self._replays = replays
        self._archived = archived
        self._intake = intake
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """What an earlier server has not finished."""
        known = {archive.number for archive in self._archives.all()}
        for number in self._archived.archives():
            if number not in known:
                self.forget(number)
        for replay in self._replays.all():
            if replay.state in RUNNING or replay.state == "CANCELLING":
                self._spawn(self._replay(replay.key))
        self._replays.subscribe(self.replay_changed)
        self._spawn(self._housekeeping())

    def replay_changed(self, key: NamedKey, before: Replay | None, after: Replay | None) -> None:
        """Committed."""
        if before is None and after is not None:
            self._spawn(self._replay(key))

    def forget(self, archive: int) -> None:
        """Of a deleted archive."""
        self._spawn(self._archived.forget(archive))

    async def _replay(self, key: NamedKey) -> None:
        await self._set(key, "STARTING", state="RUNNING")
        while (replay := self._replays.get(key)) is not None and replay.state == "RUNNING":
            await self._step(replay)
        await self._set(key, "CANCELLING", state="CANCELLED", ended_at=self._clock.now())

    async def _step(self, replay: Replay) -> None:
        archive, bus = self._archive_of(replay), bus_of_arn(replay.destination["Arn"])
        if archive is None or bus is None or not self._intake.router.exists(bus):
            reason = "The archive or the event bus does not exist any more."
            await self._set(replay.key, "RUNNING", state="FAILED", reason=reason, ended_at=self._clock.now())
            return
        page = await self._archived.page(archive.number, replay.first, replay.last, replay.reached, _PIECE)
        if not page:
            await self._set(replay.key, "RUNNING", state="COMPLETED", ended_at=self._clock.now())
            return
        taken, routed = self._routed(replay, bus, page)
        prepared = self._intake.prepared(routed)
        reached = (taken[-1].time, taken[-1].id)
        moved = False

        def change(before: Replay | None) -> Replay | None:
            nonlocal moved
            if before is None or before.state != "RUNNING":
                return before
            moved = True
            return dataclasses.replace(before, reached=reached)

        await self._replays.apply(replay.key, change, lambda connection: self._intake.insert(connection, prepared))
        if moved:
            self._intake.committed(prepared)

    def _routed(
        self, replay: Replay, bus: BusKey, page: Sequence[ArchivedEvent]
    ) -> tuple[Sequence[ArchivedEvent], Routed]:
        """As many of the page as go into one commit. One alone that does not is passed over."""
        filtered = replay.destination.get("FilterArns")
        rules, now = frozenset(filtered) if filtered else None, self._clock.now()
        events = [
            BusEvent(
                bus=bus,
                document=with_replay_name(orjson.loads(one.event), replay.key.name),
                time=one.time,
                ingested_at=now,
                rules=rules,
            )
            for one in page
        ]
        number = len(events)
        while number:
            try:
                return page[:number], self._intake.router.route(events[:number])
            except TooMuch:
                number //= 2
        log.error("replay %s passes over an event that causes too much at once", replay.key.name)
        return page[:1], Routed()

    def _archive_of(self, replay: Replay) -> Archive | None:
        key = archive_of_arn(replay.archive)
        return self._archives.get(key) if key is not None else None

    async def _set(self, key: NamedKey, only_from: str, **fields: Any) -> None:
        def change(before: Replay | None) -> Replay | None:
            if before is None or before.state != only_from:
                return before
            return dataclasses.replace(before, **fields)

        await self._replays.apply(key, change)

    async def _housekeeping(self) -> None:
        while True:
            for archive in self._archives.all():
                if archive.retention_days:
                    await self._expire(archive)
            await asyncio.sleep(_EXPIRY)

    async def _expire(self, archive: Archive) -> None:
        try:
            await self._archived.forget(archive.number, self._clock.now() - archive.retention_days * _DAY)
        except WRITE_FAILED as error:
            log.warning("what has expired of %s is still there: %r", archive.key.arn("archive"), error)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(self._logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _logged(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except WRITE_FAILED as error:
            log.warning("events of archives: %r (the next start goes on)", error)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
