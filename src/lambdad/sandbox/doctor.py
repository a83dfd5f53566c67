"""What this host lacks, in words. Looks and tries; leaves nothing behind.

Each finding says what was looked at, whether it serves, and what would help if it does not.
"""

import os
import platform
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lambdad.sandbox.cgroups.driver import remove_all
from lambdad.sandbox.cgroups.host import find_hierarchy
from lambdad.sandbox.ephemeral_storage import EphemeralStorage
from lambdad.sandbox.namespaces import can_make_namespaces
from lambdad.sandbox.user_network import find_program

_NEEDED_FILES = 4096
_NEEDED_DISK = 1 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    subject: str
    ok: bool
    detail: str
    remedy: str = ""
    """What would help; empty if nothing is amiss."""


def examine(data_dir: Path) -> list[Finding]:
    """Everything that a server on this host would find."""
    if sys.platform != "linux":
        detail = f"{platform.system()}: functions run as plain processes"
        return [Finding("isolation", False, detail, "Run lambdad on Linux for real isolation.")]
    root = os.geteuid() == 0
    findings = [_isolation(root), _user(root), _cgroups(), _network(root), _tmp(root), _seccomp()]
    findings += [_files(), _disk(data_dir)]
    return [*findings, _sqlite()]


def _isolation(root: bool) -> Finding:
    if can_make_namespaces():
        return Finding(
            "isolation", True, f"namespaces{'' if root else ', in a user namespace'} (kernel {platform.release()})"
        )
    remedy = "Run as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1 or "
    remedy += "kernel.apparmor_restrict_unprivileged_userns=0)."
    return Finding("isolation", False, "no namespaces: functions run as plain processes", remedy)


def _user(root: bool) -> Finding:
    if root:
        return Finding("users", True, "every sandbox has a user of its own")
    return Finding("users", False, "one user for all sandboxes", "Run as root for a user per sandbox.")


def _cgroups() -> Finding:
    hierarchy, found = find_hierarchy("lambdad-doctor")
    if hierarchy is None:
        remedy = "Run as root, or under a delegated slice: systemd-run --user --scope -p Delegate=yes lambdad serve"
        return Finding("limits of memory and CPU", False, found, remedy)
    remove_all(hierarchy.roots)
    return Finding("limits of memory and CPU", True, found)


def _network(root: bool) -> Finding:
    if not root:
        try:
            find_program()
        except OSError as error:
            remedy = "Install slirp4netns, let everyone open /dev/net/tun (mode 666), or run as root."
            return Finding("network", False, f"functions reach only this server: {error}", remedy)
        return Finding("network", True, "a network each, out by slirp4netns")
    if not Path("/proc/sys/net/netfilter").exists() and not Path("/proc/net/netfilter").exists():
        return Finding("network", False, "the kernel has no netfilter: no way out", "Load nf_tables and nf_nat.")
    return Finding("network", True, "a network each, out by NAT")


def _tmp(root: bool) -> Finding:
    in_memory = "/tmp is memory and counts against MemorySize"
    if not root:
        return Finding("/tmp", False, in_memory, "Run as root for a /tmp on disk.")
    with tempfile.TemporaryDirectory(prefix="lambdad-doctor-") as directory:
        try:
            EphemeralStorage(Path(directory, "ephemeral")).open()
        except OSError as error:
            return Finding(
                "/tmp", False, f"{in_memory}: {error}", "Install e2fsprogs; give access to /dev/loop-control."
            )
    return Finding("/tmp", True, "on disk, of the configured size")


def _seccomp() -> Finding:
    actions = Path("/proc/sys/kernel/seccomp/actions_avail")
    if actions.exists() and platform.machine() in ("x86_64", "aarch64"):
        return Finding("system call filter", True, f"seccomp on {platform.machine()}")
    return Finding("system call filter", False, "no seccomp filters here", "A kernel with CONFIG_SECCOMP_FILTER.")


def _files() -> Finding:
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    fine = most == resource.RLIM_INFINITY or most >= _NEEDED_FILES
    return Finding("open files", fine, f"at most {most}", "" if fine else f"Raise it to {_NEEDED_FILES}: ulimit -Hn")


def _disk(data_dir: Path) -> Finding:
    place = next(path for path in (data_dir, *data_dir.parents) if path.exists())
    free = shutil.disk_usage(place).free
    fine = free >= _NEEDED_DISK
    return Finding("disk", fine, f"{free // 1048576:,} MB free for {data_dir}", "" if fine else "Free some space.")


def _sqlite() -> Finding:
    import apsw

    return Finding("database", True, f"SQLite {apsw.sqlite_lib_version()} (apsw's own)")
