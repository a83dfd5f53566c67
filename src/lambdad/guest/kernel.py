"""The system calls that Python does not offer, by libc. Each raises OSError with what was tried.

Kept to what `jail.py`, `zygote.py` and `init.py` use; the standard library has some of them only since 3.12.
"""

import ctypes
import fcntl
import os
import signal
import socket
import struct
from collections.abc import Sequence
from typing import Optional

_libc = ctypes.CDLL(None, use_errno=True)
_libc_locked = ctypes.PyDLL(None, use_errno=True)
_libc_locked.syscall.restype = ctypes.c_long

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_NOATIME, MS_NODIRATIME, MS_BIND, MS_REC, MS_PRIVATE, MS_RELATIME = 1024, 2048, 4096, 16384, 1 << 18, 1 << 21
MNT_DETACH = 2

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP = 1, 4, 24
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _PR_CAP_AMBIENT = 38, 22, 47
_SECCOMP_MODE_FILTER, _PR_CAP_AMBIENT_CLEAR_ALL = 2, 4
_CAPABILITY_VERSION_3 = 0x20080522
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1


class _Clone(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_uint64)
        for name in (
            *("flags", "pidfd", "child_tid", "parent_tid", "exit_signal", "stack", "stack_size", "tls"),
            *("set_tid", "set_tid_size", "cgroup"),
        )
    ]


_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE3 = 435
_CLONE_INTO_CGROUP = 0x200000000


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, "{}: {}".format(what, os.strerror(number)))


def unshare(flags: int) -> None:
    _check(_libc.unshare(flags), "unshare({:#x})".format(flags))


def fork(namespaces: int, cgroup: Optional[int]) -> int:
    """fork(2) into new namespaces, and into a version 2 control group (a descriptor of its directory; Linux 5.7).

    Into the namespaces, because only root of the whole host could come back from a pid namespace made for children; into
    the group, because whoever moves a process there later waits for every processor, and what it started is left behind.
    What os.fork does around the system call is done here too; ctypes keeps the interpreter's lock meanwhile.
    """
    if cgroup is None:
        arguments: tuple[int, ...] = (_CLONE[os.uname().machine], namespaces | signal.SIGCHLD, 0, 0, 0, 0)
    else:
        wanted = _Clone(flags=namespaces | _CLONE_INTO_CGROUP, exit_signal=signal.SIGCHLD, cgroup=cgroup)
        arguments = (_CLONE3, ctypes.addressof(wanted), ctypes.sizeof(_Clone))
    ctypes.pythonapi.PyOS_BeforeFork()
    pid = int(_libc_locked.syscall(*map(ctypes.c_long, arguments)))
    number = ctypes.get_errno()
    if pid == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
        return 0
    ctypes.pythonapi.PyOS_AfterFork_Parent()
    if pid < 0:
        raise OSError(number, "clone: {}".format(os.strerror(number)))
    return pid


def setns(fd: int, kind: int) -> None:
    _check(_libc.setns(fd, kind), "setns({:#x})".format(kind))


def mount(
    source: Optional[str],
    target: Optional[str],
    kind: Optional[str] = None,
    flags: int = 0,
    options: Optional[str] = None,
) -> None:
    arguments = [os.fsencode(text) if text is not None else None for text in (source, target, kind)]
    data = options.encode() if options is not None else None
    _check(_libc.mount(*arguments, ctypes.c_ulong(flags), data), "mount({}, {})".format(source or kind, target))


def unmount(target: str) -> None:
    """Lazily: gone from the tree at once."""
    _check(_libc.umount2(os.fsencode(target), MNT_DETACH), "umount2({})".format(target))


def move_mount(mount: int, target: str) -> None:
    """A mount that a descriptor holds, to where it will be seen."""
    empty_path, here = ctypes.c_long(4), ctypes.c_long(-100)
    _check(_libc.syscall(ctypes.c_long(429), mount, b"", here, os.fsencode(target), empty_path), "move_mount " + target)


_LOCKED = (
    (os.ST_RDONLY, MS_RDONLY),
    (os.ST_NOSUID, MS_NOSUID),
    (os.ST_NODEV, MS_NODEV),
    (os.ST_NOEXEC, MS_NOEXEC),
    (os.ST_NOATIME, MS_NOATIME),
    (os.ST_NODIRATIME, MS_NODIRATIME),
    (os.ST_RELATIME, MS_RELATIME),
)


def bind(source: str, target: str, flags: int) -> None:
    """A bind mount with these flags, and those it had: an unprivileged user may not take any away."""
    mount(source, target, None, MS_BIND)
    had = os.statvfs(target).f_flag
    for seen, flag in _LOCKED:
        if had & seen:
            flags |= flag
    mount(None, target, None, MS_REMOUNT | MS_BIND | flags)


def pivot_root(new_root: str) -> None:
    """The directory becomes /, and nothing of the old tree stays reachable."""
    os.chdir(new_root)
    number = {"x86_64": 155, "aarch64": 41}[os.uname().machine]
    _check(_libc.syscall(ctypes.c_long(number), b".", b"."), "pivot_root")
    unmount(".")
    os.chdir("/")


def set_oom_score(score: int) -> None:
    """From -1000 (never) to 1000 (first). Lowering it is root's: where it is refused, it stays."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write(str(score))
    except OSError:
        return


def die_with_parent(signal_number: int = 9) -> None:
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0), "PR_SET_PDEATHSIG")


def set_dumpable(value: int) -> None:
    _check(_libc.prctl(_PR_SET_DUMPABLE, value, 0, 0, 0), "PR_SET_DUMPABLE")


def no_new_privileges() -> None:
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS")


def drop_bounding_set() -> None:
    """Also what the kernel knows and this file does not: up to the first it refuses."""
    for number in range(64):
        if _libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0) != 0:
            break
    _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)


def drop_capabilities() -> None:
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(header, bytes(24)), "capset")


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def install_seccomp(program: bytes) -> None:
    """`program`: BPF instructions, 8 bytes each."""
    buffer = ctypes.create_string_buffer(program, len(program))
    filter_ = _Program(len(program) // 8, ctypes.addressof(buffer))
    result = _libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(filter_), 0, 0)
    _check(result, "PR_SET_SECCOMP")


def route_requests(messages: Sequence[bytes]) -> None:
    """Requests of rtnetlink(7), each acknowledged before the next is sent."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as route:
        route.bind((0, 0))
        for message in messages:
            route.send(message)
            error = struct.unpack_from("=i", route.recv(65536), 16)[0]
            if error:
                raise OSError(-error, "rtnetlink: {}".format(os.strerror(-error)))


def loopback_up() -> None:
    """In a new network namespace even 127.0.0.1 has to be switched on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(control, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))
