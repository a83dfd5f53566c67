"""What a process's memory is made of, and which of its pages hold something: /proc/self/maps, /proc/self/pagemap. proc(5)."""

import mmap
import os
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

PAGE = mmap.PAGESIZE
_CHUNK = 65536
"""Entries of the page map read at once."""
_ENTRY = struct.Struct("=Q")
_PRESENT = 3 << 62
"""In memory, or swapped out."""
_OF_A_FILE = 1 << 61
"""Not this process's own copy."""
_KERNELS = ("[vdso]", "[vvar]", "[vvar_vclock]", "[vsyscall]", "[uprobes]")
"""Made by the kernel for every process, where they are for good."""


class Region(NamedTuple):
    line: str
    """As it is listed."""
    start: int
    end: int
    permissions: str
    """As in the list: `rwxp`, with `-` for what is not allowed and `s` for shared."""
    offset: int
    device: str
    inode: int
    path: str

    @property
    def size(self) -> int:
        return self.end - self.start

    @property
    def protection(self) -> int:
        """As mmap(2) takes it."""
        known = (("r", mmap.PROT_READ), ("w", mmap.PROT_WRITE), ("x", mmap.PROT_EXEC))
        return sum(flag for letter, flag in known if letter in self.permissions)

    @property
    def shared(self) -> bool:
        return self.permissions[3] == "s"

    @property
    def unchanging(self) -> bool:
        """A file's, and may not be written: code, and what is constant."""
        return bool(self.inode) and not self.shared and "w" not in self.permissions


def lines() -> "list[str]":
    """The list of this process's memory."""
    descriptor = os.open("/proc/self/maps", os.O_RDONLY)
    try:
        parts = []
        while data := os.read(descriptor, 1 << 16):
            parts.append(data)
    finally:
        os.close(descriptor)
    return b"".join(parts).decode().splitlines()


def regions(listed: "Iterable[str]") -> "list[Region]":
    """But for the kernel's own."""
    found = []
    for line in listed:
        fields = line.split(None, 5)
        path = fields[5] if len(fields) > 5 else ""
        if path not in _KERNELS:
            start, _, end = fields[0].partition("-")
            numbers = int(start, 16), int(end, 16), fields[1], int(fields[2], 16), fields[3], int(fields[4])
            found.append(Region(line, *numbers, path))
    return found


def without(found: "list[Region]", start: int, end: int) -> "list[Region]":
    return [region for region in found if region.end <= start or region.start >= end]


def pages(region: Region, own_only: bool) -> "Iterator[tuple[int, int]]":
    """(start, end) of what it holds, in order; with `own_only` without pages that are a file's."""
    wanted, unwanted = _PRESENT, _OF_A_FILE if own_only else 0
    begun = None
    descriptor = os.open("/proc/self/pagemap", os.O_RDONLY)
    try:
        address = region.start
        while address < region.end:
            count = min((region.end - address) // PAGE, _CHUNK)
            data = os.pread(descriptor, count * 8, address // PAGE * 8)
            if not data or data.count(0) == len(data):
                if begun is not None:
                    yield begun, address
                    begun = None
                address += count * PAGE
                continue
            for (entry,) in _ENTRY.iter_unpack(data):
                holds = entry & wanted and not entry & unwanted
                if holds and begun is None:
                    begun = address
                elif not holds and begun is not None:
                    yield begun, address
                    begun = None
                address += PAGE
    finally:
        os.close(descriptor)
    if begun is not None:
        yield begun, region.end


def joined(runs: "Iterator[tuple[int, int]]", gap: int) -> "list[tuple[int, int]]":
    """With those that are at most `gap` bytes apart made one."""
    found: list[tuple[int, int]] = []
    for start, end in runs:
        if found and start - found[-1][1] <= gap:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def is_file(region: Region) -> bool:
    """Can what is mapped be opened again by its path?"""
    try:
        status = os.stat(region.path)
    except OSError:
        return False
    device = "{:02x}:{:02x}".format(os.major(status.st_dev), os.minor(status.st_dev))
    return (device, status.st_ino) == (region.device, region.inode)
