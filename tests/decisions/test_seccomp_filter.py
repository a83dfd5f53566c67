"""The system call filter, run instruction by instruction as the kernel would: every number, both architectures."""

import errno
import json
import struct
from pathlib import Path

import pytest

import lambdad.sandbox
from lambdad.sandbox.seccomp import compile_filter

RULES = json.loads((Path(lambdad.sandbox.__file__).parent / "seccomp.json").read_text())
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
COLUMNS = {"x86_64": 0, "aarch64": 1}
ALLOW, KILL = 0x7FFF0000, 0x80000000
AF_NETLINK, AF_ALG, AF_VSOCK, AF_PACKET = 16, 38, 40, 17
CLONE_THREAD, CLONE_NEWUSER = 0x3D0F00, 0x10000000
TIOCSTI, TCGETS = 0x5412, 0x5401

both = pytest.mark.parametrize("machine", ARCHITECTURES)


def run(machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    """The filter's verdict."""
    values = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("=iIQ6Q", number, architecture or ARCHITECTURES[machine], 0, *values)
    program = list(struct.iter_unpack("=HBBI", compile_filter(machine)))
    at = accumulator = 0
    for _ in range(len(program)):
        operation, if_true, if_false, operand = program[at]
        at += 1
        if operation == 0x06:
            return operand
        if operation == 0x20:
            accumulator = struct.unpack_from("=I", data, operand)[0]
        else:
            holds = {0x15: accumulator == operand, 0x35: accumulator >= operand, 0x45: bool(accumulator & operand)}
            at += if_true if holds[operation] else if_false
    raise AssertionError("no verdict")


def refused(error: int) -> int:
    return 0x00050000 | error


def name_of(rule: str, machine: str) -> int:
    return int(RULES[rule][COLUMNS[machine]])


@both
def test_every_number(machine: str) -> None:
    denied = {numbers[COLUMNS[machine]] for numbers in RULES["denied"].values()}
    absent = {numbers[COLUMNS[machine]] for numbers in RULES["absent"].values()}
    looked_at = {name_of(rule, machine) for rule in ("clone", "socket", "socketpair", "ioctl", "personality")}
    for number in set(range(700)) - looked_at:
        expected = ALLOW
        if number in denied:
            expected = refused(errno.EPERM)
        elif number in absent or number > RULES["last"]:
            expected = refused(errno.ENOSYS)
        assert run(machine, number) == expected, number


@both
def test_another_architecture_is_the_end(machine: str) -> None:
    assert run(machine, 0, architecture=0x40000003) == KILL  # i386: int 0x80 on x86_64


def test_the_x32_numbers_are_absent() -> None:
    assert run("x86_64", 0x40000000) == refused(errno.ENOSYS)
    assert run("x86_64", 0x40000000 + 101) == refused(errno.ENOSYS)


@both
def test_processes_and_threads_but_no_namespaces(machine: str) -> None:
    clone = name_of("clone", machine)
    assert run(machine, clone, 17) == ALLOW
    assert run(machine, clone, CLONE_THREAD) == ALLOW
    assert run(machine, clone, CLONE_NEWUSER | 17) == refused(errno.EPERM)


@both
@pytest.mark.parametrize(
    ("family", "protocol", "verdict"),
    [
        (1, 0, ALLOW),
        (2, 6, ALLOW),
        (10, 17, ALLOW),
        (AF_NETLINK, 0, ALLOW),
        (AF_NETLINK, 9, refused(errno.EPROTONOSUPPORT)),
        (AF_PACKET, 0, refused(errno.EAFNOSUPPORT)),
        (AF_ALG, 0, refused(errno.EAFNOSUPPORT)),
        (AF_VSOCK, 0, refused(errno.EAFNOSUPPORT)),
    ],
)
def test_socket_families(machine: str, family: int, protocol: int, verdict: int) -> None:
    assert run(machine, name_of("socket", machine), family, 1, protocol) == verdict


@both
def test_other_arguments(machine: str) -> None:
    assert run(machine, name_of("ioctl", machine), 0, TIOCSTI) == refused(errno.EPERM)
    assert run(machine, name_of("ioctl", machine), 0, TCGETS) == ALLOW
    assert run(machine, name_of("personality", machine), 0xFFFFFFFF) == ALLOW
    assert run(machine, name_of("personality", machine), 0x0040000) == refused(errno.EPERM)
    assert run(machine, name_of("socketpair", machine), 1) == ALLOW
    assert run(machine, name_of("socketpair", machine), 30) == refused(errno.EAFNOSUPPORT)
