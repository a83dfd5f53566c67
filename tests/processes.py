"""Which processes run, and that they end."""

import gc
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from wait import wait_for


def processes_of(pid: int) -> list[str]:
    """Every process that descends from one."""
    table = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout.split()
    children: dict[str, list[str]] = {}
    for child, parent in zip(table[::2], table[1::2], strict=True):
        children.setdefault(parent, []).append(child)
    found, queue = [], [str(pid)]
    while queue:
        for child in children.get(queue.pop(), []):
            found.append(child)
            queue.append(child)
    return found


def resident_mb(pid: int) -> int:
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) // 1024 for line in file if line.startswith("VmRSS"))


def alive(pids: Iterable[str]) -> list[str]:
    """A zombie is not: it has ended, and waits for a parent that is not ours."""
    return [pid for pid in pids if state_of(pid) not in ("", "Z", "X")]


def state_of(pid: str | int) -> str:
    """Its letter in proc(5); empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def wait_until_ended(pids: Iterable[str]) -> None:
    """Raises AssertionError, with what the last ones are doing."""
    pids = list(pids)
    try:
        wait_for(lambda: not alive(pids))
    except AssertionError:
        raise AssertionError("\n".join(map(_doing, alive(pids)))) from None


def _doing(pid: str) -> str:
    lines = [f"{pid} still runs"]
    for name in ("cmdline", "status", "wchan", "stack", "cgroup"):
        try:
            lines.append(f"{name}: " + Path(f"/proc/{pid}/{name}").read_text().replace("\0", " "))
        except OSError as error:
            lines.append(f"{name}: {error}")
    return "\n".join(lines)


def open_descriptors() -> set[str]:
    """Of this process. What earlier tests left to the garbage collector is closed first, not while someone compares."""
    gc.collect()
    return set(os.listdir("/proc/self/fd"))
