"""The system call filter, from `seccomp.json` to BPF. seccomp(2), bpf(4).

What is listed is refused; what this kernel may have and the list does not know of is absent (ENOSYS). Calls whose arguments
decide (clone, socket, ioctl, personality) are looked at closer.
"""

import errno
import json
import platform
import struct
from dataclasses import dataclass, field
from pathlib import Path

_LOAD, _JEQ, _JGE, _JSET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCHITECTURE, _FIRST, _SECOND = 0, 4, 16, 24
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_X32 = 0x40000000
_NAMESPACES = 0x7E020000
"""Every CLONE_NEW… flag."""


@dataclass(slots=True)
class _Program:
    """Instructions; a jump is over the next `skip` instructions."""

    code: list[tuple[int, int, int, int]] = field(default_factory=list)

    def load(self, offset: int) -> None:
        self.code.append((_LOAD, 0, 0, offset))

    def give(self, action: int) -> None:
        self.code.append((_RETURN, 0, 0, action))

    def unless(self, test: int, value: int, skip: int) -> None:
        """Go on with the next instruction if the test holds, else skip some."""
        self.code.append((test, 0, skip, value))

    def pack(self) -> bytes:
        return b"".join(struct.pack("=HBBI", *instruction) for instruction in self.code)


def compile_filter(machine: str = "") -> bytes:
    """BPF for this machine's architecture. Raises KeyError on one that the list does not know."""
    column, architecture = _ARCHITECTURES[machine or platform.machine()]
    rules = json.loads(Path(__file__).with_suffix(".json").read_text())
    program = _Program()
    program.load(_ARCHITECTURE)
    program.code.append((_JEQ, 1, 0, architecture))
    program.give(_KILL)
    program.load(_NUMBER)
    if column == 0:
        program.unless(_JGE, _X32, 1)
        program.give(_ERROR | errno.ENOSYS)
    for numbers in rules["denied"].values():
        if numbers[column] is not None:
            program.unless(_JEQ, numbers[column], 1)
            program.give(_ERROR | errno.EPERM)
    for numbers in rules["absent"].values():
        program.unless(_JEQ, numbers[column], 1)
        program.give(_ERROR | errno.ENOSYS)
    _clone(program, rules["clone"][column])
    _one_of(program, rules["socket"][column], _FIRST, rules["socket_families"], errno.EAFNOSUPPORT)
    _one_of(program, rules["personality"][column], _FIRST, rules["personality_allowed"], errno.EPERM)
    _none_of(program, rules["ioctl"][column], _SECOND, rules["ioctl_denied"])
    program.unless(_JGE, rules["last"] + 1, 1)
    program.give(_ERROR | errno.ENOSYS)
    program.give(_ALLOW)
    return program.pack()


def _clone(program: _Program, number: int) -> None:
    """Threads and processes, but no new namespaces."""
    program.unless(_JEQ, number, 4)
    program.load(_FIRST)
    program.unless(_JSET, _NAMESPACES, 1)
    program.give(_ERROR | errno.EPERM)
    program.give(_ALLOW)


def _one_of(program: _Program, number: int, argument: int, allowed: list[int], error: int) -> None:
    program.unless(_JEQ, number, 2 + 2 * len(allowed))
    program.load(argument)
    for value in allowed:
        program.unless(_JEQ, value, 1)
        program.give(_ALLOW)
    program.give(_ERROR | error)


def _none_of(program: _Program, number: int, argument: int, denied: list[int]) -> None:
    program.unless(_JEQ, number, 2 + 2 * len(denied))
    program.load(argument)
    for value in denied:
        program.unless(_JEQ, value, 1)
        program.give(_ERROR | errno.EPERM)
    program.give(_ALLOW)
