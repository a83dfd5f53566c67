"""How a process loses everything it could do beyond its function's work. The order matters; each step says why.

credentials(7), capabilities(7), seccomp(2), namespaces(7).
"""

import os
import resource

from lambdad.guest import kernel

_LIMITS = (
    (resource.RLIMIT_NOFILE, 1024),  # AWS's own number
    (resource.RLIMIT_CORE, 0),
    (resource.RLIMIT_MEMLOCK, 65536),
)
_PROCESSES = 1024
"""As on AWS, threads included. The control group says the same, where there is one."""


def become_unprivileged(uid: int, gid: int, seccomp: bytes, own_user_namespace: bool) -> None:
    """For the first process of a sandbox, once there is nothing left to mount, and for what it starts before that."""
    for kind, value in _LIMITS:
        resource.setrlimit(kind, (value, value))
    if own_user_namespace:
        become_in_namespace(uid, gid)
    else:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        # Takes the capabilities with it, so everything that needs one comes before.
        os.setresuid(uid, uid, uid)
    # After the user, or it would be compared with all that this one's owner runs elsewhere.
    resource.setrlimit(resource.RLIMIT_NPROC, (_PROCESSES, _PROCESSES))
    kernel.drop_capabilities()
    # Without this the filter below would need a capability; with it no setuid program gives one back.
    kernel.no_new_privileges()
    # Changing the user cleared the wish to die with the parent.
    kernel.die_with_parent()
    # Last: it forbids some of what was done above.
    kernel.install_seccomp(seccomp)


def become_in_namespace(uid: int, gid: int) -> None:
    """Without root there is one user only: a namespace of its own gives it the sandbox's number."""
    outer_uid, outer_gid = os.getuid(), os.getgid()
    kernel.unshare(kernel.CLONE_NEWUSER)
    for path, text in (
        ("/proc/self/setgroups", "deny"),
        ("/proc/self/uid_map", "{} {} 1".format(uid, outer_uid)),
        ("/proc/self/gid_map", "{} {} 1".format(gid, outer_gid)),
    ):
        with open(path, "w") as file:
            file.write(text)
    # The new namespace comes with a bounding set of its own, which is full.
    kernel.drop_bounding_set()
