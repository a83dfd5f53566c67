"""The shutdown phase of an environment with extensions: who is told, how long each has, and then SIGKILL.

AWS: docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown. An environment without
extensions has no such phase.
"""

import asyncio
import signal
from collections.abc import Callable, Iterable

from lambdad.clock import Clock
from lambdad.environments.extension import SHUTDOWN, Extension, respond_event
from lambdad.resources.quotas import QUOTAS
from lambdad.sandbox.driver import ExtensionProcesses

_RUNTIME = 0.15
"""The part of it that the runtime gets first …"""
_INTERNAL = 0.25
"""… and all that there is with internal extensions only: they end with the runtime."""


class ShutdownPhase:
    """Runs once. Whoever still lives when it is over is killed by who resets or destroys the sandbox."""

    __slots__ = (
        "_alive",
        "_changed",
        "_external",
        "_loop",
        "_processes",
        "_runtime_alive",
        "_seconds",
        "deadline",
        "reason",
    )

    def __init__(
        self,
        reason: str,
        external: Iterable[Extension],
        alive: set[str],
        runtime_alive: bool,
        processes: ExtensionProcesses,
        clock: Clock,
    ) -> None:
        """`reason`: spindown, timeout or failure. `alive`: the external ones that run."""
        self.reason = reason
        self._external = list(external)
        self._alive = alive
        self._runtime_alive = runtime_alive
        self._processes = processes
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._seconds = QUOTAS.shutdown / 1000
        self.deadline = clock.now() + self._seconds * (1 if alive else _INTERNAL)
        """Seconds since the epoch."""

    def exited(self, name: str) -> None:
        self._alive.discard(name)
        self._changed.set()

    def runtime_exited(self) -> None:
        self._runtime_alive = False
        self._changed.set()

    async def run(self, before: "asyncio.Task[None]") -> None:
        """`before`: what extensions should have before they end, if it comes in the runtime's time."""
        began = self._loop.time()
        runtime = began + self._seconds * (_RUNTIME if self._alive else _INTERNAL)
        if self._runtime_alive:
            self._processes.signal_runtime(signal.SIGTERM)
            if not await self._until(runtime, lambda: not self._runtime_alive):
                self._processes.signal_runtime(signal.SIGKILL)
        flushed = began + self._seconds * _RUNTIME
        await asyncio.wait({before}, timeout=max(0.0, flushed - self._loop.time()))
        for extension in self._external:
            if extension.name in self._alive and SHUTDOWN not in extension.events:
                self._processes.kill(extension.name)
            else:
                self.tell(extension)
        await self._until(began + self._seconds, lambda: not self._alive)

    def tell(self, extension: Extension) -> None:
        """It waits for an event, and this is its last; who does not wait yet is told when it asks."""
        if extension.waiting is not None and SHUTDOWN in extension.events:
            waiting, extension.waiting = extension.waiting, None
            event = {"eventType": SHUTDOWN, "shutdownReason": self.reason, "deadlineMs": int(self.deadline * 1000)}
            respond_event(waiting, event)

    async def _until(self, deadline: float, over: Callable[[], bool]) -> bool:
        """`deadline` by the loop's clock. False: it is not over, and time is."""
        while not over():
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), max(0.0, deadline - self._loop.time()))
            except TimeoutError:
                return over()
        return True
