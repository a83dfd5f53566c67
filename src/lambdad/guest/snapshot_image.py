"""The memory of a process as a file, and how another process of the same zygote takes it as its own.

The file: a page that says where everything is, an archive of /tmp, the memory that holds something, the calls that map it back
(packed for the table, made here so that the process that restores has little to do), and a JSON document:

    token       of the zygote
    registers   what `SyscallTable.resume` wants
    break       where the heap ends (brk(2))
    kept        regions, as they are listed, that both processes have anyway: the interpreter's code
    mapped      [start, size] of what the calls map
    files       [path, start, size, protection, offset, shared]: mapped from the same file again

Everything is done through `syscall_table.py`, which says why.
"""

import ctypes
import json
import mmap
import os
import struct
from collections.abc import Sequence
from typing import Any

from lambdad.guest.memory_map import Region, is_file, joined, lines, pages, regions, without
from lambdad.guest.syscall_table import PAGE, Call, SyscallTable, pack

_HEAD = struct.Struct("=8sQQQQQ")
_MAGIC = b"lambdad1"
DESCRIPTOR = 1002
"""A process that restores has the snapshot at this number."""
_TRIES = 20
_GAP = 16 * PAGE
"""Bytes of nothing that are written too rather than be a mapping of their own."""
_MOST = 1 << 30
"""Bytes of one call."""
_FIXED = 0x10
_NORESERVE = 0x4000
_PRIVATE, _SHARED, _NOWHERE = mmap.MAP_PRIVATE | _FIXED, mmap.MAP_SHARED | _FIXED, mmap.MAP_ANONYMOUS | _NORESERVE
_READ_WRITE = mmap.PROT_READ | mmap.PROT_WRITE


class SnapshotUnusable(Exception):
    """The text says why this process cannot be what is in the file."""


class _Plan:
    """What to write, and how it is mapped back. Equal plans are of a process that has not changed in between."""

    def __init__(self, present: "list[Region]", base: "set[str]", place: int, numbers: "dict[str, int]") -> None:
        self.present = present
        self.kept: list[str] = []
        self.files: list[list[Any]] = []
        self.calls: list[Call] = []
        self.mapped: list[tuple[int, int]] = []
        self.written: list[tuple[int, int, int]] = []  # address, size, place in the file
        self._place = place
        self._numbers = numbers
        for region in present:
            if region.unchanging and region.line in base:
                self.kept.append(region.line)
            else:
                self._add(region)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Plan) and (self.present, self.calls) == (other.present, other.calls)

    def __hash__(self) -> int:
        return id(self)

    def _add(self, region: Region) -> None:
        if self._is_to_be_mapped_from_its_file(region):
            self.files.append([region.path, region.start, region.size, region.protection, region.offset, region.shared])
        elif region.path == "[stack]":  # stays what it is, or it could not grow
            self._read(self._runs(region))
        elif region.shared or "x" in region.permissions:
            kind = _SHARED if region.shared else _PRIVATE
            self._map(region.start, region.size, _READ_WRITE, kind | _NOWHERE, -1, 0)
            self._read(self._runs(region))
            if region.protection != _READ_WRITE:
                self.calls.append((self._numbers["mprotect"], region.start, region.size, region.protection))
        else:
            runs = self._runs(region)
            if runs != [(region.start, region.end)]:
                self._map(region.start, region.size, region.protection, _PRIVATE | _NOWHERE, -1, 0)
            for start, end in runs:
                self._map(start, end - start, region.protection, _PRIVATE, DESCRIPTOR, self._write(start, end))

    def _map(self, start: int, size: int, protection: int, flags: int, descriptor: int, place: int) -> None:
        self.calls.append((self._numbers["mmap"], start, size, protection, flags, descriptor, place))
        self.mapped.append((start, size))

    def _is_to_be_mapped_from_its_file(self, region: Region) -> bool:
        if not region.inode or not (region.shared or region.unchanging) or not is_file(region):
            return False
        if region.shared:
            return True
        # The archive of /tmp gives its files other numbers; and what the linker has written must not be lost.
        return not region.path.startswith("/tmp/") and next(pages(region, own_only=True), None) is None

    def _runs(self, region: Region) -> "list[tuple[int, int]]":
        if "r" not in region.permissions:
            return []
        if region.inode and not region.shared:
            return [(region.start, region.end)]
        return joined(pages(region, own_only=False), _GAP)

    def _read(self, runs: "list[tuple[int, int]]") -> None:
        for start, end in runs:
            place = self._write(start, end)
            for begin in range(0, end - start, _MOST):
                size = min(end - start - begin, _MOST)
                self.calls.append((self._numbers["pread"], DESCRIPTOR, start + begin, size, place + begin))

    def _write(self, start: int, end: int) -> int:
        place = self._place
        self._place += end - start
        for begin in range(0, end - start, _MOST):
            self.written.append((start + begin, min(end - start - begin, _MOST), place + begin))
        return place

    @property
    def end(self) -> int:
        return self._place


def unchanging_regions() -> "set[str]":
    """What a process has before it has done anything of its own."""
    return {region.line for region in regions(lines()) if region.unchanging}


def write(table: SyscallTable, descriptor: int, base: "set[str]", archive: int, token: str) -> bool:
    """This process's memory into the file. True in those that are restored from it; False when it is written.

    `base`: `unchanging_regions()` of long ago; `archive`: bytes of the archive of /tmp, which are in the file already;
    `token`: what the zygote is known by. Raises OSError, OverflowError.

    What a plan is made of changes while it is made, and what is mapped or touched later would be missing: so it counts only
    if it is the same after the memory was written.
    """
    place = PAGE + -(-archive // PAGE) * PAGE
    number = table.numbers["pwrite"]
    for _ in range(_TRIES):
        plan = _plan(table, base, place)
        table.fill(pack((number, descriptor, *written) for written in plan.written))
        came_back = table.run()
        if came_back > 0:
            return True
        results = table.results(len(plan.written))
        if came_back < 0 or results != [size for _, size, _ in plan.written]:
            failed = min(results)
            raise OSError(-failed, "the memory could not be written")
        if _plan(table, base, place) == plan:
            document = {
                "token": token,
                "registers": table.registers.hex(),
                "break": _break(),
                "kept": plan.kept,
                "mapped": sorted([*plan.mapped, *((start, size) for _, start, size, *_ in plan.files)]),
                "files": plan.files,
            }
            calls, data = pack(plan.calls), json.dumps(document).encode()
            os.pwrite(descriptor, calls + data, plan.end)
            os.pwrite(descriptor, _HEAD.pack(_MAGIC, plan.end, len(calls), len(data), PAGE, archive), 0)
            return False
    raise OSError(0, "the memory does not come to rest")


def _plan(table: SyscallTable, base: "set[str]", place: int) -> _Plan:
    return _Plan(without(regions(lines()), table.start, table.end), base, place, table.numbers)


def _rest(region: Region, mapped: "Sequence[Sequence[int]]") -> "list[tuple[int, int]]":
    """(start, end) of what of it is not mapped anew. `mapped`: (start, size), in order."""
    rest, start = [], region.start
    for begin, size in mapped:
        if begin + size <= start:
            continue
        if begin >= region.end:
            break
        if begin > start:
            rest.append((start, begin))
        start = begin + size
    if start < region.end:
        rest.append((start, region.end))
    return rest


def _break() -> int:
    libc = ctypes.CDLL(None)
    libc.sbrk.restype = ctypes.c_void_p
    libc.sbrk.argtypes = (ctypes.c_long,)
    return int(libc.sbrk(0))


class Image:
    """A snapshot, as read. Raises SnapshotUnusable, OSError."""

    def __init__(self, token: str) -> None:
        head = os.pread(DESCRIPTOR, _HEAD.size, 0)
        if len(head) < _HEAD.size or head[:8] != _MAGIC:
            raise SnapshotUnusable("it was not written to its end")
        _, place, calls, size, self.archive_place, self.archive_size = _HEAD.unpack(head)
        data = os.pread(DESCRIPTOR, calls + size, place)
        self._calls, self._document = data[:calls], json.loads(data[calls:])
        if self._document["token"] != token:
            raise SnapshotUnusable("it is another zygote's")

    def become(self, table: SyscallTable) -> None:
        """Does not return."""
        document, numbers = self._document, table.numbers
        listed, wanted = set(lines()), set(document["kept"])
        missing = wanted - listed
        if missing:
            raise SnapshotUnusable("this process lacks {}".format(min(missing)))
        calls: list[Call] = [(numbers["brk"], document["break"])]
        # What is replaced is never missing in between: the kernel writes to where the thread is described (rseq(2)) whenever
        # it takes the processor away, and ends a process that has no memory there.
        for region in without(regions(listed - wanted), table.start, table.end):
            if region.path != "[stack]":
                rest = _rest(region, document["mapped"])
                calls += [(numbers["munmap"], start, end - start) for start, end in rest]
        opened = []
        for path, start, size, protection, offset, shared in document["files"]:
            writable = shared and protection & mmap.PROT_WRITE
            opened.append(os.open(path, (os.O_RDWR if writable else os.O_RDONLY) | os.O_CLOEXEC))
            calls.append(
                (numbers["mmap"], start, size, protection, _SHARED if shared else _PRIVATE, opened[-1], offset)
            )
        # Nothing that runs afterwards may have the snapshot's descriptor.
        ends = [(numbers["close"], descriptor) for descriptor in (*opened, DESCRIPTOR)]
        table.fill(pack(calls) + self._calls + pack(ends))
        table.resume(bytes.fromhex(document["registers"]))
