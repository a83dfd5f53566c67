"""What can be done where there are no control groups: a sandbox is its first process and whatever descends from it.

It is measured and stopped from outside, process by process. Memory is not limited, CPU is not limited; the number of
processes is, by RLIMIT_NPROC. proc(5), proc_pid_status(5).
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_ROUNDS = 20
"""So often a process can start another while all are being stopped."""


class Descendants:
    """A Cgroup (`driver.py`) of the first process's number."""

    directory: Path | None = None
    tasks: tuple[Path, ...] = ()

    def __init__(self, first: int) -> None:
        self._first = first
        self._highest = 0
        self._stopped: set[int] = set()

    def limit_memory(self, megabytes: int) -> None:
        """It cannot be."""

    def limit_cpu(self, memory_mb: int) -> None:
        """It cannot be."""

    def freeze(self) -> None:
        for _ in range(_ROUNDS):
            found = set(_below(self._first)) - self._stopped
            if not found:
                return
            _signal(found, signal.SIGSTOP)
            self._stopped |= found

    def thaw(self) -> None:
        """Those that were stopped: to look for them again would need what a busy server may have no more of, descriptors."""
        stopped, self._stopped = self._stopped, set()
        _signal(stopped, signal.SIGCONT)

    def memory_peak(self) -> int:
        """Of those alive, what each had at most."""
        self._highest = max(self._highest, self._sum("VmHWM:"))
        return self._highest

    def memory_current(self) -> int:
        return self._sum("VmRSS:")

    def _sum(self, name: str) -> int:
        return sum(_kilobytes(pid, name) for pid in [self._first, *_below(self._first)]) * 1024

    def oom_kills(self) -> int:
        return 0

    def cpu_seconds(self) -> float:
        return sum(map(_seconds, [self._first, *_below(self._first)]))

    def remove(self) -> bool:
        return True


def _below(pid: int) -> Iterator[int]:
    for child in _read(f"/proc/{pid}/task/{pid}/children").split():
        yield int(child)
        yield from _below(int(child))


def _kilobytes(pid: int, name: str) -> int:
    lines = _read(f"/proc/{pid}/status").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)


def _seconds(pid: int) -> float:
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()  # the command before may hold anything
    return (int(fields[11]) + int(fields[12])) / _TICKS if fields else 0.0


def _read(path: str) -> str:
    """Empty when the process has ended."""
    try:
        return Path(path).read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _signal(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
