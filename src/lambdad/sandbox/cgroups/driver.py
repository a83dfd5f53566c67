"""What a sandbox needs of a control group, and which version this host has. cgroups(7).

Memory: the function's limit, no swap. CPU follows memory: 1,769 MB are one vCPU
(docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html). Processes: 1,024, as on AWS.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

PIDS = 1024
VCPU_MB = 1769
PERIOD = 100_000
"""Microseconds."""


def quota_of(memory_mb: int) -> int:
    """CPU microseconds in each period."""
    return max(PERIOD * memory_mb // VCPU_MB, 2000)


@dataclass(frozen=True, slots=True)
class Freezer:
    """A file of a control group and what to write into it."""

    file: str
    frozen: str
    thawed: str


class Cgroup(Protocol):
    """The group of one sandbox.

    A process joins it on its own, before it does anything else: it is born into `directory` (version 2; its descriptor is
    what clone3(2) wants) and writes 0 to each of `tasks` (version 1). The kernel lets whoever moves another process wait
    for ten milliseconds, and what that one had started by then would be left out.
    """

    directory: Path | None
    tasks: tuple[Path, ...]

    def limit_memory(self, megabytes: int) -> None:
        """From now on."""

    def limit_cpu(self, memory_mb: int) -> None: ...

    def freeze(self) -> None: ...

    def thaw(self) -> None: ...

    def memory_peak(self) -> int:
        """Bytes."""

    def memory_current(self) -> int: ...

    def oom_kills(self) -> int: ...

    def cpu_seconds(self) -> float: ...

    def remove(self) -> bool:
        """True when it is gone; False while a process in it still ends."""


class Hierarchy(Protocol):
    """Where this server's groups are."""

    roots: tuple[Path, ...]
    """The directories that hold them, one a controller or one for all."""

    def make(self, name: str) -> Cgroup:
        """Raises OSError."""

    def release(self) -> None:
        """They are in use no more (`claims.py`)."""


FREEZERS = (Freezer("freezer.state", "FROZEN", "THAWED"), Freezer("cgroup.freeze", "1", "0"))
"""Of version 1 and of version 2."""


def read(path: Path) -> str:
    """A file of a few lines; some are read after invocations."""
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, 4096).decode()
    finally:
        os.close(fd)


def write(path: Path, value: object) -> None:
    """In one system call, which is what the kernel reads; a few of these are on the way of a cold start."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        os.write(fd, str(value).encode())
    finally:
        os.close(fd)


class Freezing:
    """Freezes one group and thaws it. Its descriptor is kept meanwhile: a server that has no more of them can still thaw."""

    __slots__ = ("_fd", "_freezer", "_path")

    def __init__(self, directory: Path, freezer: Freezer) -> None:
        self._path = directory / freezer.file
        self._freezer = freezer
        self._fd = -1

    def freeze(self) -> None:
        """Raises OSError, and then nothing is frozen."""
        if self._fd >= 0:
            return
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.pwrite(fd, self._freezer.frozen.encode(), 0)
        except OSError:
            os.close(fd)
            raise
        self._fd = fd

    def thaw(self) -> None:
        """Nothing to do when it is not frozen."""
        if self._fd < 0:
            return
        fd, self._fd = self._fd, -1
        try:
            os.pwrite(fd, self._freezer.thawed.encode(), 0)
        finally:
            os.close(fd)


def make_directory(path: Path, freezer: Freezer | None) -> None:
    """One that a sandbox of this number has left behind is as good, if nothing that is born into it is frozen."""
    try:
        path.mkdir()
    except FileExistsError:
        if freezer is not None:
            write(path / freezer.file, freezer.thawed)


def thaw_all(roots: Iterable[Path]) -> list[int]:
    """Nothing in these groups is frozen any more: what a dead server left can be killed. The processes in them."""
    pids: set[int] = set()
    for root in roots:
        for freezer in FREEZERS:
            for file in root.glob("*/" + freezer.file):
                write(file, freezer.thawed)
        for procs in root.glob("*/cgroup.procs"):
            pids.update(map(int, procs.read_text().split()))
    return sorted(pids)


def remove_directory(path: Path) -> bool:
    """False while something is still in it."""
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def remove_all(roots: Iterable[Path]) -> bool:
    """Every group in these, and themselves. True when all are gone."""
    gone = True
    for root in roots:
        for path in root.glob("*/") if root.exists() else ():
            gone &= remove_directory(path)
        gone &= remove_directory(root)
    return gone
