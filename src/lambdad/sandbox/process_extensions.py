"""External extensions under the process driver: process groups of the server's user beside that of the runtime.

Their memory is not counted, as that of children of the runtime is not.
"""

import asyncio
import errno
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from lambdad.sandbox.driver import Exit
from lambdad.sandbox.process_groups import gone, kill_group, limit_files, when_ended
from lambdad.sandbox.process_table import kill_marked

_CONNECT_LIMIT = 2.0


class ProcessExtensions:
    """`driver.py` says what each method promises."""

    def __init__(
        self,
        start_runtime: Callable[[], None],
        signal_runtime: Callable[[int], None],
        watch: Callable[[int], None],
        unwatch: Callable[[int], None],
    ) -> None:
        self.output = -1
        self.on_exit: Callable[[str, Exit], None] | None = None
        self.start_runtime = start_runtime
        self.signal_runtime = signal_runtime
        self._watch = watch
        self._unwatch = unwatch
        self._writable = -1
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._groups: list[int] = []

    def open_output(self) -> None:
        if self.output < 0:
            self.output, self._writable = os.pipe()
            os.set_blocking(self.output, False)

    def start(self, names: Sequence[str], directory: Path, environment: Mapping[str, str]) -> None:
        """Raises OSError."""
        for name in names:
            try:
                process = subprocess.Popen(
                    [str(directory / name)],
                    cwd="/",
                    env=dict(environment),
                    stdin=subprocess.DEVNULL,
                    stdout=self._writable,
                    stderr=self._writable,
                    start_new_session=True,
                )
            except OSError as error:
                reason = errno.errorcode.get(error.errno or 0, "EIO")
                asyncio.get_running_loop().call_soon(self._report, name, Exit(exec_errno=reason))
                continue
            self._running[name] = process
            self._groups.append(process.pid)
            limit_files(process.pid)
            self._watch(process.pid)
            when_ended(process, partial(self._ended, name))

    def _ended(self, name: str, process: "subprocess.Popen[bytes]") -> None:
        kill_group(process.pid, signal.SIGKILL)
        status = process.wait()
        if self._running.get(name) is process:
            del self._running[name]
            self._report(name, Exit(code=status) if status >= 0 else Exit(signal=-status))

    def _report(self, name: str, how: Exit) -> None:
        if self.on_exit is not None:
            self.on_exit(name, how)

    def kill(self, name: str) -> None:
        if name in self._running:
            kill_group(self._running[name].pid, signal.SIGKILL)

    def signal(self, number: int) -> None:
        for process in self._running.values():
            kill_group(process.pid, number)

    async def connect(self, port: int) -> socket.socket:
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.setblocking(False)
        try:
            address = ("127.0.0.1", port)
            await asyncio.wait_for(asyncio.get_running_loop().sock_connect(connection, address), _CONNECT_LIMIT)
        except BaseException:
            connection.close()
            raise
        return connection

    async def end(self, mark: bytes) -> None:
        """Every process is dead when this returns, on Linux also those that left their group; nobody is told."""
        self.signal(signal.SIGKILL)
        self._running.clear()
        groups, self._groups = self._groups, []
        for group in groups:
            await gone(group)
            self._unwatch(group)
        await asyncio.to_thread(kill_marked, mark)

    def close(self) -> None:
        for end in (self.output, self._writable):
            if end >= 0:
                os.close(end)
        self.output = self._writable = -1
