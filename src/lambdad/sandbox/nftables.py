"""Packet filter rules by netlink, as `nft` would make them. wiki.nftables.org; linux/netfilter/nf_tables.h.

A `Table` belongs to the process that made it: when that ends, however it ends, the kernel removes it (since Linux 5.12;
before, the next server removes what it finds under its name).
"""

import errno
import socket
import struct
from enum import IntEnum
from ipaddress import IPv4Address

from lambdad.sandbox.netlink import (
    ACK,
    APPEND,
    CREATE,
    NETFILTER,
    Netlink,
    NetlinkError,
    attribute,
    message,
    nested,
    text,
)

_SUBSYSTEM = 10
_BATCH_BEGIN, _BATCH_END = 16, 17
_NEW_TABLE, _DELETE_TABLE, _NEW_CHAIN, _NEW_RULE = 0, 2, 3, 6
_OWNER = 2
_REGISTER = 1
_TCP = 6
_ADMINISTRATIVELY_PROHIBITED = 13


class Hook(IntEnum):
    INPUT = 1
    FORWARD = 2
    POSTROUTING = 4


def _number(kind: int, value: int) -> bytes:
    """Of 32 bits; this part of the kernel wants network order."""
    return attribute(kind, struct.pack(">i", value))


def _expression(name: str, *attributes: bytes) -> bytes:
    return nested(1, text(1, name), nested(2, *attributes))


def _equals(value: bytes) -> bytes:
    return _expression("cmp", _number(1, _REGISTER), _number(2, 0), nested(3, attribute(1, value)))


def _meta(key: int) -> bytes:
    return _expression("meta", _number(1, _REGISTER), _number(2, key))


def from_interface(name: str) -> bytes:
    return _meta(6) + _equals(name.encode().ljust(16, b"\0"))


def to_interface(name: str) -> bytes:
    return _meta(7) + _equals(name.encode().ljust(16, b"\0"))


def from_address(address: IPv4Address) -> bytes:
    load = _expression("payload", _number(1, _REGISTER), _number(2, 1), _number(3, 12), _number(4, 4))
    return load + _equals(address.packed)


def is_tcp() -> bytes:
    return _meta(16) + _equals(bytes([_TCP]))


def masquerade() -> bytes:
    return _expression("masq")


def reset() -> bytes:
    """Refuse a TCP connection as a host without such a port does."""
    return _expression("reject", _number(1, 1), attribute(2, b"\0"))


def prohibited() -> bytes:
    return _expression("reject", _number(1, 0), attribute(2, bytes([_ADMINISTRATIVELY_PROHIBITED])))


def drop() -> bytes:
    return _expression("immediate", _number(1, 0), nested(2, nested(2, _number(1, 0))))


class Table:
    """An IPv4 table of rules in the namespace of the calling thread, put in place whole, or not at all."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._chains: list[bytes] = []
        self._rules: list[bytes] = []
        self._netlink = Netlink(NETFILTER)

    def chain(self, name: str, hook: Hook, kind: str = "filter", priority: int = 0) -> None:
        """Of `kind` filter or nat; lower priorities go first."""
        where = nested(4, _number(1, hook), _number(2, priority))
        body = text(1, self._name) + text(3, name) + where + text(7, kind)
        self._chains.append(_message(_NEW_CHAIN, ACK | CREATE, body))

    def rule(self, chain: str, *expressions: bytes) -> None:
        body = text(1, self._name) + text(2, chain) + nested(4, *expressions)
        self._rules.append(_message(_NEW_RULE, ACK | CREATE | APPEND, body))

    def install(self) -> None:
        """Replaces a table of this name. Raises NetlinkError where the kernel cannot do what a rule wants."""
        self._delete()
        try:
            self._create(_OWNER)
        except NetlinkError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise
            self._create(0)

    def _create(self, flags: int) -> None:
        table = _message(_NEW_TABLE, ACK | CREATE, text(1, self._name) + _number(2, flags))
        self._batch(table, *self._chains, *self._rules)

    def _delete(self) -> None:
        try:
            self._batch(_message(_DELETE_TABLE, ACK, text(1, self._name)))
        except NetlinkError as error:
            if error.errno != errno.ENOENT:
                raise

    def _batch(self, *messages: bytes) -> None:
        begin, end = (message(kind, 0, struct.pack(">BBH", 0, 0, _SUBSYSTEM)) for kind in (_BATCH_BEGIN, _BATCH_END))
        self._netlink.run(begin, *messages, end)

    def close(self) -> None:
        """Remove it."""
        try:
            self._delete()
        finally:
            self._netlink.close()


def _message(kind: int, flags: int, body: bytes) -> bytes:
    return message(_SUBSYSTEM << 8 | kind, flags, struct.pack(">BBH", socket.AF_INET, 0, 0) + body)
