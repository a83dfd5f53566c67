"""The system call filter, from `seccomp.json` to BPF. seccomp(2), bpf(4).

What is listed is refused; what this kernel may have and the list does not know of is absent (ENOSYS). Calls whose arguments
decide (clone, socket, ioctl, personality) are looked at closer.

The numbers are found by halving, not one after the other: the kernel runs the filter once for every number when it is
installed, and for the calls with arguments each time.
"""

import errno
import json
import platform
import struct
from itertools import pairwise
from pathlib import Path
from typing import Any

_LOAD, _JUMP_EQUAL, _JUMP_ABOVE, _JUMP_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCHITECTURE, _FIRST, _SECOND, _THIRD = 0, 4, 16, 24, 32
"""Where in struct seccomp_data they are; of the arguments the lower half, which is all that the kernel takes of these."""
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_NAMESPACES = 0x7E020000
"""Every CLONE_NEW… flag."""

Instruction = tuple[int, int, int, int]
"""Operation, instructions to skip if it holds, if not, operand."""
Block = list[Instruction]
"""Ends with a verdict."""


def compile_filter(machine: str = "") -> bytes:
    """BPF for this machine's architecture. Raises KeyError on one that the list does not know."""
    column, architecture = _ARCHITECTURES[machine or platform.machine()]
    rules = json.loads(Path(__file__).with_suffix(".json").read_text())
    blocks = _blocks(rules, column)
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, architecture),
        *_verdict(_KILL),
        (_LOAD, 0, 0, _NUMBER),
        *_search(_ranges(blocks, rules["last"])),
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def _blocks(rules: dict[str, Any], column: int) -> dict[int, Block]:
    """System call number → what to do; the others are allowed."""
    blocks = {numbers[column]: _refuse(errno.EPERM) for numbers in rules["denied"].values()}
    blocks |= {numbers[column]: _refuse(errno.ENOSYS) for numbers in rules["absent"].values()}
    blocks.pop(None, None)
    blocks[rules["clone"][column]] = [
        (_LOAD, 0, 0, _FIRST),
        (_JUMP_SET, 0, 1, _NAMESPACES),
        *_refuse(errno.EPERM),
        *_verdict(_ALLOW),
    ]
    netlink = _one_of(_THIRD, rules["netlink_protocols"], errno.EPROTONOSUPPORT)
    blocks[rules["socket"][column]] = [
        (_LOAD, 0, 0, _FIRST),
        (_JUMP_EQUAL, 0, len(netlink), rules["netlink"]),
        *netlink,
        *_one_of(_FIRST, rules["socket_families"], errno.EAFNOSUPPORT),
    ]
    blocks[rules["socketpair"][column]] = _one_of(_FIRST, rules["socketpair_families"], errno.EAFNOSUPPORT)
    blocks[rules["personality"][column]] = _one_of(_FIRST, rules["personality_allowed"], errno.EPERM)
    blocks[rules["ioctl"][column]] = _none_of(_SECOND, rules["ioctl_denied"], errno.EPERM)
    return blocks


def _verdict(action: int) -> Block:
    return [(_RETURN, 0, 0, action)]


def _refuse(error: int) -> Block:
    return _verdict(_ERROR | error)


def _one_of(argument: int, allowed: list[int], error: int) -> Block:
    tests = [step for value in allowed for step in ((_JUMP_EQUAL, 0, 1, value), *_verdict(_ALLOW))]
    return [(_LOAD, 0, 0, argument), *tests, *_refuse(error)]


def _none_of(argument: int, denied: list[int], error: int) -> Block:
    tests = [step for value in denied for step in ((_JUMP_EQUAL, 0, 1, value), *_refuse(error))]
    return [(_LOAD, 0, 0, argument), *tests, *_verdict(_ALLOW)]


def _ranges(blocks: dict[int, Block], last: int) -> list[tuple[int, Block]]:
    """From each number on, this block; neighbours with the same one are one range."""
    bounds = sorted({0, last + 1, *blocks, *(number + 1 for number in blocks if number < last)})
    found = [
        (bound, _refuse(errno.ENOSYS) if bound > last else blocks.get(bound, _verdict(_ALLOW))) for bound in bounds
    ]
    return found[:1] + [later for before, later in pairwise(found) if later[1] != before[1]]


def _search(ranges: list[tuple[int, Block]]) -> Block:
    if len(ranges) == 1:
        return ranges[0][1]
    middle = len(ranges) // 2
    below, above = _search(ranges[:middle]), _search(ranges[middle:])
    assert len(below) < 256, "too far for one jump"
    return [(_JUMP_ABOVE, len(below), 0, ranges[middle][0]), *below, *above]
