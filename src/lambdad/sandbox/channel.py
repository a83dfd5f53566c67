"""The server's end of a control socket: messages out at once, messages in by callback. unix(7), SOCK_SEQPACKET.

What comes from a sandbox is untrusted: bounded in size, checked in form; anything else ends the conversation.
"""

import array
import asyncio
import json
import logging
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

log = logging.getLogger(__name__)

_MAX_MESSAGE = 4096
_MAX_FDS = 8

Message = Mapping[str, Any]
Received = Callable[[Message | None, list[int]], None]


class Channel:
    """`received(message, descriptors)`; (None, []) once, when the other side has gone or talks nonsense."""

    def __init__(self, own: socket.socket, received: Received) -> None:
        self._socket = own
        self._received = received
        self._loop = asyncio.get_running_loop()
        own.setblocking(False)
        self._loop.add_reader(own.fileno(), self._readable)

    @staticmethod
    def pair() -> tuple[socket.socket, socket.socket]:
        return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def send(self, message: Message, fds: Sequence[int] = ()) -> None:
        """Raises OSError when the other side has gone."""
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self._socket.sendmsg([json.dumps(message).encode()], rights)

    def _readable(self) -> None:
        try:
            data, rights, flags, _ = self._socket.recvmsg(
                _MAX_MESSAGE, socket.CMSG_SPACE(4 * _MAX_FDS), socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            return
        except OSError:
            data, rights, flags = b"", [], 0
        fds = array.array("i")
        for level, kind, content in rights:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
        message = _parsed(data) if data and not flags & socket.MSG_TRUNC else None
        if message is None:
            for fd in fds:
                os.close(fd)
            self.close()
            self._received(None, [])
            return
        self._received(message, list(fds))

    def close(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()


def _parsed(data: bytes) -> Message | None:
    try:
        message = json.loads(data)
    except ValueError:
        return None
    return message if isinstance(message, dict) and isinstance(message.get("op"), str) else None
