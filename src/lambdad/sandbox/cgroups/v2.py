"""Control groups version 2: one tree. docs.kernel.org/admin-guide/cgroup-v2.html"""

from pathlib import Path

from lambdad.sandbox.cgroups.claims import Claimed
from lambdad.sandbox.cgroups.driver import (
    FREEZERS,
    PERIOD,
    PIDS,
    Freezing,
    make_directory,
    quota_of,
    read,
    remove_directory,
    write,
)

CONTROLLERS = ("memory", "cpu", "pids")
FREEZER = FREEZERS[1]


def _fields(path: Path) -> dict[str, int]:
    return {name: int(value) for name, value in (line.split() for line in read(path).splitlines())}


class CgroupV2:
    tasks: tuple[Path, ...] = ()

    def __init__(self, directory: Path) -> None:
        self.directory: Path | None = directory
        self._directory = directory
        self._freezing = Freezing(directory, FREEZER)
        self._highest = 0
        self._peak = directory / "memory.peak"
        make_directory(directory, FREEZER)
        write(directory / "pids.max", PIDS)
        for name in ("memory.swap.max", "memory.oom.group"):  # no swap; and pid 1 outlives the runtime process
            if (directory / name).exists():
                write(directory / name, 0)

    def limit_memory(self, megabytes: int) -> None:
        write(self._directory / "memory.max", megabytes * 1048576)

    def limit_cpu(self, memory_mb: int) -> None:
        write(self._directory / "cpu.max", f"{quota_of(memory_mb)} {PERIOD}")

    def freeze(self) -> None:
        self._freezing.freeze()

    def thaw(self) -> None:
        self._freezing.thaw()

    def memory_peak(self) -> int:
        """Kernels before 5.19 do not keep it: then the highest that was ever seen here."""
        try:
            return int(read(self._peak))
        except FileNotFoundError:
            self._highest = max(self._highest, self.memory_current())
            return self._highest

    def memory_current(self) -> int:
        return int(read(self._directory / "memory.current"))

    def oom_kills(self) -> int:
        return _fields(self._directory / "memory.events").get("oom_kill", 0)

    def cpu_seconds(self) -> float:
        return _fields(self._directory / "cpu.stat").get("usage_usec", 0) / 1e6

    def remove(self) -> bool:
        self._freezing.thaw()
        return remove_directory(self._directory)


class HierarchyV2(Claimed):
    """`root`: the directory that is ours, with the controllers given to its children."""

    def __init__(self, root: Path) -> None:
        super().__init__((root,))
        write(root / "cgroup.subtree_control", " ".join(f"+{name}" for name in CONTROLLERS))

    def make(self, name: str) -> CgroupV2:
        return CgroupV2(self.roots[0] / name)
