"""Runs a module as an ordinary user, who may read the checkout and the interpreter wherever they are.

    python unprivileged.py MODULE ARGUMENT...

Started as root: in a mount tree of its own it makes the directories above them passable, then becomes that user for good.
"""

import ctypes
import os
import runpy
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

USER = 54_321
_NEWNS, _PRIVATE, _BIND, _REC = 0x00020000, 1 << 18, 4096, 16384
_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def open_directory() -> Iterator[Path]:
    """Where that user may write. Not one of pytest's: it closes its own to others whenever another pytest starts."""
    place = Path(tempfile.mkdtemp(prefix="lambdad-test-"))
    place.chmod(0o777)
    try:
        yield place
    finally:
        shutil.rmtree(place)


def mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    texts = [text.encode() if text is not None else None for text in (source, target, kind)]
    if _libc.mount(*texts, ctypes.c_ulong(flags), data.encode() if data else None) != 0:
        raise OSError(ctypes.get_errno(), f"mount {target}")


def uncover(path: str) -> None:
    """If some directory above is closed to others, put one there that holds nothing but the way to this one."""
    parts = path.strip("/").split("/")
    for depth in range(1, len(parts)):
        above = "/" + "/".join(parts[:depth])
        if os.stat(above).st_mode & 0o005 != 0o005:
            kept = os.open(path, os.O_PATH | os.O_DIRECTORY)
            mount("tmpfs", above, "tmpfs", 0, "mode=755")
            os.makedirs(path)
            mount(f"/proc/self/fd/{kept}", path, None, _BIND | _REC)
            return


def offer_tun() -> None:
    """As on most hosts: everyone may open it. A node of the same device, where only we see it."""
    if os.path.exists("/dev/net/tun"):
        mount("tmpfs", "/dev/net", "tmpfs", 0, "mode=755")
        os.mknod("/dev/net/tun", 0o666 | stat.S_IFCHR, os.makedev(10, 200))
        os.chmod("/dev/net/tun", 0o666)


def main() -> None:
    if _libc.unshare(_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    mount("none", "/", None, _REC | _PRIVATE)
    for path in (sys.base_prefix, sys.prefix, os.path.dirname(os.path.dirname(os.path.abspath(__file__)))):
        uncover(os.path.realpath(path))
    offer_tun()
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)
    os.environ["HOME"] = "/"
    sys.argv[:] = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
