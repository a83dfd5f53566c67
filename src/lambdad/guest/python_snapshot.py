"""SnapStart inside: a Python process becomes a snapshot, and later others become it. AWS: …/lambda/latest/dg/snapstart.html

The template, initialised, forks; the child, which has one thread and has run what libraries do after a fork, writes its memory
down and ends. An environment's process, still the zygote's bare child in a sandbox of its own with all privileges given up,
takes that memory as its own (`snapshot_image.py`) and finds itself where the template's child was. What is not memory it gets
anew: variables, descriptors, signal handlers, the content of /tmp, randomness.

Both are processes of the same zygote, so everything that was there before the function has the same place in both.
"""

import ctypes
import gc
import io
import json
import os
import random
import signal
import sys
import tarfile
import tempfile
import threading
import traceback
import uuid
import warnings
from collections.abc import Mapping
from typing import Optional

from lambdad.guest import snapshot_descriptors, snapshot_image
from lambdad.guest.syscall_table import PAGE, SyscallTable, syscall_table

_LIBC = ctypes.CDLL(None)
NOT_RESTORED = 70
"""Exit status of a process that could not become the snapshot (71, where it was too late to say why)."""
_SIGACTION, _STACK = 152, 24
"""Bytes of glibc's struct sigaction and of stack_t."""
_SIGNALS = [number for number in range(1, 65) if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33)]
_TID = {"x86_64": 720, "aarch64": 208}
"""Where glibc's threads know their number; looked at only where it proves to be there."""


class Snapshots:
    """What a zygote prepares so that its children can be templates or be restored."""

    def __init__(self, table: SyscallTable) -> None:
        self._table = table
        self._token = uuid.uuid4().hex
        self._base: set[str] = set()
        self._handlers: dict[int, bytes] = {}
        self._descriptor = -1
        self._given: dict[str, str] = {}

    # --- The template -------------------------------------------------------------------------------------------------

    def begin_template(self, descriptor: int, environment: Mapping[str, str]) -> None:
        """Before anything of the function is loaded. `descriptor`: the file that the snapshot is to be in."""
        self._descriptor = descriptor
        self._given = dict(environment)
        self._base = snapshot_image.unchanging_regions()
        self._handlers = _handlers()

    @property
    def is_template(self) -> bool:
        return self._descriptor >= 0

    def take(self) -> None:
        """Returns in the template, when the snapshot is written or cannot be; and in every process restored from it."""
        try:
            archive = _pack_tmp(self._descriptor)
        except OSError:
            traceback.print_exc()
            self._descriptor = -1
            return
        sys.stdout.flush()
        sys.stderr.flush()
        kept = _Kept(self._handlers, {self._descriptor})
        gc.collect()
        gc.freeze()  # or the first collection in each environment would copy nearly all of the memory that they share
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # threads end here: the documentation says so
            pid = os.fork()
        if pid:
            os.waitpid(pid, 0)
            self._descriptor = -1
            return
        kept.threads |= {threading.get_native_id()}
        try:
            restored = snapshot_image.write(self._table, self._descriptor, self._base, archive, self._token)
        except (OSError, OverflowError):
            traceback.print_exc()
            os._exit(1)
        if not restored:
            os._exit(0)
        self._descriptor = -1
        self._adopt(json.loads(self._table.left()))
        kept.give_back()
        _renew_randomness(kept.threads)

    def _adopt(self, environment: "dict[str, str]") -> None:
        """The variables in which this environment differs from the template."""
        for name in self._given.keys() | environment.keys():
            value = environment.get(name)
            if value == self._given.get(name):
                continue
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    # --- An environment -----------------------------------------------------------------------------------------------

    def restore(self, descriptor: int, environment: Mapping[str, str]) -> None:
        """Become what is in the file. Does not return: ends the process where it cannot be."""
        try:
            if descriptor != snapshot_image.DESCRIPTOR:
                os.dup2(descriptor, snapshot_image.DESCRIPTOR, inheritable=False)
                os.close(descriptor)
            image = snapshot_image.Image(self._token)
            _unpack_tmp(snapshot_image.DESCRIPTOR, image.archive_place, image.archive_size)
            self._table.leave(json.dumps(dict(environment)).encode())
            image.become(self._table)
        except (
            snapshot_image.SnapshotUnusable,
            OSError,
            OverflowError,
            ValueError,
            KeyError,
            tarfile.TarError,
        ) as error:
            print("the snapshot could not be restored: {}".format(error), file=sys.stderr, flush=True)
        os._exit(NOT_RESTORED)


def snapshots() -> Optional[Snapshots]:
    """In the zygote. None on a machine where processes cannot be restored."""
    table = syscall_table()
    return Snapshots(table) if table is not None else None


class _Kept:
    """What the kernel knows of a process beside its memory."""

    def __init__(self, handlers: "dict[int, bytes]", own: "set[int]") -> None:
        """`handlers`: of signals, as every process begins. `own`: descriptors that are not the function's."""
        self.threads = {threading.get_native_id()}
        """The template's number, and that of its child that is written down."""
        self._descriptors = snapshot_descriptors.opened(1, own)
        self._directory = os.getcwd()
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
        self._umask = os.umask(0o077)
        os.umask(self._umask)
        self._handlers = {number: one for number, one in _handlers().items() if one != handlers[number]}
        self._stack = ctypes.create_string_buffer(_STACK)
        _LIBC.sigaltstack(None, self._stack)

    def give_back(self) -> None:
        """In the restored process."""
        self._correct_thread_number()
        for number, handler in self._handlers.items():
            _LIBC.sigaction(number, ctypes.create_string_buffer(handler, _SIGACTION), None)
        _LIBC.sigaltstack(self._stack, None)
        snapshot_descriptors.reopen(self._descriptors, 1)
        os.umask(self._umask)
        os.chdir(self._directory)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def _correct_thread_number(self) -> None:
        place = ctypes.c_int.from_address(threading.get_ident() + _TID[os.uname().machine])
        if place.value in self.threads:
            place.value = threading.get_native_id()
        tell = getattr(threading.main_thread(), "_set_native_id", None)
        if tell is not None:
            tell()


def _handlers() -> "dict[int, bytes]":
    buffer = ctypes.create_string_buffer(_SIGACTION)
    found = {}
    for number in _SIGNALS:
        _LIBC.sigaction(number, None, buffer)
        found[number] = buffer.raw
    return found


def _renew_randomness(numbers: "set[int]") -> None:
    """Nothing that two environments draw may be the same. What asks the kernel each time needs nothing.

    OpenSSL's generator starts anew in a process with another number than the one that used it: where that cannot tell
    it (`numbers`: the template's), it is told.
    """
    random.seed()
    ssl = sys.modules.get("ssl")
    if ssl is not None and os.getpid() in numbers:
        ssl.RAND_add(os.urandom(64), 64.0)
    tempfile._name_sequence = None  # type: ignore[attr-defined]


def _pack_tmp(descriptor: int) -> int:
    """What initialisation has left in /tmp, behind the file's first page; how many bytes that takes."""
    if not os.listdir("/tmp"):
        return 0
    os.lseek(descriptor, PAGE, os.SEEK_SET)
    file = io.FileIO(descriptor, "w", closefd=False)
    with tarfile.open(fileobj=file, mode="w|") as archive:
        for name in sorted(os.listdir("/tmp")):
            archive.add("/tmp/" + name, name)
    return file.tell() - PAGE


def _unpack_tmp(descriptor: int, place: int, size: int) -> None:
    if not size or os.listdir("/tmp"):  # after a reset it is as the function has left it
        return
    with tarfile.open(fileobj=_Part(descriptor, place, size), mode="r|") as archive:  # type: ignore[call-overload]
        archive.extraction_filter = _as_it_was
        archive.extractall("/tmp")


class _Part:
    """Some bytes of a file, read in order. The file's own offset stays: every environment that is restored now shares it."""

    def __init__(self, descriptor: int, place: int, size: int) -> None:
        self._descriptor = descriptor
        self._place = place
        self._end = place + size

    def read(self, size: int) -> bytes:
        piece = os.pread(self._descriptor, min(size, self._end - self._place), self._place)
        self._place += len(piece)
        return piece


def _as_it_was(member: tarfile.TarInfo, _: str) -> tarfile.TarInfo:
    """This process has no right to anything that the archive could do wrong; its user owns it all."""
    return member
