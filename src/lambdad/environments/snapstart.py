"""Supervisor: has what versions with SnapStart are restored from: snapshots, or environments initialised ahead.

A version is Active once its function has been initialised for the first snapshot. Later on a snapshot may be gone (the server
was started anew, others needed the room): it is made again, in the background, and until then environments are initialised
like any others. Where memory cannot be copied (`initialised.py`) another environment is initialised for each that is taken.
AWS: docs.aws.amazon.com/lambda/latest/dg/snapstart.html
"""

import asyncio
import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lambdad.clock import Clock
from lambdad.environments.blueprint import OpenSnapshot
from lambdad.environments.environments import Listen, Model
from lambdad.environments.initialised import Initialised, Reserve
from lambdad.environments.log_capture import LogCapture
from lambdad.environments.snapshot_template import InitFailure, SnapshotTemplate
from lambdad.environments.snapshots import Name, Snapshots, name_of
from lambdad.environments.spares import Spares
from lambdad.resources.function import Function, FunctionKey, FunctionVersion
from lambdad.runtimes.templates import RuntimeNotInstalled
from lambdad.sandbox.driver import Sandbox, SandboxError, SnapshotFile

log = logging.getLogger(__name__)

_CONCURRENT = 2
"""Templates at once."""
_AT_START = 32
"""Made again at once when the server starts."""
_MOST_FAILURES = 3
"""So often in a row a snapshot may prove useless; then its version goes without until it is published anew."""
_MORE_MB = 1024
"""A snapshot may be larger than the function's memory by this: the interpreter, and 512 MB of /tmp."""
_HEAD = 8
_BROKEN = InitFailure("InternalError", "The snapshot could not be made: lambdad's log says why.")
_ENDED = InitFailure("InternalError", "The server ended before the snapshot was made.")


@dataclass(frozen=True, slots=True)
class _Wish:
    """What for a template is made."""

    first: bool = False
    """It is also to be seen whether the function can be initialised, even where nothing will be kept."""
    modest: bool = False
    """Nobody has asked for it: an initialised environment is kept only where there is room."""


class SnapStart:
    def __init__(
        self,
        snapshots: Snapshots,
        model_of: Callable[[FunctionVersion], Model],
        spares: Spares,
        clock: Clock,
        log_of: Callable[[FunctionVersion, Sandbox], tuple[str, LogCapture]],
        listen: Listen,
        reserve_mb: int,
        reserve_each: int,
    ) -> None:
        """`log_of`, `listen`: as for any environment (`environments.py`). `reserve_…`: how many initialised environments are
        kept: their functions' memory in all, and of one version."""
        self._snapshots = snapshots
        self._reserve = Reserve(reserve_mb, reserve_each, self._lost)
        self._model_of = model_of
        self._spares = spares
        self._clock = clock
        self._log_of = log_of
        self._listen = listen
        self._gate = asyncio.Semaphore(_CONCURRENT)
        self._making: dict[Name, asyncio.Task[InitFailure | None]] = {}
        self._failures: dict[Name, int] = {}
        self._unforked: set[Name] = set()
        """Their runtimes are executed (as Java's, by this host's driver, or since a wrapper is): memory cannot be restored."""
        self._unkept: set[Name] = set()
        """Of these, the ones with external extensions, which are started with each environment: nothing is kept of them."""
        self._closed = False

    def start(self, functions: Iterable[Function]) -> None:
        """After a start there are none: those most likely to be wanted are made now."""
        newest = [
            version
            for function in functions
            if (version := function.versions.get(str(function.last_published))) is not None
            and version.snap_start
            and version.state == "Active"
        ]
        newest.sort(key=lambda version: version.last_modified, reverse=True)
        for version in newest[:_AT_START]:
            self._make_later(version, _Wish(modest=True))

    async def prepare(self, version: FunctionVersion) -> InitFailure | None:
        """Initialise the function and take its snapshot; why that cannot be, if it cannot."""
        if version in self._snapshots:
            return None
        task = self._make(version, _Wish(first=True))
        await asyncio.wait({task})
        if not task.cancelled() and task.exception() is not None:
            return _BROKEN
        return task.result()

    def snapshot_of(self, version: FunctionVersion) -> OpenSnapshot | None:
        """At once. If there is none, one is made for the next time."""
        descriptor = self._snapshots.take(version)
        if descriptor is not None:
            return OpenSnapshot(descriptor, lambda: self._discard(version))
        if name_of(version) not in self._unforked:
            self._make_later(version, _Wish())
        return None

    def initialised_of(self, version: FunctionVersion) -> Initialised | None:
        """At once, for whoever has it alone. Another is made for the next time."""
        if name_of(version) not in self._unforked:
            return None
        one = self._reserve.take(version)
        if one is not None:
            self._failures.pop(name_of(version), None)
        self._make_later(version, _Wish())
        return one

    def function_changed(self, key: FunctionKey, before: Function | None, after: Function | None) -> None:
        """A committed change: versions that are no more have none."""
        for name in before.versions if before is not None else ():
            if after is None or name not in after.versions:
                self._snapshots.remove((key, name))
                self._reserve.remove((key, name))
                self._failures.pop((key, name), None)
                self._unforked.discard((key, name))
                self._unkept.discard((key, name))
                task = self._making.get((key, name))
                if task is not None:
                    task.cancel()

    def _lost(self, version: FunctionVersion) -> None:
        """An initialised environment has ended by itself. Another is made when it is asked for."""
        name = name_of(version)
        self._failures[name] = self._failures.get(name, 0) + 1

    def _discard(self, version: FunctionVersion) -> None:
        name = name_of(version)
        self._failures[name] = self._failures.get(name, 0) + 1
        log.warning("the snapshot of %s is of no use: the function's log may say why", version.qualified_arn)
        self._snapshots.remove(name)

    # --- Making one ---------------------------------------------------------------------------------------------------

    def _make_later(self, version: FunctionVersion, wish: _Wish) -> None:
        name = name_of(version)
        useless = name in self._unkept or self._failures.get(name, 0) >= _MOST_FAILURES
        if name in self._unforked:
            useless |= not self._may_keep(version, wish)
        if version.snap_start and not useless and not self._closed:
            self._make(version, wish)

    def _make(self, version: FunctionVersion, wish: _Wish) -> "asyncio.Task[InitFailure | None]":
        name = name_of(version)
        task = self._making.get(name)
        if task is None:
            task = self._making[name] = asyncio.get_running_loop().create_task(self._make_now(version, wish))
            task.add_done_callback(lambda done: self._made(version, done))
        return task

    def _made(self, version: FunctionVersion, task: "asyncio.Task[InitFailure | None]") -> None:
        del self._making[name_of(version)]
        if task.cancelled():
            return
        error = task.exception()
        if error is None and task.result() is None and name_of(version) in self._unforked:
            self._make_later(version, _Wish(modest=True))  # until there are as many as are to be kept
        elif error is not None:
            log.error("no snapshot of %s", version.qualified_arn, exc_info=error)
        elif (failure := task.result()) is not None:
            name = name_of(version)
            self._failures[name] = self._failures.get(name, 0) + 1
            log.info("no snapshot of %s: %s", version.qualified_arn, failure.reason)

    async def _make_now(self, version: FunctionVersion, wish: _Wish) -> InitFailure | None:
        async with self._gate:
            if self._closed:
                return _ENDED
            try:
                model = await asyncio.to_thread(self._model_of, version)
                sandbox = await self._spares.take(model.template)
            except RuntimeNotInstalled as error:
                log.info("%s: %s", version.qualified_arn, error)  # the first invocation says it
                return None
            except SandboxError as error:
                return InitFailure("InternalError", str(error))
            return await self._run(version, model, sandbox, wish)

    async def _run(self, version: FunctionVersion, model: Model, sandbox: Sandbox, wish: _Wish) -> InitFailure | None:
        stream, capture = self._log_of(version, sandbox)
        template = SnapshotTemplate(model.snapshot, sandbox, self._clock, stream, capture)
        detach = self._listen(sandbox, template.handle)
        descriptor, failure, lives = -1, None, False
        try:
            if model.template.preload is not None and model.snapshot.spec(sandbox, stream).argv is None:
                descriptor = self._snapshots.create()
                failure = await template.run(SnapshotFile(descriptor, (version.memory_size + _MORE_MB) * 1048576))
            else:
                failure, lives = await self._initialise(version, model, template, wish)
        except BaseException:
            _close(descriptor)
            raise
        finally:
            if not lives:
                detach()
                await sandbox.destroy()  # nobody writes to the snapshot after this
        if lives:
            self._reserve.add(Initialised(version, sandbox, template, detach))
        elif failure is None and descriptor >= 0:
            self._keep(version, descriptor)
        else:
            _close(descriptor)
        return failure

    async def _initialise(
        self, version: FunctionVersion, model: Model, template: SnapshotTemplate, wish: _Wish
    ) -> tuple[InitFailure | None, bool]:
        """Of what can only be kept as a whole; and whether it is."""
        name = name_of(version)
        self._unforked.add(name)
        if model.snapshot.extensions:
            self._unkept.add(name)
        keeps = name not in self._unkept and self._may_keep(version, wish)
        failure = await template.run(None) if keeps or wish.first else None
        return failure, keeps and failure is None and template.waits

    def _may_keep(self, version: FunctionVersion, wish: _Wish) -> bool:
        return self._reserve.wants(version) and (not wish.modest or self._reserve.has_room(version))

    def _keep(self, version: FunctionVersion, descriptor: int) -> None:
        if any(os.pread(descriptor, _HEAD, 0)):  # which is written last
            self._snapshots.add(version, descriptor)
        else:
            _close(descriptor)
            self._discard(version)

    async def close(self) -> None:
        self._closed = True
        tasks = list(self._making.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._snapshots.close()
        await self._reserve.close()


def _close(descriptor: int) -> None:
    if descriptor >= 0:
        os.close(descriptor)
