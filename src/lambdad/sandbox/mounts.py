"""What the root of a sandbox holds: a template → an ordered list of operations, data for `guest/jail.py`.

Nothing of the host is there but its programs and libraries (read-only), what the runtime needs, and a few files of /etc.
"""

import os
from pathlib import Path

from lambdad.sandbox.driver import Template

Operation = tuple[object, ...]

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_ETC = (
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/etc/ld.so.cache",
    "/etc/alternatives",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/etc/mime.types",
    "/etc/os-release",
    "/etc/services",
    "/etc/protocols",
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_PASSWD = "root:x:0:0:root:/root:/sbin/nologin\nsbx_user1051:x:{uid}:{uid}::/home/sbx_user1051:/sbin/nologin\n"
_GROUP = "root:x:0:\nsbx_user1051:x:{uid}:\n"
_HOSTS = "127.0.0.1 localhost sandbox.localdomain sandbox\n"
"""Telemetry is sent to `http://sandbox.localdomain:…`: an extension may also listen by that name."""
_RESOLVERS = ("/run/systemd/resolve/resolv.conf", "/etc/resolv.conf")


def operations(template: Template, unpacked: Path, guest: Path, name_server: str | None) -> list[Operation]:
    """`unpacked`: the data directory's code; `guest`: our own modules; `name_server`: None means the host's."""
    made: list[Operation] = [("directory", "/proc", 0o755), ("proc", "/proc")]
    for path in _SYSTEM:
        if os.path.islink(path):
            made.append(("symlink", path, os.readlink(path)))
        elif os.path.isdir(path):
            made.append(("bind", path, path))
    made += [("directory", path, mode) for path, mode in _directories()]
    made += [("bind", path, os.path.realpath(path)) for path in _ETC if os.path.exists(path)]
    made += [
        ("file", "/etc/hosts", _HOSTS),
        ("file", "/etc/resolv.conf", f"nameserver {name_server}\n" if name_server else resolv_conf()),
        ("file", "/etc/passwd", ""),
        ("file", "/etc/group", ""),
    ]
    made += [("device", path, path) for path in _DEVICES]
    made += [
        ("symlink", f"/dev/{name}", f"/proc/self/fd/{fd}") for name, fd in (("stdin", 0), ("stdout", 1), ("stderr", 2))
    ]
    made.append(("symlink", "/dev/fd", "/proc/self/fd"))
    if os.path.isdir("/sys/devices/system/cpu"):
        made.append(("bind", "/sys/devices/system/cpu", "/sys/devices/system/cpu"))
    made += [("bind", bind.target, bind.source) for bind in template.binds]
    made += [("symlink", path, target) for target, path in template.symlinks]
    made += [("bind", "/.lambdad/unpacked", str(unpacked)), ("bind", "/.lambdad/lambdad/guest", str(guest))]
    return made


def own_files(uid: int) -> dict[str, str]:
    """What differs from sandbox to sandbox: the one user has the same name everywhere, as on AWS, and a number of its own."""
    return {"/etc/passwd": _PASSWD.format(uid=uid), "/etc/group": _GROUP.format(uid=uid)}


def _directories() -> list[tuple[str, int]]:
    """/var/task and /opt have a `lib` before anything is mounted there: the dynamic linker remembers what it once missed."""
    plain = [
        "/etc",
        "/dev",
        "/dev/shm",
        "/var/task/lib",
        "/opt/lib",
        "/var/lang",
        "/var/runtime",
        "/.lambdad",
        "/home",
        "/root",
    ]
    return [
        *((path, 0o755) for path in plain),
        ("/var/task", 0o755),
        ("/opt", 0o755),
        ("/tmp", 0o1777),
        ("/.lambdad", 0o700),
    ]


def resolv_conf() -> str:
    """The host's nameservers, but for those on loopback, which a sandbox has of its own."""
    for path in _RESOLVERS:
        try:
            lines = Path(path).read_text().splitlines()
        except OSError:
            continue
        kept = [line for line in lines if not line.startswith("nameserver 127.") and "nameserver ::1" not in line]
        if any(line.startswith("nameserver") for line in kept):
            return "\n".join(kept) + "\n"
    return ""
