"""What a sandbox needs of a control group, and which version this host has. cgroups(7).

Memory: the function's limit, no swap. CPU follows memory: 1,769 MB are one vCPU
(docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html). Processes: 1,024, as on AWS.
"""

from typing import Protocol

PIDS = 1024
VCPU_MB = 1769
PERIOD = 100_000
"""Microseconds."""


def quota_of(memory_mb: int) -> int:
    """CPU microseconds in each period."""
    return max(PERIOD * memory_mb // VCPU_MB, 2000)


class Cgroup(Protocol):
    """The group of one sandbox."""

    def add(self, pid: int) -> None: ...

    def limit_memory(self, megabytes: int) -> None:
        """From now on; the highest use is counted from here."""

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

    def make(self, name: str) -> Cgroup: ...

    def leftovers(self) -> list[int]:
        """Processes in groups that a dead server left; their groups go when they are gone."""

    def remove(self) -> bool:
        """Every group of ours. True when all are gone."""
