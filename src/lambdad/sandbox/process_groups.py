"""Process groups of the server's own user: how the process driver learns of their end, limits and ends them."""

import asyncio
import contextlib
import ctypes
import logging
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

END_SECONDS = 5.0
_FILES = 1024
"""AWS's own number of open files."""


def when_ended(process: "subprocess.Popen[bytes]", call: Callable[["subprocess.Popen[bytes]"], None]) -> None:
    """`call` on the event loop, once the process has ended."""
    loop = asyncio.get_running_loop()
    if sys.platform == "linux":
        handle = os.pidfd_open(process.pid)

        def ended() -> None:
            loop.remove_reader(handle)
            os.close(handle)
            call(process)

        loop.add_reader(handle, ended)
        return

    def wait() -> None:
        process.wait()
        with contextlib.suppress(RuntimeError):  # the loop is closed: the server ends
            loop.call_soon_threadsafe(call, process)

    threading.Thread(target=wait, name=f"wait-{process.pid}", daemon=True).start()


def limit_files(pid: int) -> None:
    if sys.platform == "linux":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (_FILES, _FILES))
            resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))


def kill_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def signal_main_thread(pid: int, number: int) -> None:
    """To that thread itself: a process that has just been continued is given signals by another one, and an interpreter whose
    main thread then still waits in a system call does not learn of them."""
    library = ctypes.CDLL(None)
    if hasattr(library, "tgkill"):
        library.tgkill(pid, pid, number)  # ESRCH: it has ended
    else:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


async def gone(group: int) -> None:
    """Bounded: a dead process whose parent does not ask for it stays in the table, and nothing can be done about it."""
    wait = 0.001
    while wait < END_SECONDS / 4:
        try:
            os.killpg(group, 0)
        except (ProcessLookupError, PermissionError):
            return
        await asyncio.sleep(wait)
        wait *= 1.5
    log.warning("the process group %d has been killed and is still listed", group)
