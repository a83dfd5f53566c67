"""/tmp on disk: a file system of its own size for each sandbox, made before the sandbox and gone with it.

A sparse image, already formatted, is copied (128 KB of data), unlinked, put behind a loop device that clears itself, and
mounted where nobody sees it (fsmount(2)); the first process of the sandbox moves the mount to /tmp. Whatever ends the
sandbox, or the server, ends all of that. What is written is page cache, which the kernel takes back when memory is short:
in memory (tmpfs) it would count against the function's MemorySize, as it does not on AWS.

Needs root, loop devices and mkfs.ext4. AWS: docs.aws.amazon.com/lambda/latest/dg/configuration-ephemeral-storage.html
"""

import contextlib
import ctypes
import errno
import fcntl
import os
import shutil
import stat
import struct
import subprocess
import threading
from pathlib import Path

DEFAULT_MB = 512
_FORMAT = (
    "-q",
    "-F",
    "-b",
    "4096",
    "-m",
    "0",
    "-N",
    "65536",
    "-O",
    "^has_journal,^resize_inode",
    "-E",
    "lazy_itable_init=1",
)
"""No journal and no reserve: its content does not outlive a crash anyway."""
_OVERHEAD = 32 << 20
"""Bytes, and a hundredth: what the file system takes for itself, so that a function can really write as much as it has."""
_FORMAT_SECONDS = 30.0

_LOOP_CTL_GET_FREE, _LOOP_CONFIGURE, _LOOP_MAJOR = 0x4C82, 0x4C0A, 7
_LO_FLAGS_AUTOCLEAR = 4
_FSOPEN, _FSCONFIG, _FSMOUNT = 430, 431, 432
_FSCONFIG_SET_FLAG, _FSCONFIG_SET_STRING, _FSCONFIG_CMD_CREATE = 0, 1, 6
_CLOEXEC = 1
_MOUNT_ATTR_NOSUID, _MOUNT_ATTR_NODEV, _MOUNT_ATTR_NOATIME = 2, 4, 16
_TRIES = 200
"""Each is lost to another process that got the device."""
_taking = threading.Lock()
"""The kernel names the same free device to all who ask before one has taken it."""

_libc = ctypes.CDLL(None, use_errno=True)


class EphemeralStorage:
    """Makes volumes. Its methods block for a few milliseconds: call them in a thread."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._formatting = threading.Lock()

    def open(self) -> None:
        """Try it once. Raises OSError where the host cannot."""
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(parents=True)
        os.close(self.make(DEFAULT_MB))

    def make(self, size_mb: int) -> int:
        """A mount, as a descriptor for move_mount(2); it is unmounted when nobody holds or has mounted it. Raises OSError."""
        image = self._copy(self._formatted(size_mb))
        try:
            device, path = _loop_device(image)
        finally:
            os.close(image)
        try:
            return _mount(path)
        finally:
            os.close(device)

    def _formatted(self, size_mb: int) -> Path:
        """The image that those of this size are copied from."""
        path = self._directory / f"{size_mb}.img"
        with self._formatting:
            if not path.exists():
                new = path.with_suffix(".new")
                _format(new, size_mb)
                new.rename(path)
        return path

    def _copy(self, formatted: Path) -> int:
        """A copy that has no name, and takes only the room of what is written in it."""
        source = os.open(formatted, os.O_RDONLY | os.O_CLOEXEC)
        try:
            copy = os.open(self._directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
            size = os.fstat(source).st_size
            os.truncate(copy, size)
            at = 0
            # To the end of the last data, where lseek finds no more.
            with contextlib.suppress(OSError):
                while at < size:
                    at = os.lseek(source, at, os.SEEK_DATA)
                    end = os.lseek(source, at, os.SEEK_HOLE)
                    os.pwrite(copy, os.pread(source, end - at, at), at)
                    at = end
            return copy
        finally:
            os.close(source)


def _format(path: Path, size_mb: int) -> None:
    program = shutil.which("mkfs.ext4", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        raise FileNotFoundError("mkfs.ext4 (e2fsprogs) is not installed")
    with open(path, "wb") as image:
        image.truncate((size_mb << 20) * 101 // 100 + _OVERHEAD)
    made = subprocess.run([program, *_FORMAT, str(path)], capture_output=True, timeout=_FORMAT_SECONDS, check=False)
    if made.returncode != 0:
        raise OSError(f"mkfs.ext4: {made.stderr.decode(errors='replace').strip()}")
    with open(path, "r+b") as image:
        device, name = _loop_device(image.fileno())
        mount = _mount(name)
        root = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=mount)
        os.rmdir("lost+found", dir_fd=root)
        os.fchmod(root, 0o1777)
        for fd in (root, mount, device):  # the last close writes everything to the image
            os.close(fd)


def _loop_device(image: int) -> tuple[int, str]:
    """(descriptor, path) of a device that shows the image. It is free again once it is neither open nor mounted."""
    control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
    try:
        with _taking:
            for _ in range(_TRIES):
                taken = _take(fcntl.ioctl(control, _LOOP_CTL_GET_FREE), image)
                if taken is not None:
                    return taken
        raise OSError("no loop device is free")
    finally:
        os.close(control)


def _take(number: int, image: int) -> tuple[int, str] | None:
    """None when another process was faster."""
    path = f"/dev/loop{number}"
    with contextlib.suppress(FileExistsError):  # devtmpfs makes it; a container's /dev does not
        os.mknod(path, 0o600 | stat.S_IFBLK, os.makedev(_LOOP_MAJOR, number))
    device = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(device, _LOOP_CONFIGURE, _loop_config(image))
    except OSError as error:
        os.close(device)
        if error.errno != errno.EBUSY:
            raise
        return None
    return device, path


def _loop_config(image: int) -> bytes:
    """struct loop_config (linux/loop.h): fd, block size, loop_info64 of which only the flags matter, reserved."""
    info = struct.pack("=52xI", _LO_FLAGS_AUTOCLEAR).ljust(232, b"\0")
    return struct.pack("=II", image, 4096) + info + bytes(64)


def _mount(device: str) -> int:
    context = _call(_FSOPEN, b"ext4", _CLOEXEC)
    try:
        _call(_FSCONFIG, context, _FSCONFIG_SET_STRING, b"source", device.encode(), 0)
        for flag in (b"discard", b"nobarrier"):  # what is deleted is free again; what is synced may be lost in a crash
            _call(_FSCONFIG, context, _FSCONFIG_SET_FLAG, flag, None, 0)
        _call(_FSCONFIG, context, _FSCONFIG_CMD_CREATE, None, None, 0)
        return _call(_FSMOUNT, context, _CLOEXEC, _MOUNT_ATTR_NOSUID | _MOUNT_ATTR_NODEV | _MOUNT_ATTR_NOATIME)
    finally:
        os.close(context)


def _call(number: int, *arguments: "int | bytes | None") -> int:
    """A system call with the same number on every machine: those since 2018."""
    result: int = _libc.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"system call {number}: {os.strerror(ctypes.get_errno())}")
    return result
