"""The shutdown phase of an environment with extensions: who is told, how long each has, and then SIGKILL.

AWS: docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown. An environment without
extensions has no such phase.
"""

import asyncio
import signal
from collections.abc import Callable, Iterable

from lambdad.clock import Clock
from lambdad.environments.extension import SHUTDOWN, Extension, respond_event
from lambdad.sandbox.driver import ExtensionProcesses

_EXTERNAL = 2.0
"""Seconds in all, with external extensions …"""
_RUNTIME = 0.3
"""… of which the runtime gets these first."""
_INTERNAL = 0.5
"""Seconds with internal extensions only: they end with the runtime."""


class ShutdownPhase:
    """Runs once. Whoever still lives when it is over is killed by who resets or destroys the sandbox."""

    __slots__ = ("_alive", "_changed", "_external", "_loop", "_processes", "_runtime_alive", "deadline", "reason")

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
        self.deadline = clock.now() + (_EXTERNAL if alive else _INTERNAL)
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
        external = bool(self._alive)
        if self._runtime_alive:
            self._processes.signal_runtime(signal.SIGTERM)
            if not await self._until(began + (_RUNTIME if external else _INTERNAL), lambda: not self._runtime_alive):
                self._processes.signal_runtime(signal.SIGKILL)
        await asyncio.wait({before}, timeout=max(0.0, began + _RUNTIME - self._loop.time()))
        for extension in self._external:
            if extension.name in self._alive and SHUTDOWN not in extension.events:
                self._processes.kill(extension.name)
            else:
                self.tell(extension)
        await self._until(began + _EXTERNAL, lambda: not self._alive)

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
