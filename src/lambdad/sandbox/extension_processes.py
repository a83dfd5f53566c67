"""The processes of a sandbox's external extensions, as the server sees them: the host's side of `guest/extension_processes.py`."""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Callable

from lambdad.sandbox.channel import Message
from lambdad.sandbox.driver import Exit

_CONNECT_LIMIT = 2.0
_MOST_CONNECTING = 16


class NamespacesExtensions:
    """`driver.py` says what each method promises. `send` raises OSError when the sandbox has ended."""

    def __init__(self, send: Callable[[Message], None]) -> None:
        self.output = -1
        self.on_exit: Callable[[str, Exit], None] | None = None
        self._send = send
        self._writable = -1
        self._not_executed: dict[str, str] = {}
        self._connecting: dict[int, asyncio.Future[socket.socket]] = {}
        self._connections = 0

    def open_output(self, user: int | None) -> int:
        """The write end of their pipe, which is the same however often they are started. `user` may open it by name."""
        if self.output < 0:
            self.output, self._writable = os.pipe()
            os.set_blocking(self.output, False)
            if user is not None:
                os.fchown(self._writable, user, user)
        return self._writable

    def start_runtime(self) -> None:
        self._tell({"op": "start runtime"})

    def signal_runtime(self, number: int) -> None:
        self._tell({"op": "terminate runtime", "signal": number})

    def kill(self, name: str) -> None:
        self._tell({"op": "kill extension", "name": name})

    def _tell(self, message: Message) -> None:
        with contextlib.suppress(OSError):  # it has ended: that is told elsewhere
            self._send(message)

    async def connect(self, port: int) -> socket.socket:
        if len(self._connecting) >= _MOST_CONNECTING:
            raise OSError(errno.EAGAIN, "too many connections at once")
        self._connections += 1
        number = self._connections
        connecting = self._connecting[number] = asyncio.get_running_loop().create_future()
        try:
            self._send({"op": "connect", "number": number, "port": port})
            return await asyncio.wait_for(connecting, _CONNECT_LIMIT)
        finally:
            del self._connecting[number]

    def received(self, message: Message, fds: list[int], heard: bool) -> bool:
        """Untrusted. True: it was for us, and the descriptors are seen to. Who is not `heard` is told of no end."""
        if message["op"] == "connected":
            self._connected(message, fds)
            return True
        name = message.get("name")
        if not isinstance(name, str):
            return False
        if message["op"] == "extension not executed":
            number = message.get("errno")
            self._not_executed[name] = errno.errorcode.get(number, "EIO") if isinstance(number, int) else "EIO"
        elif message["op"] == "extension exit" and heard and self.on_exit is not None:
            self.on_exit(name, self._exit_of(name, message))
        return False

    def _exit_of(self, name: str, message: Message) -> Exit:
        reason = self._not_executed.pop(name, None)
        if reason is not None:
            return Exit(exec_errno=reason)
        number, code = message.get("signal"), message.get("code")
        if isinstance(number, int):
            return Exit(signal=number)
        return Exit(code=code if isinstance(code, int) else 1)

    def _connected(self, message: Message, fds: list[int]) -> None:
        number = message.get("number")
        connecting = self._connecting.get(number) if isinstance(number, int) else None
        if connecting is None or connecting.done() or len(fds) > 1:
            for fd in fds:
                os.close(fd)
        elif fds:
            connection = socket.socket(fileno=fds[0])
            connection.setblocking(False)
            connecting.set_result(connection)
        else:
            reason = message.get("errno")
            reason = reason if isinstance(reason, int) else errno.EIO
            connecting.set_exception(OSError(reason, os.strerror(reason)))

    def close(self) -> None:
        for end in (self.output, self._writable):
            if end >= 0:
                os.close(end)
        self.output = self._writable = -1
        for connecting in self._connecting.values():
            if not connecting.done():
                connecting.set_exception(ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET)))
