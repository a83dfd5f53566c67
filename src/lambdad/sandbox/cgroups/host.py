"""Which control groups this host has and may be used. cgroups(7): "/proc/self/cgroup", "/proc/self/mountinfo"."""

import errno
import os
from pathlib import Path

from lambdad.sandbox.cgroups import v1, v2
from lambdad.sandbox.cgroups.driver import Hierarchy, read, write

_LEAF = "lambdad-server"
_CONTROL = "cgroup.subtree_control"
_ALL = " ".join(f"+{controller}" for controller in v2.CONTROLLERS)


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
        return _find_v1(roots, _below(unified, groups.get("", "/")) / name if unified is not None else None)
    if unified is None:
        return None, "no control groups are mounted"
    return find_v2(unified, groups.get("", "/"), name)


def _find_v1(roots: dict[str, Path], unified: Path | None) -> tuple[Hierarchy | None, str]:
    if not all(os.access(root.parent, os.W_OK) for root in roots.values()):
        return None, "cgroup version 1 is not writable: root is needed"
    found = "cgroup version 1: " + ", ".join(sorted(roots))
    if unified is not None and os.access(unified.parent, os.W_OK):
        return v1.HierarchyV1({**roots, "freezer": unified}, v2.FREEZER), f"{found} (that of version 2)"
    return v1.HierarchyV1(roots), found


def _below(point: Path, group: str) -> Path:
    path = point / group.lstrip("/")
    return path if path.is_dir() else point


def find_v2(point: Path, group: str, name: str) -> tuple[Hierarchy | None, str]:
    """The server's own group if that was delegated to it; else, where it is root, the nearest one above that serves.

    A group with processes cannot give controllers to its children, but for the root of all: so the server moves into a
    leaf, and a login session, which has other processes too, is passed over.
    """
    own = _below(point, group)
    if own.name == _LEAF:
        own = own.parent
    problems = []
    for place in (own, *(parent for parent in own.parents if parent.is_relative_to(point))):
        problem = _delegate(place, own)
        if problem is None:
            return v2.HierarchyV2(place / name), f"cgroup version 2: {', '.join(v2.CONTROLLERS)} in {place}"
        problems.append(f"{place}: {problem}")
    return None, "cgroup version 2: " + "; ".join(problems)


def _delegate(place: Path, own: Path) -> str | None:
    """Let the groups made in it have controllers of their own. Why not, in words."""
    missing = set(v2.CONTROLLERS) - set(read(place / "cgroup.controllers").split())
    if missing:
        return "not delegated: " + ", ".join(sorted(missing))
    if not os.access(place, os.W_OK):
        return "not writable"
    if set(v2.CONTROLLERS) <= set(read(place / _CONTROL).split()):
        return None
    try:
        try:
            write(place / _CONTROL, _ALL)
        except OSError as error:
            if error.errno != errno.EBUSY or place != own:
                raise
            _move_into_leaf(own)
    except OSError as error:
        return str(error.strerror)
    return None


def _move_into_leaf(own: Path) -> None:
    """Raises OSError, with everything as before, when there are other processes."""
    leaf = own / _LEAF
    leaf.mkdir(exist_ok=True)
    write(leaf / "cgroup.procs", os.getpid())
    try:
        write(own / _CONTROL, _ALL)
    except OSError:
        write(own / "cgroup.procs", os.getpid())
        leaf.rmdir()
        raise
