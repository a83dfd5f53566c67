"""SnapStart where memory cannot be copied from process to process: environments that were initialised ahead and frozen.

Each stands where a snapshot is taken: its before-snapshot hooks are done, and its runtime waits for the answer to
GET /restore/next. To restore it is to thaw it and to answer. It can be had once; another is made then.
"""

import asyncio
import logging
from collections.abc import Callable

from lambdad.environments.runtime_api import RESTORED
from lambdad.environments.snapshot_template import SnapshotTemplate
from lambdad.environments.snapshots import Name, name_of
from lambdad.http.exchange import Exchange, Handler
from lambdad.resources.function import FunctionVersion
from lambdad.sandbox.driver import Exit, Sandbox, SandboxSpec

log = logging.getLogger(__name__)


class Initialised:
    """One of them, and what an `Initialization` asks of a snapshot (`blueprint.Restorable`)."""

    at_hooks = True
    __slots__ = ("_asked", "_detach", "_template", "memory_mb", "sandbox", "version")

    def __init__(
        self, version: FunctionVersion, sandbox: Sandbox, template: SnapshotTemplate, detach: Callable[[], None]
    ) -> None:
        """Of a template that ran to its end. `detach`: as `listen` gave it for the template."""
        assert template.asked is not None
        self.version = version
        self.sandbox = sandbox
        self.memory_mb = version.memory_size
        self._template = template
        self._asked: Exchange = template.asked
        self._detach = detach
        try:
            sandbox.freeze()
        except OSError as error:
            log.warning("an initialised environment of %s is not frozen: %s", version.qualified_arn, error)

    def listen(self, sandbox: Sandbox, handler: Handler) -> Callable[[], None]:
        """Its Runtime API is another's from now on; its connection stays."""
        self._template.successor = handler
        return self._detach

    def restore(self, sandbox: Sandbox, spec: Callable[[], SandboxSpec]) -> None:
        sandbox.thaw()
        if not self._asked.closed:  # else its exit is on the way
            self._asked.respond_raw(RESTORED, b"")

    def discard(self) -> None:
        """It is nobody else's in any case."""

    async def destroy(self) -> None:
        self._detach()
        await self.sandbox.destroy()


class Reserve:
    """Those of all versions, the least recently taken first, within a total of their functions' memory."""

    def __init__(self, limit_mb: int, each: int, lost: Callable[[FunctionVersion], None]) -> None:
        """At most `each` of one version. `lost`: one of it has ended by itself."""
        self._limit_mb = limit_mb
        self._each = each
        self._lost = lost
        self._kept: dict[Name, list[Initialised]] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def wants(self, version: FunctionVersion) -> bool:
        return len(self._kept.get(name_of(version), ())) < self._each

    def has_room(self, version: FunctionVersion) -> bool:
        """Without giving up another's."""
        return self._held_mb() + version.memory_size <= self._limit_mb

    def add(self, one: Initialised) -> None:
        """Room is made for it at others' cost. It is ended at once where it could never be kept."""
        name = name_of(one.version)
        self._kept[name] = [*self._kept.pop(name, []), one]
        one.sandbox.on_exit = lambda how: self._exited(one, how)
        while self._held_mb() > self._limit_mb:
            self._end(next(iter(self._kept.values()))[0])

    def take(self, version: FunctionVersion) -> Initialised | None:
        name = name_of(version)
        kept = self._kept.pop(name, [])
        if not kept:
            return None
        if kept[1:]:
            self._kept[name] = kept[1:]
        return kept[0]

    def remove(self, name: Name) -> None:
        for one in self._kept.get(name, [])[:]:
            self._end(one)

    def _exited(self, one: Initialised, how: Exit) -> None:
        log.info("an initialised environment of %s has ended by itself", one.version.qualified_arn)
        self._end(one)
        self._lost(one.version)

    def _held_mb(self) -> int:
        return sum(one.memory_mb for kept in self._kept.values() for one in kept)

    def _end(self, one: Initialised) -> None:
        name = name_of(one.version)
        kept = self._kept.get(name, [])
        if one in kept:
            kept.remove(one)  # where it was among the versions: none was taken
        if not kept:
            self._kept.pop(name, None)
        task = asyncio.get_running_loop().create_task(one.destroy())
        self._ending.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._ending.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("an initialised environment did not end", exc_info=error)

    async def close(self) -> None:
        for name in list(self._kept):
            self.remove(name)
        await asyncio.gather(*self._ending, return_exceptions=True)
