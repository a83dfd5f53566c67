"""Many system calls in a row with no other instruction of the process between them, and a way to come back twice.

A snapshot has to be written by the process that it is of, and is restored by a process that replaces its own memory: neither
may run Python, or use its stack, meanwhile. So both run a table of prepared system calls, in a page of machine code that is
the same in all processes of a zygote (it is mapped before any fork) and that no snapshot holds.

`run` saves the registers that a function must keep, then makes the calls. `resume` makes the calls and then takes such saved
registers as its own: to the memory that the calls have brought, it looks like `run` returning a second time.
"""

import ctypes
import mmap
import os
import struct
from collections.abc import Iterable
from typing import Optional

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.mmap.restype = ctypes.c_void_p
_LIBC.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long)
_LIBC.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)

PAGE = mmap.PAGESIZE
_REGISTERS = 256
"""Bytes kept for them."""
_DATA = 256 * 1024
"""Bytes that a restored process finds as the one before it left them: its environment."""
_ROW = struct.Struct("=8q")
"""The number, six arguments, and place for the result."""
_ROWS = 16000
_END = -1
_FAILED = 71
"""The exit status of a process that could not become another."""

# Both, with (registers, table, resuming) as arguments: unless resuming, save the registers that a call preserves, the stack
# pointer and the floating-point modes; then for each row load the number and the arguments, make the call, store its result,
# and stop at an error (resuming: exit with status 71; else the answer is -1) or at a negative number; then load the
# registers, and return `resuming`.
_CODE = {
    "x86_64": (
        "85d2752248891f48896f084c8967104c896f184c8977204c897f28488967300fae5f38d97f3c4989fc4189d54889f3488b034885c07841"
        "488b7b08488b7310488b53184c8b53204c8b43284c8b4b300f05488943384883c340483d00f0ffff76ce4585ed740cbf47000000b8e700"
        "00000f0541bdffffffff4489e8498b1c24498b6c24084d8b6c24184d8b7424204d8b7c2428498b642430410fae54243841d96c243c4d8b"
        "642410c3"
    ),
    "aarch64": (
        "e2010035135000a9155801a9176002a9196803a91b7004a91d7805a9e9030091093000f908a4066d0aac076d0cb4086d0ebc096d09443b"
        "d5095400f9f30300aaf403022af50301aaa80240f9c801f8b7a08640a9a28e41a9a49642a9010000d4a01e00f9b50201911ffc3fb1e3fe"
        "ff5494000034e00880d2c80b80d2010000d414008012e003142ae90313aa335140a9355941a9376142a9396943a93b7144a93d7945a92a"
        "3140f95f01009128a5466d2aad476d2cb5486d2ebd496d2a5540f90a441bd5c0035fd6"
    ),
}
CALLS = {
    "x86_64": {"close": 3, "mmap": 9, "mprotect": 10, "munmap": 11, "brk": 12, "pread": 17, "pwrite": 18},
    "aarch64": {"close": 57, "mmap": 222, "mprotect": 226, "munmap": 215, "brk": 214, "pread": 67, "pwrite": 68},
}
"""By machine and name."""

Call = tuple[int, ...]
"""A number and up to six arguments."""


class SyscallTable:
    """Made in a zygote: its memory is at the same place in every process forked from it."""

    def __init__(self, code: bytes, numbers: "dict[str, int]") -> None:
        self.numbers = numbers
        rows = -(-_ROWS * _ROW.size // PAGE) * PAGE
        size = PAGE + PAGE + _DATA + rows
        # Between pages that nobody may touch, or the kernel would join it to a neighbour, and it could not be told apart.
        outer = _LIBC.mmap(None, size + 2 * PAGE, 0, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
        if outer is None or outer == ctypes.c_void_p(-1).value:
            raise OSError(ctypes.get_errno(), "mmap")
        self.start, self.end = outer + PAGE, outer + PAGE + size
        self._protect(self.start, size, mmap.PROT_READ | mmap.PROT_WRITE)
        ctypes.memmove(self.start, code, len(code))
        self._protect(self.start, PAGE, mmap.PROT_READ | mmap.PROT_EXEC)
        self._registers = self.start + PAGE
        self._data = self._registers + PAGE
        self._rows = self._data + _DATA
        # Not CDLL: the interpreter's lock is kept, and nothing is done around the call.
        self._run = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)(self.start)

    def _protect(self, start: int, size: int, protection: int) -> None:
        if _LIBC.mprotect(start, size, protection) != 0:
            raise OSError(ctypes.get_errno(), "mprotect")

    def fill(self, packed: bytes) -> None:
        """What `pack` gave, or several of that joined. Raises OverflowError when there are too many."""
        if len(packed) >= _ROWS * _ROW.size:
            raise OverflowError("{} system calls do not fit into the table".format(len(packed) // _ROW.size))
        ctypes.memmove(self._rows, packed + _ROW.pack(_END, *(0,) * 7), len(packed) + _ROW.size)

    def results(self, count: int) -> "list[int]":
        return [row[7] for row in _ROW.iter_unpack(ctypes.string_at(self._rows, count * _ROW.size))]

    def run(self) -> int:
        """0 when all calls went well, -1 when one did not; 1 in a process that has come here by `resume`."""
        return int(self._run(self._registers, self._rows, 0))

    def resume(self, registers: bytes) -> None:
        """Does not return."""
        ctypes.memmove(self._registers, registers, len(registers))
        self._run(self._registers, self._rows, 1)

    @property
    def registers(self) -> bytes:
        return ctypes.string_at(self._registers, _REGISTERS)

    def leave(self, data: bytes) -> None:
        """For the process that this one becomes. Raises OverflowError."""
        if len(data) + 8 > _DATA:
            raise OverflowError("{} bytes are too many to be left".format(len(data)))
        ctypes.memmove(self._data, len(data).to_bytes(8, "little") + data, len(data) + 8)

    def left(self) -> bytes:
        return ctypes.string_at(self._data + 8, int.from_bytes(ctypes.string_at(self._data, 8), "little"))


def pack(calls: "Iterable[Call]") -> bytes:
    """Rows of the table."""
    return b"".join(_ROW.pack(*call, *(0,) * (8 - len(call))) for call in calls)


def syscall_table() -> Optional[SyscallTable]:
    """None on a machine whose code is not known here."""
    machine = os.uname().machine
    if machine not in _CODE:
        return None
    return SyscallTable(bytes.fromhex(_CODE[machine]), CALLS[machine])
