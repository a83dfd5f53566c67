"""Control groups version 1: a tree per controller. docs.kernel.org/admin-guide/cgroup-v1"""

import os
from pathlib import Path

from lambdad.sandbox.cgroups.driver import PERIOD, PIDS, quota_of

CONTROLLERS = ("memory", "cpu", "pids", "freezer", "cpuacct")


def read(path: Path) -> str:
    return path.read_text()


def write(path: Path, value: object) -> None:
    path.write_text(str(value))


def remove_directory(path: Path) -> bool:
    """False while something is still in it."""
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


class CgroupV1:
    def __init__(self, directories: dict[str, Path]) -> None:
        self._directories = directories
        for path in directories.values():
            path.mkdir()
        if "pids" in directories:
            write(directories["pids"] / "pids.max", PIDS)

    def add(self, pid: int) -> None:
        for path in self._directories.values():
            write(path / "cgroup.procs", pid)

    def limit_memory(self, megabytes: int) -> None:
        memory = self._directories["memory"]
        limit = megabytes * 1048576
        write(memory / "memory.limit_in_bytes", limit)
        swap = memory / "memory.memsw.limit_in_bytes"
        if swap.exists():
            write(swap, limit)
        write(memory / "memory.max_usage_in_bytes", 0)

    def limit_cpu(self, memory_mb: int) -> None:
        cpu = self._directories.get("cpu")
        if cpu is not None:
            write(cpu / "cpu.cfs_period_us", PERIOD)
            write(cpu / "cpu.cfs_quota_us", quota_of(memory_mb))

    def freeze(self) -> None:
        write(self._directories["freezer"] / "freezer.state", "FROZEN")

    def thaw(self) -> None:
        write(self._directories["freezer"] / "freezer.state", "THAWED")

    def memory_peak(self) -> int:
        return int(read(self._directories["memory"] / "memory.max_usage_in_bytes"))

    def memory_current(self) -> int:
        return int(read(self._directories["memory"] / "memory.usage_in_bytes"))

    def oom_kills(self) -> int:
        fields = dict(line.split() for line in read(self._directories["memory"] / "memory.oom_control").splitlines())
        return int(fields.get("oom_kill", 0))

    def cpu_seconds(self) -> float:
        path = self._directories.get("cpuacct")
        return int(read(path / "cpuacct.usage")) / 1e9 if path is not None else 0.0

    def remove(self) -> bool:
        gone = [remove_directory(path) for path in self._directories.values()]
        return all(gone)


class HierarchyV1:
    """`roots`: by controller, the directory that is ours."""

    def __init__(self, roots: dict[str, Path]) -> None:
        self._roots = roots
        for path in roots.values():
            path.mkdir(exist_ok=True)

    def make(self, name: str) -> CgroupV1:
        return CgroupV1({controller: root / name for controller, root in self._roots.items()})

    def leftovers(self) -> list[int]:
        pids: set[int] = set()
        for root in self._roots.values():
            for procs in root.glob("*/cgroup.procs"):
                pids.update(map(int, read(procs).split()))
        freezer = self._roots.get("freezer")
        if freezer is not None:
            for state in freezer.glob("*/freezer.state"):
                write(state, "THAWED")
        return sorted(pids)

    def remove(self) -> bool:
        gone = True
        for root in self._roots.values():
            for path in root.glob("*/") if root.exists() else ():
                gone &= remove_directory(path)
            gone &= remove_directory(root)
        return gone
