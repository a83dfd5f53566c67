"""Supervisor: makes wished versions ready to run. Pending → Active, InProgress → Successful; or Failed, with the reason.

It acts on committed changes, and at start on whatever it finds unsettled: a restart is no special case. It also collects code
packages that nothing refers to any more. AWS: docs.aws.amazon.com/lambda/latest/dg/functions-states.html
"""

import asyncio
import dataclasses
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any

from lambdad.environments.snapshot_template import InitFailure
from lambdad.errors import ResourceNotFoundException, ServiceError
from lambdad.ids import new_uuid
from lambdad.resources.function import Function, FunctionKey, FunctionVersion, failed, is_settled, prepared
from lambdad.resources.layer import Layer, LayerKey
from lambdad.store.code_packages import CodePackages, hex_of
from lambdad.store.database import WRITE_FAILED
from lambdad.store.functions import Functions
from lambdad.store.layers import Layers

log = logging.getLogger(__name__)

_COLLECT_AFTER = 60.0
"""Seconds from a change that may have orphaned a package to its removal."""
_RETRY_AFTER = 1.0
"""Seconds until an outcome that could not be committed (a full disk) is tried again."""

_Outcomes = dict[tuple[str, str], InitFailure | None]
"""By version and revision: None if it can run, else why not."""


async def _no_snapshot(version: FunctionVersion) -> InitFailure | None:
    return None


class Preparation:
    def __init__(
        self,
        functions: Functions,
        layers: Layers,
        code: CodePackages,
        warm: Callable[[FunctionVersion], Awaitable[None]],
        running: Callable[[], Iterable[FunctionVersion]],
        snapshot: Callable[[FunctionVersion], Awaitable[InitFailure | None]] = _no_snapshot,
    ) -> None:
        """`warm(version)`: have what its environments need ready. `running`: versions that have environments, whose code
        is in use even if they are deleted. `snapshot(version)`: take one, of a version with SnapStart."""
        self._functions = functions
        self._layers = layers
        self._code = code
        self._warm = warm
        self._running = running
        self._snapshot = snapshot
        self._tasks: dict[FunctionKey, asyncio.Task[None]] = {}
        self._snapshots: dict[tuple[FunctionKey, str], asyncio.Task[None]] = {}
        """Being taken: as long as it takes the function to be initialised, so nothing else waits for them."""
        self._collector: asyncio.TimerHandle | None = None
        self._chores: set[asyncio.Task[None]] = set()
        self._closing = False

    async def recover(self) -> None:
        """Before anything is invoked: the code of every version that is Active is there, also after the host went down."""
        await asyncio.gather(*(self._recover(sha256) for sha256 in _code_of(self._versions(_is_active))))

    async def _recover(self, sha256: str) -> None:
        try:
            await self._code.unpack(sha256)
        except (ServiceError, OSError):
            log.exception("the code package %s is lost: its functions cannot run", sha256)

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

    def layer_changed(self, key: LayerKey, before: Layer | None, after: Layer | None) -> None:
        """A committed change: a version deleted may be nobody's any more."""
        self._collect_later()

    def _versions(self, wanted: Callable[[FunctionVersion], bool]) -> Iterable[FunctionVersion]:
        return (version for f in self._functions.all() for version in f.versions.values() if wanted(version))

    def _look_at(self, function: Function) -> None:
        key = function.key
        if key not in self._tasks and not self._closing and self._unsettled(function):
            task = asyncio.get_running_loop().create_task(self._prepare(key))
            self._tasks[key] = task
            task.add_done_callback(lambda _: self._done(key))

    def _done(self, key: FunctionKey) -> None:
        """What has changed meanwhile is looked at now."""
        del self._tasks[key]
        function = self._functions.get(key)
        if function is not None:
            self._look_at(function)

    async def _prepare(self, key: FunctionKey) -> None:
        """Every unsettled version as it is now."""
        function = self._functions.get(key)
        if function is None:
            return
        outcomes: _Outcomes = {}
        for version in self._unsettled(function):
            outcome = await self._make_ready(version)
            if outcome is None and version.snap_start:
                self._begin_snapshot(version)
            else:
                outcomes[version.version, version.revision_id] = outcome
        if outcomes:
            await self._settle(key, outcomes)

    def _unsettled(self, function: Function) -> list[FunctionVersion]:
        """But for those that only wait for their snapshot."""
        return [
            version
            for name, version in function.versions.items()
            if not is_settled(version) and (function.key, name) not in self._snapshots
        ]

    def _begin_snapshot(self, version: FunctionVersion) -> None:
        name = version.key, version.version
        task = self._snapshots[name] = asyncio.get_running_loop().create_task(self._take_snapshot(version))
        task.add_done_callback(lambda _: self._snapshots.pop(name))

    async def _take_snapshot(self, version: FunctionVersion) -> None:
        try:
            outcome = await self._snapshot(version)
        except asyncio.CancelledError:
            return  # deleted meanwhile, or the server ends: the next one finds the version as it is
        await self._settle(version.key, {(version.version, version.revision_id): outcome})

    async def _make_ready(self, version: FunctionVersion) -> InitFailure | None:
        """None, or why it cannot run."""
        try:
            for package in _code_of([version]):
                await self._code.unpack(package)
            await self._warm(version)
        except ServiceError as error:
            log.warning("%s could not be prepared: %s", version.qualified_arn, error)
            return InitFailure("InternalError", error.message)
        except Exception:
            log.exception("%s could not be prepared", version.qualified_arn)
            words = "The function could not be prepared: lambdad's log says why."
            return InitFailure("InternalError", words)
        return None

    async def _settle(self, key: FunctionKey, outcomes: _Outcomes) -> None:
        try:
            await self._functions.update(key, lambda function: _settled(function, outcomes))
        except ResourceNotFoundException:
            return  # deleted meanwhile
        except WRITE_FAILED as error:
            log.error("the states of %s could not be committed: %r", key.arn, error)
            if not self._closing:
                await asyncio.sleep(_RETRY_AFTER)

    # --- Code packages that nothing refers to -------------------------------------------------------------------------

    def _collect_later(self) -> None:
        if self._collector is None and not self._closing:
            self._collector = asyncio.get_running_loop().call_later(_COLLECT_AFTER, self._collect)

    def _collect(self) -> None:
        self._collector = None
        self._background(self._collect_now())

    async def _collect_now(self) -> None:
        wished = _code_of(self._versions(lambda _: True))
        published = {hex_of(one.code_sha256) for layer in self._layers.all() for one in layer.versions.values()}
        running = _code_of(self._running())
        gone = await self._code.collect(wished | published | running)
        if gone:
            log.info("%d code packages collected", gone)
        if running - wished:
            self._collect_later()

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(_logged(work))
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)

    async def _warm_all(self) -> None:
        """After a start: the runtimes that functions use, one version of each."""
        versions = {function.latest.runtime: function.latest for function in self._functions.all()}
        for version in versions.values():
            await self._warm(version)

    async def close(self) -> None:
        """Let what is under way be committed."""
        self._closing = True
        if self._collector is not None:
            self._collector.cancel()
        for task in self._snapshots.values():
            task.cancel()
        unfinished = (*self._tasks.values(), *self._snapshots.values(), *self._chores)
        await asyncio.gather(*unfinished, return_exceptions=True)


def _is_active(version: FunctionVersion) -> bool:
    return version.state == "Active"


def _code_of(versions: Iterable[FunctionVersion]) -> set[str]:
    """With that of their layers; container images are no packages of ours."""
    return {
        hex_of(code_sha256)
        for version in versions
        if version.image_uri is None
        for code_sha256 in (version.code_sha256, *(layer.code_sha256 for layer in version.layers))
    }


def _settled(function: Function, outcomes: _Outcomes) -> Function:
    """With the states that the outcomes mean; a version that has changed since has none."""
    versions = dict(function.versions)
    for name, version in versions.items():
        if (name, version.revision_id) in outcomes:
            reason = outcomes[name, version.revision_id]
            after = (
                prepared(version, new_uuid())
                if reason is None
                else failed(version, reason.reason, reason.code, new_uuid())
            )
            versions[name] = after
    return dataclasses.replace(function, versions=versions)


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:
        log.exception("a chore of the preparation failed")
