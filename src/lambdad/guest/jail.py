"""Builds the root that the sandboxes of one runtime share, enters it, and becomes their zygote.

Started by the server's own interpreter, one process per runtime, with a JSON document on standard input: what to mount
(`sandbox/mounts.py` made the list), which zygote to become. Where the server is not root it begins with a user namespace.
"""

import json
import os
import sys
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from lambdad.guest import kernel, zygote


def enter_user_namespace() -> None:
    """As root inside, and only there."""
    uid, gid = os.getuid(), os.getgid()
    kernel.unshare(kernel.CLONE_NEWUSER)
    for path, text in (
        ("/proc/self/setgroups", "deny"),
        ("/proc/self/uid_map", "0 {} 1".format(uid)),
        ("/proc/self/gid_map", "0 {} 1".format(gid)),
    ):
        with open(path, "w") as file:
            file.write(text)


def build(root: str, operations: list[list[Any]]) -> None:
    """Carry out the list on a new, private mount tree, and make the result /."""
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("tmpfs", root, "tmpfs", kernel.MS_NOSUID, "mode=755,size=16m")
    for operation in operations:
        apply(root, *operation)
    kernel.mount(None, root, None, kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | kernel.MS_NOSUID)
    kernel.pivot_root(root)


def apply(root: str, verb: str, path: str, *rest: Any) -> None:
    target = root + path
    if verb == "directory":
        os.makedirs(target, exist_ok=True)
        os.chmod(target, rest[0])
    elif verb == "file":
        with open(target, "w") as file:
            file.write(rest[0])
        os.chmod(target, 0o644)
    elif verb == "symlink":
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.symlink(rest[0], target)
    elif verb == "bind":
        make_mount_point(rest[0], target)
        kernel.bind(rest[0], target, kernel.MS_RDONLY | kernel.MS_NOSUID | kernel.MS_NODEV)
    elif verb == "proc":
        # Whole, or a user namespace may not mount its own over it (mount_namespaces(7), "locked").
        os.makedirs(target, exist_ok=True)
        kernel.mount("/proc", target, None, kernel.MS_BIND | kernel.MS_REC)
    elif verb == "device":
        make_mount_point(rest[0], target)
        kernel.bind(rest[0], target, kernel.MS_NOSUID | kernel.MS_NOEXEC)
    else:
        raise ValueError("unknown operation {}".format(verb))


def make_mount_point(source: str, target: str) -> None:
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    elif not os.path.exists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        open(target, "w").close()


def main() -> None:
    wanted = json.load(sys.stdin)
    kernel.die_with_parent()
    # As root this is also the least that any child may ask for.
    kernel.set_oom_score(0)
    os.umask(0o022)
    os.setsid()
    if wanted["user_namespace"]:
        enter_user_namespace()
        kernel.die_with_parent()
    with open("/dev/null") as null:
        os.dup2(null.fileno(), 0)
    build(wanted["root"], wanted["operations"])
    if wanted["argv"] is None:
        zygote.main(wanted["channel"])
        return
    os.set_inheritable(wanted["channel"], True)
    argv = [*wanted["argv"], "/.lambdad/lambdad/guest/zygote.py", str(wanted["channel"])]
    os.execve(argv[0], argv, {})


if __name__ == "__main__":
    main()
