"""Which control groups this host has and may be used. cgroups(7): "/proc/self/cgroup", "/proc/self/mountinfo"."""

import os
from pathlib import Path

from lambdad.sandbox.cgroups import v1, v2
from lambdad.sandbox.cgroups.driver import Hierarchy


def mounts(mountinfo: str) -> tuple[dict[str, Path], Path | None]:
    """(version 1 controllers → where they are mounted, where version 2 is mounted)."""
    controllers: dict[str, Path] = {}
    unified = None
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        point = Path(before.split()[4])
        if kind == "cgroup2":
            unified = point
        elif kind == "cgroup":
            controllers |= {name: point for name in options.split(",") if name in v1.CONTROLLERS}
    return controllers, unified


def own_groups(text: str) -> dict[str, str]:
    """Controller (empty for version 2) → this process's group."""
    groups = {}
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            groups[controller] = path
    return groups


def find_hierarchy(name: str) -> tuple[Hierarchy | None, str]:
    """Groups of ours under the server's own, called `name`; and in words what was found, or why there are none."""
    controllers, unified = mounts(Path("/proc/self/mountinfo").read_text())
    groups = own_groups(Path("/proc/self/cgroup").read_text())
    if "memory" in controllers and "freezer" in controllers:
        roots = {c: _below(point, groups.get(c, "/")) / name for c, point in controllers.items()}
        if all(os.access(root.parent, os.W_OK) for root in roots.values()):
            return v1.HierarchyV1(roots), "cgroup version 1: " + ", ".join(sorted(roots))
        return None, "cgroup version 1 is not writable: root is needed"
    if unified is None:
        return None, "no control groups are mounted"
    return _find_v2(_below(unified, groups.get("", "/")), name)


def _below(point: Path, group: str) -> Path:
    path = point / group.lstrip("/")
    return path if path.is_dir() else point


def _find_v2(own: Path, name: str) -> tuple[Hierarchy | None, str]:
    """Version 2 lets controllers be given on only where no process is: the server moves into a leaf of its own."""
    available = set((own / "cgroup.controllers").read_text().split())
    missing = [c for c in v2.CONTROLLERS if c not in available]
    if missing:
        return None, f"cgroup version 2: not delegated to {own}: {', '.join(missing)}"
    if not os.access(own, os.W_OK):
        return None, f"cgroup version 2: {own} is not writable"
    try:
        enabled = set((own / "cgroup.subtree_control").read_text().split())
        if not set(v2.CONTROLLERS) <= enabled:
            leaf = own / "lambdad-server"
            leaf.mkdir(exist_ok=True)
            (leaf / "cgroup.procs").write_text(str(os.getpid()))
            (own / "cgroup.subtree_control").write_text(" ".join(f"+{c}" for c in v2.CONTROLLERS))
        return v2.HierarchyV2(own / name), "cgroup version 2: " + ", ".join(v2.CONTROLLERS)
    except OSError as error:
        return None, f"cgroup version 2: {error}"
