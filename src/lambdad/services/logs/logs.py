"""CloudWatch Logs put together: groups, their retention, subscriptions and the wire."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from lambdad.clock import Clock
from lambdad.errors.logs import InvalidParameterException, NotBuilt
from lambdad.invocation.asynchronous import Asynchronous
from lambdad.invocation.invoke import Functions
from lambdad.observability.logs import LogStore
from lambdad.services.logs.backend import Backend
from lambdad.services.logs.forwarder import Forwarder
from lambdad.services.logs.table import OPERATIONS
from lambdad.services.service import Service
from lambdad.store.database import WRITE_FAILED, Database
from lambdad.store.log_groups import LogGroup, LogGroupKey, LogGroups

log = logging.getLogger(__name__)

_EXPIRY = 3600.0
"""Seconds between looks for what has expired."""
_DAY = 86_400_000


class Logs:
    """`load`, `build`, `start`, `close`: once each, in that order."""

    def __init__(self, database: Database, store: LogStore, clock: Clock) -> None:
        self._groups = LogGroups(database)
        self._store = store
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._service: Service[Backend] | None = None
        self._forwarder: Forwarder | None = None

    def load(self) -> None:
        self._groups.load()

    def build(self, functions: Functions, asynchronous: Asynchronous) -> Service[Backend]:
        self._forwarder = Forwarder(self._groups, asynchronous)
        for group in self._groups.all():
            self._forwarder.group_changed(group.key, None, group)
        self._store.subscribe(self._forwarder.listen)
        self._service = Service(
            "logs",
            Backend(self._groups, self._store, self._clock, functions.get),
            OPERATIONS,
            invalid=InvalidParameterException.of,
            not_built=NotBuilt.operation,
            waiting=frozenset({"StartLiveTail"}),
        )
        return self._service

    def start(self) -> None:
        """Groups that functions write to are made as they come."""
        self._store.on_group = self._written_to
        for place in self._store.all_groups():
            self._written_to(*place)
        self._spawn(self._housekeeping())

    def _written_to(self, account: str, region: str, name: str) -> None:
        key = LogGroupKey(account, region, name)
        if self._groups.get(key) is None:
            self._spawn(self._make(key))

    async def _make(self, key: LogGroupKey) -> None:
        group = LogGroup(key=key, created_at=int(self._clock.now() * 1000))
        try:
            await self._groups.apply(key, lambda before: before or group)
        except WRITE_FAILED as error:
            log.warning("the log group %s is not listed: %s", key.name, error)

    async def _housekeeping(self) -> None:
        while True:
            for group in self._groups.all():
                if group.retention_days is not None:
                    await self._expire(group, group.retention_days)
            await asyncio.sleep(_EXPIRY)

    async def _expire(self, group: LogGroup, days: int) -> None:
        key = group.key
        try:
            await self._store.expire(key.account, key.region, key.name, int(self._clock.now() * 1000) - days * _DAY)
        except OSError as error:
            log.warning("what has expired of %s is still there: %s", key.name, error)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def forwarded(self) -> None:
        """What subscriptions have gathered is accepted: before nothing is accepted any more."""
        if self._forwarder is not None:
            await self._forwarder.close()

    async def close(self) -> None:
        if self._service is not None:
            await self._service.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
