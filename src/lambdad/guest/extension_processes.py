"""The processes of external extensions, as the first process of a sandbox sees them: started before the runtime, one each.

AWS: docs.aws.amazon.com/lambda/latest/dg/lambda-extensions.html. They are children of pid 1 like the runtime process, with the
same user and the same lack of privileges; what they print has a pipe of its own.
"""

import os
import signal
import socket
from collections.abc import Sequence
from typing import Any, Optional

from lambdad.guest import protocol, runtime_process
from lambdad.guest.runtime_process import Inside

DIRECTORY = "/opt/extensions/"


class ExtensionProcesses:
    def __init__(self, inside: Inside) -> None:
        self.inside = inside
        self.names: dict[int, str] = {}

    def start(self, names: Sequence[str], environment: dict[str, str], output: int) -> None:
        """Raises OSError. Pid 1 has given up everything by now, and so have they."""
        theirs = self.inside._replace(output=output)
        for name in names:
            pid = os.fork()
            if pid == 0:
                runtime_process.become_extension(theirs, DIRECTORY + name, environment)
            self.names[pid] = name

    def ended(self, pid: int, status: int) -> bool:
        """Of one of them the server is told. False: it is none."""
        name = self.names.pop(pid, None)
        if name is None:
            return False
        end = {"signal": os.WTERMSIG(status)} if os.WIFSIGNALED(status) else {"code": os.WEXITSTATUS(status)}
        protocol.send(self.inside.channel, {"op": "extension exit", "name": name, **end})
        return True

    def kill(self, name: str) -> None:
        """With all that it has started, as far as that has stayed in its process group."""
        for pid in [pid for pid, own in self.names.items() if own == name]:
            try:
                os.killpg(pid, signal.SIGKILL)
            except ProcessLookupError:  # it has not come as far as to lead one
                os.kill(pid, signal.SIGKILL)


def connect(channel: socket.socket, message: Any) -> None:
    """A connection to a port of this sandbox's own loopback, for the server: it has no other way in, and gets no further."""
    answer = {"op": "connected", "number": message["number"]}
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as connection:
        error: Optional[int] = None
        try:
            connection.connect(("127.0.0.1", message["port"]))
        except BlockingIOError:
            error = None  # on its way: the server waits, pid 1 does not
        except OSError as failed:
            error = failed.errno
        if error is None:
            protocol.send(channel, answer, [connection.fileno()])
        else:
            protocol.send(channel, {**answer, "errno": error})
