"""Descriptors that initialisation has opened, and their like in a restored process. proc_pid_fdinfo(5).

None is shared between environments: files are opened again at the same place, pipes, pairs of sockets, event and epoll
descriptors are made anew and empty, other sockets are there but not connected, as if their peer were long gone. What cannot
be had again reads as empty (/dev/null), so that its number is not given to something else.
"""

import fcntl
import os
import select
import socket
import stat
from typing import Any, NamedTuple, Optional

_HIGH = 600
"""From here on nobody needs a number."""
_STATUS = os.O_APPEND | os.O_NONBLOCK
_NOT_AGAIN = os.O_CREAT | os.O_EXCL | os.O_TRUNC


class Descriptor(NamedTuple):
    number: int
    kind: str
    """output | file | socket | pair | pipe | event | epoll | other"""
    flags: int
    """O_…, as it was opened."""
    detail: Any


def opened(output: int, own: "set[int]") -> "list[Descriptor]":
    """What is open but for the standard streams and `own`. It breaks connections: of a process that will not need them.

    `output`: whatever writes to the same is the environment's log.
    """
    target = os.readlink("/proc/self/fd/{}".format(output))
    numbers = sorted(int(name) for name in os.listdir("/proc/self/fd"))
    found = []
    unconnected: dict[int, socket.socket] = {}
    for number in numbers:
        if number > 2 and number not in own:
            described = _describe(number, target, unconnected)
            if described is not None:
                found.append(described)
    return _paired(found, unconnected)


def _describe(number: int, output: str, unconnected: "dict[int, socket.socket]") -> Optional[Descriptor]:
    try:
        target = os.readlink("/proc/self/fd/{}".format(number))
        with open("/proc/self/fdinfo/{}".format(number)) as file:
            lines = file.read().splitlines()
    except OSError:
        return None  # that of the list itself
    facts = dict(line.split(":", 1) for line in lines if ":" in line)
    flags = int(facts["flags"], 8)
    if target == output:
        return Descriptor(number, "output", flags, None)
    if target.startswith("pipe:"):
        return Descriptor(number, "pipe", flags, target)
    if target == "anon_inode:[eventfd]":
        return Descriptor(number, "event", flags, int(facts.get("eventfd-count", "0"), 16))
    if target == "anon_inode:[eventpoll]":
        watched = [line.split() for line in lines if line.startswith("tfd:")]
        return Descriptor(number, "epoll", flags, [(int(words[1]), int(words[3], 16)) for words in watched])
    if target.startswith("socket:"):
        one = socket.socket(fileno=os.dup(number))
        if one.family == socket.AF_UNIX:
            unconnected[number] = one
        return Descriptor(number, "socket", flags, (int(one.family), int(one.type), one.proto))
    if target.startswith("/") and _is_there(target, number):
        return Descriptor(number, "file", flags, (target, int(facts["pos"])))
    return Descriptor(number, "other", flags, None)


def _is_there(path: str, number: int) -> bool:
    try:
        status = os.stat(path)
        return os.path.samestat(status, os.fstat(number)) and not stat.S_ISFIFO(status.st_mode)
    except OSError:
        return False


def _paired(found: "list[Descriptor]", sockets: "dict[int, socket.socket]") -> "list[Descriptor]":
    """The kernel does not say whose peer a socket is: but when one is closed for writing, its peer hears of it."""
    peers: dict[int, int] = {}
    heard: set[int] = set()
    for number, one in sockets.items():
        if number in peers:
            continue
        try:
            one.shutdown(socket.SHUT_WR)
        except OSError:
            continue
        poll = select.poll()
        for other, its in sockets.items():
            if other != number and other not in heard:
                poll.register(its.fileno(), select.POLLRDHUP)
        names = {its.fileno(): other for other, its in sockets.items()}
        for fd, _ in poll.poll(0):
            peers[number], peers[names[fd]] = names[fd], number
            heard |= {number, names[fd]}
    return [
        one._replace(kind="pair", detail=(one.detail, peers[one.number])) if one.number in peers else one
        for one in found
    ]


def reopen(wanted: "list[Descriptor]", output: int) -> None:
    """In the restored process."""
    made: dict[int, int] = {}
    pipes: dict[tuple[str, bool], int] = {}
    for one in wanted:
        if one.number not in made:
            made.update(_like(one, output, pipes))
    for one in wanted:
        os.dup2(made[one.number], one.number, inheritable=not one.flags & os.O_CLOEXEC)
    for one in wanted:
        if one.kind == "epoll":
            _watch(one)
        elif one.flags & _STATUS and one.kind not in ("output", "other"):
            fcntl.fcntl(one.number, fcntl.F_SETFL, one.flags & _STATUS)
    for fd in set(made.values()) | set(pipes.values()):
        os.close(fd)


def _like(one: Descriptor, output: int, pipes: "dict[tuple[str, bool], int]") -> "dict[int, int]":
    """Its number (and its peer's), and what is to have it."""
    if one.kind == "output":
        return {one.number: _aside(os.dup(output))}
    if one.kind == "pair":
        (family, kind, _), peer = one.detail
        first, second = socket.socketpair(family, kind)
        return {one.number: _aside(first.detach()), peer: _aside(second.detach())}
    if one.kind == "pipe":
        writes = bool(one.flags & os.O_WRONLY)
        if (one.detail, writes) not in pipes:
            for end, fd in zip((False, True), os.pipe(), strict=True):
                pipes[one.detail, end] = _aside(fd)
        return {one.number: _aside(os.dup(pipes[one.detail, writes]))}
    if one.kind == "event" and hasattr(os, "eventfd"):
        return {one.number: _aside(os.eventfd(min(one.detail, 1 << 31)))}
    if one.kind == "epoll":
        with select.epoll() as poll:
            return {one.number: _aside(os.dup(poll.fileno()))}
    if one.kind == "socket":
        try:
            return {one.number: _aside(socket.socket(*one.detail).detach())}
        except OSError:
            pass
    if one.kind == "file":
        path, position = one.detail
        try:
            fd = os.open(path, one.flags & ~_NOT_AGAIN)
            if not one.flags & os.O_DIRECTORY and os.path.isfile(path):
                os.lseek(fd, position, os.SEEK_SET)
            return {one.number: _aside(fd)}
        except OSError:
            pass
    return {one.number: _aside(os.open(os.devnull, os.O_RDWR))}


def _aside(fd: int) -> int:
    """To a number that is not wanted by another."""
    moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _HIGH)
    os.close(fd)
    return moved


def _watch(one: Descriptor) -> None:
    with select.epoll.fromfd(os.dup(one.number)) as poll:
        for number, events in one.detail:
            try:
                poll.register(number, events)
            except OSError:
                continue  # what it watched is not there any more
