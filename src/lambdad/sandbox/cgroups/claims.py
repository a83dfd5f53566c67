"""Whose groups are in use: a server holds a lock on each of its own that ends with it, however it ends. flock(2).

Groups without one are of a server that was killed. The next on the same data directory removes them; should there be none,
whoever starts next.
"""

import contextlib
import fcntl
import logging
import os
import re
import time
from collections.abc import Iterable
from pathlib import Path

from lambdad.sandbox.cgroups.driver import remove_directory

log = logging.getLogger(__name__)

_NAME = re.compile(r"lambdad-[0-9a-f]{12}")
_TRIES = 200
_PAUSE = 0.005
"""Seconds."""
_MOST = 1000
"""Groups of dead servers that one start removes."""


class Claimed:
    """Groups that are this server's until it releases them, or ends."""

    def __init__(self, roots: tuple[Path, ...]) -> None:
        """Makes them. Raises OSError."""
        self.roots = roots
        self._claims = [claim(path) for path in roots]

    def release(self) -> None:
        while self._claims:
            os.close(self._claims.pop())


def claim(path: Path) -> int:
    """Make a group, or take it over, and lock it; the descriptor that holds the lock. Raises OSError."""
    while True:
        path.mkdir(exist_ok=True)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:  # removed by another server, for which it belonged to nobody yet
            continue
        _lock(fd)
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.stat(path), os.fstat(fd)):
                return fd
        os.close(fd)


def _lock(fd: int) -> None:
    """Another server holds it for a moment while it looks whether it may remove it. Who holds it for longer shares it."""
    for _ in range(_TRIES):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE)
        else:
            return
    log.warning("the control groups of this data directory are in use by another process, too")


def remove_abandoned(roots: Iterable[Path]) -> int:
    """Of dead servers, beside these: what has no process in it any more. How many groups are gone."""
    gone = 0
    for root in roots:
        for other in root.parent.iterdir():
            if gone >= _MOST:
                return gone
            if other != root and _NAME.fullmatch(other.name):
                gone += _remove_if_abandoned(other)
    return gone


def _remove_if_abandoned(path: Path) -> int:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:  # gone meanwhile, or another user's
        return 0
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return sum(map(remove_directory, [*path.glob("*/"), path]))
    except BlockingIOError:
        return 0
    finally:
        os.close(fd)
