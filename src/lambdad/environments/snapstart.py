"""Supervisor: has the snapshots that versions with SnapStart are restored from.

A version is Active once its function has been initialised for the first snapshot. Later on a snapshot may be gone (the server
was started anew, others needed the room): it is made again, in the background, and until then environments are initialised
like any others. AWS: docs.aws.amazon.com/lambda/latest/dg/snapstart.html
"""

import asyncio
import logging
import os
from collections.abc import Callable, Iterable

from lambdad.clock import Clock
from lambdad.environments.blueprint import OpenSnapshot
from lambdad.environments.environments import Model
from lambdad.environments.log_capture import LogCapture
from lambdad.environments.snapshot_template import InitFailure, SnapshotTemplate
from lambdad.environments.snapshots import Name, Snapshots, name_of
from lambdad.environments.spares import Spares
from lambdad.http.exchange import Handler
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


class SnapStart:
    def __init__(
        self,
        snapshots: Snapshots,
        model_of: Callable[[FunctionVersion], Model],
        spares: Spares,
        clock: Clock,
        log_of: Callable[[FunctionVersion, Sandbox], tuple[str, LogCapture]],
        listen: Callable[[Sandbox, Handler], Callable[[], None]],
    ) -> None:
        """`log_of`, `listen`: as for any environment (`environments.py`)."""
        self._snapshots = snapshots
        self._model_of = model_of
        self._spares = spares
        self._clock = clock
        self._log_of = log_of
        self._listen = listen
        self._gate = asyncio.Semaphore(_CONCURRENT)
        self._making: dict[Name, asyncio.Task[InitFailure | None]] = {}
        self._failures: dict[Name, int] = {}
        self._unforked: set[Name] = set()
        """Their runtimes are executed (by this host's driver, or since a wrapper is): there is nothing to restore."""
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
            self._make_later(version)

    async def prepare(self, version: FunctionVersion) -> InitFailure | None:
        """Initialise the function and take its snapshot; why that cannot be, if it cannot."""
        if version in self._snapshots:
            return None
        task = self._make(version, first=True)
        await asyncio.wait({task})
        if not task.cancelled() and task.exception() is not None:
            return _BROKEN
        return task.result()

    def snapshot_of(self, version: FunctionVersion) -> OpenSnapshot | None:
        """At once. If there is none, one is made for the next time."""
        descriptor = self._snapshots.take(version)
        if descriptor is None:
            self._make_later(version)
            return None
        return OpenSnapshot(descriptor, lambda: self._discard(version))

    def function_changed(self, key: FunctionKey, before: Function | None, after: Function | None) -> None:
        """A committed change: versions that are no more have none."""
        for name in before.versions if before is not None else ():
            if after is None or name not in after.versions:
                self._snapshots.remove((key, name))
                self._failures.pop((key, name), None)
                self._unforked.discard((key, name))
                task = self._making.get((key, name))
                if task is not None:
                    task.cancel()

    def _discard(self, version: FunctionVersion) -> None:
        name = name_of(version)
        self._failures[name] = self._failures.get(name, 0) + 1
        log.warning("the snapshot of %s is of no use: the function's log may say why", version.qualified_arn)
        self._snapshots.remove(name)

    # --- Making one ---------------------------------------------------------------------------------------------------

    def _make_later(self, version: FunctionVersion) -> None:
        name = name_of(version)
        useless = name in self._unforked or self._failures.get(name, 0) >= _MOST_FAILURES
        if version.snap_start and not useless and not self._closed:
            self._make(version, first=False)

    def _make(self, version: FunctionVersion, first: bool) -> "asyncio.Task[InitFailure | None]":
        """The `first` time it is also seen whether the function can be initialised, even where nothing can be restored."""
        name = name_of(version)
        task = self._making.get(name)
        if task is None:
            task = self._making[name] = asyncio.get_running_loop().create_task(self._make_now(version, first))
            task.add_done_callback(lambda done: self._made(version, done))
        return task

    def _made(self, version: FunctionVersion, task: "asyncio.Task[InitFailure | None]") -> None:
        del self._making[name_of(version)]
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            log.error("no snapshot of %s", version.qualified_arn, exc_info=error)
        elif (failure := task.result()) is not None:
            name = name_of(version)
            self._failures[name] = self._failures.get(name, 0) + 1
            log.info("no snapshot of %s: %s", version.qualified_arn, failure.reason)

    async def _make_now(self, version: FunctionVersion, first: bool) -> InitFailure | None:
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
            return await self._run(version, model, sandbox, first)

    async def _run(self, version: FunctionVersion, model: Model, sandbox: Sandbox, first: bool) -> InitFailure | None:
        stream, capture = self._log_of(version, sandbox)
        template = SnapshotTemplate(model.snapshot, sandbox, self._clock, stream, capture)
        detach = self._listen(sandbox, template.handle)
        descriptor, failure = -1, None
        try:
            if model.template.preload is not None and model.snapshot.spec(sandbox, stream).argv is None:
                descriptor = self._snapshots.create()
                failure = await template.run(SnapshotFile(descriptor, (version.memory_size + _MORE_MB) * 1048576))
            else:
                self._unforked.add(name_of(version))
                failure = await template.run(None) if first else None
        except BaseException:
            _close(descriptor)
            raise
        finally:
            detach()
            await sandbox.destroy()  # nobody writes to the snapshot after this
        if failure is None and descriptor >= 0:
            self._keep(version, descriptor)
        else:
            _close(descriptor)
        return failure

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


def _close(descriptor: int) -> None:
    if descriptor >= 0:
        os.close(descriptor)
