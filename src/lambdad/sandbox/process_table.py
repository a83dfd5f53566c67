"""How much memory and CPU time each process group uses: proc_pid_stat(5), or ps(1) where there is no /proc."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = "/proc"
_SECONDS = 10.0
_KILL_ROUNDS = 10


@dataclass(frozen=True, slots=True)
class GroupUsage:
    memory: int
    """Resident bytes of all its processes; what they share counts for each."""
    cpu_seconds: float
    """Of those alive."""


def usage_by_group() -> Mapping[int, GroupUsage]:
    """By process group id. Takes milliseconds: not on the event loop."""
    found: dict[int, GroupUsage] = {}
    rows = _from_proc() if os.path.exists(f"{_PROC}/self/stat") else _from_ps()
    for group, memory, seconds in rows:
        before = found.get(group, GroupUsage(0, 0.0))
        found[group] = GroupUsage(before.memory + memory, before.cpu_seconds + seconds)
    return found


def doing(pid: int) -> str:
    """What a process that should have done something does instead, for the log: its state, and where it is in the kernel."""
    try:
        with open(f"{_PROC}/{pid}/stat") as stat, open(f"{_PROC}/{pid}/wchan") as wchan:
            return (
                f"process {pid} is in state {stat.read().rpartition(')')[2].split()[0]}, at {wchan.read() or 'nothing'}"
            )
    except (FileNotFoundError, ProcessLookupError):
        return f"process {pid} is gone"
    except OSError as error:
        return f"process {pid} does not show it: {error}"


def peak_memory(pid: int) -> int:
    """The most this process had resident, in bytes; 0 if that is not known."""
    try:
        with open(f"{_PROC}/{pid}/status") as file:
            return next((int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:")), 0)
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _from_proc() -> Iterator[tuple[int, int, float]]:
    for name in os.listdir(_PROC):
        if not name.isdigit():
            continue
        try:
            with open(f"{_PROC}/{name}/stat", "rb") as file:
                content = file.read()
        except (FileNotFoundError, ProcessLookupError):
            continue
        fields = content[content.rindex(b")") + 2 :].split()  # the command before may hold anything
        yield int(fields[2]), int(fields[21]) * _PAGE, (int(fields[11]) + int(fields[12])) / _TICKS


def _from_ps() -> Iterator[tuple[int, int, float]]:
    argv = ["ps", "-axo", "pgid=,rss=,time="]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=_SECONDS, check=True)
    for line in done.stdout.splitlines():
        group, kilobytes, time = line.split()
        yield int(group), int(kilobytes) * 1024, _seconds(time)


def _seconds(time: str) -> float:
    """`[[dd-]hh:]mm:ss[.cc]` as ps prints it."""
    days, _, rest = time.rpartition("-")
    total = 0.0
    for part in rest.split(":"):
        total = total * 60 + float(part)
    return total + int(days or 0) * 86400


def kill_marked(variable: bytes) -> None:
    """End every process that started with this variable (`NAME=value`) and has left its group. On Linux only.

    A few rounds: one may start another just before it is killed.
    """
    assert variable.partition(b"=")[2], "too many would have it"
    for _ in range(_KILL_ROUNDS):
        marked = [pid for pid in _process_ids() if variable in _variables(pid)]
        if not marked:
            return
        for pid in marked:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _process_ids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()] if sys.platform == "linux" else []


def _variables(pid: int) -> list[bytes]:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return []
