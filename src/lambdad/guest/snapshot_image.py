"""The memory of a process as a file, and how another process of the same zygote takes it as its own.

The file: a page that says where everything is, an archive of /tmp, the memory that holds something, and a JSON document with
the calls that map it back (made here, so that the process that restores has little to decide):

    registers   what `SyscallTable.resume` wants
    break       where the heap ends (brk(2))
    kept        regions that both processes have anyway: the interpreter's code
    files       [path, start, size, protection, offset, shared]: mapped from the same file again
    calls       [name, arguments…], in which -2 stands for the snapshot's descriptor

Everything is done through `syscall_table.py`, which says why.
"""

import ctypes
import json
import mmap
import os
import struct
from typing import Any

from lambdad.guest.memory_map import Region, is_file, joined, pages, regions, without
from lambdad.guest.syscall_table import PAGE, Call, SyscallTable

_HEAD = struct.Struct("=8sQQQQ")
_MAGIC = b"lambdad1"
_IMAGE = -2
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

    def __init__(self, present: "list[Region]", base: "set[Region]", place: int) -> None:
        self.present = present
        self.kept: list[Region] = []
        self.files: list[list[Any]] = []
        self.calls: list[list[Any]] = []
        self.written: list[tuple[int, int, int]] = []  # address, size, place in the file
        self._place = place
        for region in present:
            if region.unchanging and region in base:
                self.kept.append(region)
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
            self.calls.append(["mmap", region.start, region.size, _READ_WRITE, kind | _NOWHERE, -1, 0])
            self._read(self._runs(region))
            if region.protection != _READ_WRITE:
                self.calls.append(["mprotect", region.start, region.size, region.protection])
        else:
            runs = self._runs(region)
            if runs != [(region.start, region.end)]:
                self.calls.append(["mmap", region.start, region.size, region.protection, _PRIVATE | _NOWHERE, -1, 0])
            for start, end in runs:
                place = self._write(start, end)
                self.calls.append(["mmap", start, end - start, region.protection, _PRIVATE, _IMAGE, place])

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
                self.calls.append(["pread", _IMAGE, start + begin, size, place + begin])

    def _write(self, start: int, end: int) -> int:
        place = self._place
        self._place += end - start
        for begin in range(0, end - start, _MOST):
            self.written.append((start + begin, min(end - start - begin, _MOST), place + begin))
        return place

    @property
    def end(self) -> int:
        return self._place


def unchanging_regions() -> "set[Region]":
    """What a process has before it has done anything of its own."""
    return {region for region in regions() if region.unchanging}


def write(table: SyscallTable, descriptor: int, base: "set[Region]", archive: int, token: str) -> bool:
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
        calls: list[Call] = [(number, descriptor, *written) for written in plan.written]
        table.fill(calls)
        came_back = table.run()
        if came_back > 0:
            return True
        results = table.results(len(calls))
        if came_back < 0 or results != [size for _, size, _ in plan.written]:
            failed = min(results)
            raise OSError(-failed, "the memory could not be written")
        if _plan(table, base, place) == plan:
            document = {
                "token": token,
                "registers": table.registers.hex(),
                "break": _break(),
                "kept": plan.kept,
                "files": plan.files,
                "calls": plan.calls,
            }
            data = json.dumps(document).encode()
            os.pwrite(descriptor, data, plan.end)
            os.pwrite(descriptor, _HEAD.pack(_MAGIC, plan.end, len(data), PAGE, archive), 0)
            return False
    raise OSError(0, "the memory does not come to rest")


def _plan(table: SyscallTable, base: "set[Region]", place: int) -> _Plan:
    return _Plan(without(regions(), table.start, table.end), base, place)


def _rest(region: Region, mapped: "list[tuple[int, int]]") -> "list[tuple[int, int]]":
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

    def __init__(self, descriptor: int, token: str) -> None:
        head = os.pread(descriptor, _HEAD.size, 0)
        if len(head) < _HEAD.size or head[:8] != _MAGIC:
            raise SnapshotUnusable("it was not written to its end")
        _, place, size, self.archive_place, self.archive_size = _HEAD.unpack(head)
        self._descriptor = descriptor
        self._document = json.loads(os.pread(descriptor, size, place))
        if self._document["token"] != token:
            raise SnapshotUnusable("it is another zygote's")

    def become(self, table: SyscallTable) -> None:
        """Does not return."""
        document, numbers = self._document, table.numbers
        wanted = {Region(*fields) for fields in document["kept"]}
        present = without(regions(), table.start, table.end)
        missing = wanted.difference(present)
        if missing:
            raise SnapshotUnusable("this process lacks {}".format(sorted(missing)[0]))
        calls: list[Call] = [(numbers["brk"], document["break"])]
        # What is replaced is never missing in between: the kernel writes to where the thread is described (rseq(2)) whenever
        # it takes the processor away, and ends a process that has no memory there.
        mapped = [(start, size) for _, start, size, *_ in document["files"]]
        mapped += [(call[1], call[2]) for call in document["calls"] if call[0] == "mmap"]
        mapped.sort()
        for region in present:
            if region not in wanted and region.path != "[stack]":
                calls += [(numbers["munmap"], start, end - start) for start, end in _rest(region, mapped)]
        opened = []
        for path, start, size, protection, offset, shared in document["files"]:
            writable = shared and protection & mmap.PROT_WRITE
            opened.append(os.open(path, (os.O_RDWR if writable else os.O_RDONLY) | os.O_CLOEXEC))
            kind = _SHARED if shared else _PRIVATE
            calls.append((numbers["mmap"], start, size, protection, kind, opened[-1], offset))
        for name, *arguments in document["calls"]:
            calls.append(
                (numbers[name], *(self._descriptor if argument == _IMAGE else argument for argument in arguments))
            )
        # Nothing that runs afterwards may have the snapshot's descriptor.
        calls += [(numbers["close"], descriptor) for descriptor in (*opened, self._descriptor)]
        table.fill(calls)
        table.resume(bytes.fromhex(document["registers"]))
