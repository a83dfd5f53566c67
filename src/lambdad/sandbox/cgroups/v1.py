"""Control groups version 1: a tree per controller. docs.kernel.org/admin-guide/cgroup-v1

On most such hosts version 2 is mounted too, without controllers (systemd's "hybrid"). Its freezer is the one to use then:
a process frozen by version 1 cannot be killed, and would outlive a killed server.
"""

from pathlib import Path

from lambdad.sandbox.cgroups.claims import Claimed
from lambdad.sandbox.cgroups.driver import (
    FREEZERS,
    PERIOD,
    PIDS,
    Freezer,
    Freezing,
    make_directory,
    quota_of,
    read,
    remove_directory,
    write,
)

CONTROLLERS = ("memory", "cpu", "pids", "freezer", "cpuacct")


class CgroupV1:
    def __init__(self, directories: dict[str, Path], freezer: Freezer) -> None:
        self._directories = directories
        self._peak = directories["memory"] / "memory.max_usage_in_bytes"
        self._freezing = Freezing(directories["freezer"], freezer)
        for controller, path in directories.items():
            make_directory(path, freezer if controller == "freezer" else None)
        self.directory = directories["freezer"] if freezer is FREEZERS[1] else None
        self.tasks = tuple(path / "tasks" for path in directories.values() if path != self.directory)
        self._counts_swap = (directories["memory"] / "memory.memsw.limit_in_bytes").exists()
        if "pids" in directories:
            write(directories["pids"] / "pids.max", PIDS)

    def limit_memory(self, megabytes: int) -> None:
        memory = self._directories["memory"]
        limit = megabytes * 1048576
        write(memory / "memory.limit_in_bytes", limit)
        if self._counts_swap:
            write(memory / "memory.memsw.limit_in_bytes", limit)

    def limit_cpu(self, memory_mb: int) -> None:
        cpu = self._directories.get("cpu")
        if cpu is not None:
            write(cpu / "cpu.cfs_period_us", PERIOD)
            write(cpu / "cpu.cfs_quota_us", quota_of(memory_mb))

    def freeze(self) -> None:
        self._freezing.freeze()

    def thaw(self) -> None:
        self._freezing.thaw()

    def memory_peak(self) -> int:
        return int(read(self._peak))

    def memory_current(self) -> int:
        return int(read(self._directories["memory"] / "memory.usage_in_bytes"))

    def oom_kills(self) -> int:
        fields = dict(line.split() for line in read(self._directories["memory"] / "memory.oom_control").splitlines())
        return int(fields.get("oom_kill", 0))

    def cpu_seconds(self) -> float:
        path = self._directories.get("cpuacct")
        return int(read(path / "cpuacct.usage")) / 1e9 if path is not None else 0.0

    def remove(self) -> bool:
        self._freezing.thaw()
        gone = [remove_directory(path) for path in self._directories.values()]
        return all(gone)


class HierarchyV1(Claimed):
    """`roots`: by controller, the directory that is ours; `freezer`: what the one of that name has."""

    def __init__(self, roots: dict[str, Path], freezer: Freezer = FREEZERS[0]) -> None:
        self._controllers = roots
        self._freezer = freezer
        super().__init__(tuple(roots.values()))

    def make(self, name: str) -> CgroupV1:
        return CgroupV1({controller: root / name for controller, root in self._controllers.items()}, self._freezer)
