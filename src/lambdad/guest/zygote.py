"""The process that sandboxes of one runtime are forked from: it waits, forks, tells the server the pid.

It has entered the jail, has the runtime's modules imported (for runtimes that fork), and is the parent of every first process.
Single-threaded, and it never runs a function's code.
"""

import errno
import gc
import importlib.util
import os
import signal
import socket
import sys
import traceback
from typing import Any, Optional

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from lambdad.guest import immortal, init, kernel, protocol


def load(path: str) -> Any:
    """The runtime's own module: `preload()` now, `run(environment)` in each runtime process."""
    sys.path.insert(0, os.path.dirname(path))
    spec = importlib.util.spec_from_file_location("lambdad_runtime", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.preload()
    return module


def serve(channel: socket.socket, settings: dict[str, Any], module: Any) -> None:
    # Children end without becoming zombies: the server watches them through descriptors of its own.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    protocol.send(channel, {"op": "zygote"})
    while True:
        message, fds = protocol.receive(channel)
        if message is None:
            return
        try:
            pid = fork_first(channel, message, fds, settings, module)
            protocol.send(channel, {"op": "forked", "pid": pid})
        except OSError as error:
            protocol.send(channel, {"op": "error", "text": str(error)})
        finally:
            for fd in fds:
                os.close(fd)


def fork_first(channel: socket.socket, message: Any, fds: list[int], settings: dict[str, Any], module: Any) -> int:
    """Fork the first process of a new pid namespace, in its control group from the beginning; its pid."""
    group = fds[message["group"]] if message["group"] is not None else None
    pid, born_there = fork(group)
    if pid == 0:
        status = 1
        try:
            channel.close()
            if group is not None and born_there:
                os.close(group)
                message["group"] = None
            init.main(message, fds, settings, module)
            status = 0
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            os._exit(status)
    return pid


def fork(group: Optional[int]) -> tuple[int, bool]:
    """As fork(2), into a pid namespace; and whether the child is in the control group already."""
    if group is not None:
        try:
            return kernel.fork(kernel.CLONE_NEWPID, group), True
        except OSError as error:
            if error.errno not in (errno.ENOSYS, errno.EINVAL, errno.E2BIG, errno.EPERM):
                raise  # those mean a kernel, or a container, that does not know it: the child goes there on its own
    return kernel.fork(kernel.CLONE_NEWPID, None), False


def main(channel_fd: str) -> None:
    kernel.die_with_parent()
    channel = socket.socket(fileno=int(channel_fd))
    settings, _ = protocol.receive(channel)
    if settings is None:
        return
    channel.set_inheritable(False)
    module = load(settings["preload"]) if settings["preload"] is not None else None
    immortal.make_all_immortal()
    gc.collect()
    gc.freeze()
    serve(channel, settings, module)


if __name__ == "__main__":
    main(sys.argv[1])
