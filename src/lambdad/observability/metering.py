"""Counts what AWS would bill: in memory when an invocation has ended, in the database a few seconds later.

What is counted is what the REPORT line says, so that both can be held against each other. After `kill -9` at most the last
`_INTERVAL` of it is missing; an orderly end loses nothing.
"""

import asyncio
import logging

from lambdad.clock import Clock
from lambdad.observability.reservations import Reservations
from lambdad.resources.function import FunctionVersion
from lambdad.resources.usage import (
    EVENT_STEP_BYTES,
    FREE_EPHEMERAL_MB,
    FREE_EVENT_BYTES,
    FREE_STREAMED_BYTES,
    Counts,
    UsageKey,
    day_of,
    key_of,
    snapshots_cost,
)
from lambdad.store.database import WRITE_FAILED
from lambdad.store.usage import Usage

log = logging.getLogger(__name__)

_INTERVAL = 5.0
"""Seconds."""


class Metering:
    """`invoked` and `initialised` are called from the event loop, as is everything else here."""

    def __init__(self, usage: Usage, reservations: Reservations, clock: Clock, retention_days: int) -> None:
        self._usage = usage
        self._reservations = reservations
        self._clock = clock
        self._retention_days = retention_days
        self._counted: dict[UsageKey, Counts] = {}
        self._today = -1
        """The last day for which old ones were forgotten."""
        self._ending = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    # --- What happens -------------------------------------------------------------------------------------------------

    def invoked(
        self, version: FunctionVersion, billed_ms: int, *, provisioned: bool, streamed_bytes: int, restored: bool
    ) -> None:
        """One invocation has ended."""
        counts = self._counts(version)
        if provisioned:
            counts.provisioned_requests += 1
            counts.provisioned_billed_ms += billed_ms
        else:
            counts.requests += 1
            counts.billed_ms += billed_ms
        if version.ephemeral_storage > FREE_EPHEMERAL_MB:
            counts.ephemeral_mb_ms += (version.ephemeral_storage - FREE_EPHEMERAL_MB) * billed_ms
        if streamed_bytes > FREE_STREAMED_BYTES:
            counts.streamed_bytes += streamed_bytes - FREE_STREAMED_BYTES
        if restored and snapshots_cost(version):
            counts.restores += 1

    def initialised(self, version: FunctionVersion, billed_ms: int) -> None:
        """An environment of provisioned concurrency: it is billed, though by no invocation."""
        self._counts(version).provisioned_billed_ms += billed_ms

    def accepted(self, latest: FunctionVersion, size: int) -> None:
        """An asynchronous event of so many bytes; its attempts are counted when they end."""
        if size > FREE_EVENT_BYTES:
            self._counts(latest).requests += -(-(size - FREE_EVENT_BYTES) // EVENT_STEP_BYTES)

    def _counts(self, version: FunctionVersion) -> Counts:
        key = key_of(version, day_of(self._clock.now()))
        counts = self._counted.get(key)
        if counts is None:
            counts = self._counted[key] = Counts()
        return counts

    # --- Writing it down ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while not self._ending.is_set():
            try:
                await asyncio.wait_for(self._ending.wait(), _INTERVAL)
            except TimeoutError:
                await self.flush()
        await self.flush()

    async def flush(self) -> None:
        """What is counted so far is in the database when this returns; what cannot be written is kept for the next time."""
        try:
            await self._reservations.settle()
            await self._add()
            await self._forget()
        except WRITE_FAILED as error:
            log.error("what is used could not be written down, and is tried again: %r", error)

    async def _add(self) -> None:
        counted, self._counted = self._counted, {}
        try:
            await self._usage.add(counted)
        finally:
            for key, counts in counted.items():
                self._counted.setdefault(key, Counts()).add(counts)

    async def _forget(self) -> None:
        today = day_of(self._clock.now())
        if today != self._today:
            await self._usage.forget(today - self._retention_days)
            self._today = today

    async def close(self) -> None:
        """Nothing more is counted: write down the rest."""
        self._ending.set()
        if self._task is not None:
            await self._task
