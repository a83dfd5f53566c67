"""Brings every event source mapping from what it is to what is wished of it: a poller for each that is enabled.

AWS: docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html
"""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

from lambdad.event_source_mappings.pollers import Poller, Pollers
from lambdad.resources.event_source_mapping import EventSourceMapping, MappingKey, is_settled, settled
from lambdad.store.event_source_mappings import EventSourceMappings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Running:
    mapping: EventSourceMapping
    poller: Poller
    task: asyncio.Task[None]

    def serves(self, mapping: EventSourceMapping) -> bool:
        """Is this what the mapping wishes? Its state may be another by now."""
        own = self.mapping
        ours, theirs = _wished(own), _wished(mapping)
        return (own.function, own.qualifier, ours) == (mapping.function, mapping.qualifier, theirs)


def _wished(mapping: EventSourceMapping) -> dict[str, Any]:
    """Without what its poller says of its work."""
    return {name: value for name, value in mapping.settings.items() if name != "LastProcessingResult"}


class Supervisor:
    def __init__(self, mappings: EventSourceMappings, pollers: Pollers) -> None:
        self._mappings = mappings
        self._pollers = pollers
        self._running: dict[MappingKey, _Running] = {}
        self._draining: dict[MappingKey, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    def start(self) -> None:
        """What an earlier server left on its way goes on."""
        self._mappings.subscribe(self._changed)
        for mapping in self._mappings.all():
            self._changed(mapping.key, None, mapping)

    def _changed(self, key: MappingKey, before: EventSourceMapping | None, after: EventSourceMapping | None) -> None:
        wanted = after if after is not None and after.enabled and after.state != "Deleting" else None
        running = self._running.get(key)
        if running is not None and (wanted is None or not running.serves(wanted)):
            self._end(key, running)
        if wanted is not None and key not in self._running:
            self._begin(wanted)
        if after is not None and not is_settled(after):
            self._spawn(self._settle(key))

    def _begin(self, mapping: EventSourceMapping) -> None:
        poller = self._pollers.of(mapping) if not self._stopping else None
        if poller is None:
            return
        task = asyncio.get_running_loop().create_task(self._poll(poller, self._draining.get(mapping.key)))
        task.add_done_callback(self._polled)
        self._running[mapping.key] = _Running(mapping, poller, task)

    async def _poll(self, poller: Poller, earlier: asyncio.Task[None] | None) -> None:
        """What an earlier poller of the mapping has begun comes to its end first."""
        if earlier is not None:
            await asyncio.wait([earlier])
        await poller.run()

    def _end(self, key: MappingKey, running: _Running) -> None:
        """No more is received; what has been goes on to its end."""
        del self._running[key]
        running.task.cancel()
        task = self._draining[key] = self._spawn(self._drain(running.poller, self._draining.get(key)))
        task.add_done_callback(partial(self._drained, key))

    async def _drain(self, poller: Poller, earlier: asyncio.Task[None] | None) -> None:
        if earlier is not None:
            await asyncio.wait([earlier])
        await poller.drain()

    def _drained(self, key: MappingKey, task: asyncio.Task[None]) -> None:
        if self._draining.get(key) is task:
            del self._draining[key]

    async def _settle(self, key: MappingKey) -> None:
        await self._mappings.apply(key, lambda mapping: settled(mapping) if mapping is not None else None)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _polled(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a poller has ended; the next start begins it anew", exc_info=error)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("an event source mapping did not settle; it will at the next start", exc_info=error)

    async def stop(self) -> None:
        """Nothing new is received; batches under way are finished when it returns."""
        self._stopping = True
        for key, running in list(self._running.items()):
            self._end(key, running)
        await self.close()

    async def close(self) -> None:
        while self._tasks:
            await asyncio.wait(list(self._tasks))
