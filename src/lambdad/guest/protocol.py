"""Messages between the server and what it started: JSON in one packet, descriptors beside it. unix(7), SOCK_SEQPACKET.

The server's side of the same (`sandbox/channel.py`) trusts nothing that comes from a sandbox.
"""

import array
import json
import socket
from collections.abc import Sequence
from typing import Any, Optional

MAX_MESSAGE = 192 * 1024
MAX_FDS = 12


def send(channel: socket.socket, message: Any, fds: Sequence[int] = ()) -> None:
    """One message, whole."""
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    channel.sendmsg([json.dumps(message).encode()], rights)


def receive(channel: socket.socket) -> tuple[Optional[Any], list[int]]:
    """(message, descriptors); (None, []) when the other side has gone."""
    data, rights, _, _ = channel.recvmsg(MAX_MESSAGE, socket.CMSG_SPACE(4 * MAX_FDS), socket.MSG_CMSG_CLOEXEC)
    fds = array.array("i")
    for level, kind, content in rights:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
    return (json.loads(data) if data else None), list(fds)
