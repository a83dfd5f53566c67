"""Prepared sandboxes kept ready, per runtime: the costly half of a cold start, done before anyone asks.

Refilling never runs beside a cold start that is under way if it can help it: it begins a moment after the last one.
"""

import asyncio
import logging
from collections import deque
from functools import partial

from lambdad.sandbox.driver import Driver, Sandbox, SandboxError, Template

log = logging.getLogger(__name__)

_CONCURRENT = 8
"""Sandboxes being prepared at once: beyond this the kernel's namespace locks only make all of them slower."""
_REFILL_DELAY = 0.02
_RETRY_DELAY = 5.0
_PATIENCE = 2.0
"""Seconds after which another sandbox is begun beside one that is not ready yet: a host may let one of them hang."""


class Spares:
    def __init__(self, driver: Driver, limit: int) -> None:
        """At most `limit` (and at most the template's own number) ready per template."""
        self._driver = driver
        self._limit = limit
        self._ready: dict[Template, deque[Sandbox]] = {}
        self._gate = asyncio.Semaphore(_CONCURRENT)
        self._refilling: dict[Template, asyncio.Task[None]] = {}
        self._preparing: set[asyncio.Task[Sandbox]] = set()
        self._came = asyncio.Event()
        self._closed = False

    def take_nowait(self, template: Template) -> Sandbox | None:
        """A ready one, if there is; either way the next are on their way."""
        ready = self._ready.get(template)
        sandbox = ready.popleft() if ready else None
        self.keep(template)
        return sandbox

    async def take(self, template: Template) -> Sandbox:
        """A ready one, or a new one. Raises SandboxError."""
        ready = self._ready.get(template)
        if ready:
            return ready.popleft()
        return await self._make(template)

    async def _make(self, template: Template) -> Sandbox:
        """One, however long another takes that was begun before. Raises SandboxError when none of them becomes ready."""
        async with self._gate:
            attempts = {self._begin(template)}
            done, _ = await asyncio.wait(attempts, timeout=_PATIENCE)
            if not done:
                log.warning("a sandbox of %s takes long: another is begun beside it", template.name)
                attempts.add(self._begin(template))
            while True:
                done, attempts = await asyncio.wait(attempts, return_when=asyncio.FIRST_COMPLETED)
                first = done.pop()
                if first.cancelled():
                    raise SandboxError("the server ends")
                if first.exception() is None or not (done or attempts):
                    for other in (*done, *attempts):
                        other.add_done_callback(partial(self._late, template))
                    return first.result()
                log.warning("a sandbox came to nothing while another was made beside it: %s", first.exception())
                attempts |= done

    def _begin(self, template: Template) -> asyncio.Task[Sandbox]:
        task = asyncio.get_running_loop().create_task(self._driver.prepare(template))
        self._preparing.add(task)
        task.add_done_callback(self._preparing.discard)
        return task

    def _late(self, template: Template, task: asyncio.Task[Sandbox]) -> None:
        """Nobody waits for it any more."""
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            log.warning("one that took long came to nothing: %s", error)
            return
        self._ready.setdefault(template, deque()).append(task.result())
        self._came.set()

    def keep(self, template: Template) -> None:
        """Keep this runtime's spares ready from now on."""
        running = self._refilling.get(template)
        if (running is None or running.done()) and not self._closed:
            self._refilling[template] = asyncio.get_running_loop().create_task(self._refill(template))

    async def ready(self, template: Template, limit: float) -> None:
        """Until the first spare is there (its zygote runs then), or has failed, or `limit` seconds have passed."""
        self.keep(template)
        task = self._refilling.get(template)
        deadline = asyncio.get_running_loop().time() + limit
        while task is not None and not task.done() and not self._ready.get(template):
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return
            self._came.clear()
            waiting = asyncio.ensure_future(self._came.wait())
            await asyncio.wait([waiting, task], timeout=left, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()

    async def _refill(self, template: Template) -> None:
        ready = self._ready.setdefault(template, deque())
        wanted = min(self._limit, template.spare)
        while len(ready) < wanted and not self._closed:
            await asyncio.sleep(_REFILL_DELAY)
            try:
                sandbox = await self._make(template)
            except SandboxError as error:
                log.warning("no spare sandbox for %s: %s", template.name, error)
                await asyncio.sleep(_RETRY_DELAY)
                return
            if self._closed:
                await sandbox.destroy()
                return
            ready.append(sandbox)
            self._came.set()

    def count(self) -> int:
        return sum(map(len, self._ready.values()))

    async def close(self) -> None:
        self._closed = True
        tasks = [*self._refilling.values(), *self._preparing]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        sandboxes = [sandbox for ready in self._ready.values() for sandbox in ready]
        self._ready.clear()
        await asyncio.gather(*(sandbox.destroy() for sandbox in sandboxes))
