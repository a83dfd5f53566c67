"""Supervisor: makes wished versions ready to run. Pending → Active, InProgress → Successful; or Failed, with the reason.

It acts on committed changes, and at start on whatever it finds unsettled: a restart is no special case. It also collects code
packages that nothing refers to any more.
"""

import asyncio
import dataclasses
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from lambdad.errors import ServiceError
from lambdad.ids import new_uuid
from lambdad.resources.function import Function, FunctionKey, FunctionVersion, failed, is_settled, prepared
from lambdad.store.code_packages import CodePackages, hex_of
from lambdad.store.functions import Functions

log = logging.getLogger(__name__)

_COLLECT_AFTER = 60.0
"""Seconds from a change that may have orphaned a package to its removal: environments on their way out still need it."""


class Preparation:
    def __init__(
        self, functions: Functions, code: CodePackages, warm: Callable[[FunctionVersion], Awaitable[None]]
    ) -> None:
        """`warm(version)`: have what its environments need ready."""
        self._functions = functions
        self._code = code
        self._warm = warm
        self._tasks: dict[FunctionKey, asyncio.Task[None]] = {}
        self._collector: asyncio.TimerHandle | None = None
        self._chores: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Take up what is unsettled, and have the runtimes in use ready."""
        for function in self._functions.all():
            self._look_at(function)
        self._background(self._warm_all())
        self._collect_later()

    def function_changed(self, key: FunctionKey, before: Function | None, after: Function | None) -> None:
        """A committed change."""
        if after is not None:
            self._look_at(after)
        if before is not None:
            self._collect_later()

    def _look_at(self, function: Function) -> None:
        key = function.key
        if key not in self._tasks and not all(map(is_settled, function.versions.values())):
            task = asyncio.get_running_loop().create_task(self._prepare(key))
            self._tasks[key] = task
            task.add_done_callback(lambda _: self._done(key))

    def _done(self, key: FunctionKey) -> None:
        del self._tasks[key]
        function = self._functions.get(key)
        if function is not None:
            self._look_at(function)

    async def _prepare(self, key: FunctionKey) -> None:
        """Every unsettled version as it is now; what changes meanwhile is looked at again afterwards."""
        function = self._functions.get(key)
        if function is None:
            return
        outcomes: dict[tuple[str, str], str | None] = {}
        for version in function.versions.values():
            if not is_settled(version):
                outcomes[version.version, version.revision_id] = await self._make_ready(version)
        await self._settle(key, outcomes)

    async def _make_ready(self, version: FunctionVersion) -> str | None:
        """None, or why it cannot run."""
        try:
            await self._code.unpack(hex_of(version.code_sha256))
            await self._warm(version)
        except (ServiceError, OSError) as error:
            log.exception("%s could not be prepared", version.qualified_arn)
            return str(error)
        return None

    async def _settle(self, key: FunctionKey, outcomes: dict[tuple[str, str], str | None]) -> None:
        def change(function: Function) -> Function:
            versions = dict(function.versions)
            for name, version in versions.items():
                reason = outcomes.get((name, version.revision_id), "")
                if reason is None:
                    versions[name] = prepared(version, new_uuid())
                elif reason:
                    versions[name] = failed(version, reason, "InternalError", new_uuid())
            return dataclasses.replace(function, versions=versions)

        try:
            await self._functions.update(key, change)
        except ServiceError:
            return  # deleted meanwhile

    # --- Code packages that nothing refers to -------------------------------------------------------------------------

    def _collect_later(self) -> None:
        if self._collector is None:
            self._collector = asyncio.get_running_loop().call_later(_COLLECT_AFTER, self._collect)

    def _collect(self) -> None:
        self._collector = None
        self._background(self._collect_now())

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)

    async def _warm_all(self) -> None:
        """After a start: the runtimes that functions use, one version of each."""
        versions = {function.latest.runtime: function.latest for function in self._functions.all()}
        for version in versions.values():
            await self._warm(version)

    async def _collect_now(self) -> None:
        in_use = {hex_of(version.code_sha256) for f in self._functions.all() for version in f.versions.values()}
        gone = await self._code.collect(in_use)
        if gone:
            log.info("%d code packages collected", gone)

    async def close(self) -> None:
        """Let what is under way be committed."""
        if self._collector is not None:
            self._collector.cancel()
        await asyncio.gather(*self._tasks.values(), *self._chores, return_exceptions=True)
