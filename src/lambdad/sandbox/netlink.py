"""Netlink, as much as the sandboxes' network needs: interfaces, addresses, routes, rules. rtnetlink(7), netlink(7).

A request is bytes made by the functions below; `Netlink.run` sends several in one system call and checks every answer.
The messages are few and fixed, so they are packed here: a general library costs a fifth of a second at every start.
A socket belongs to the network namespace it was made in, whoever uses it later.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

ROUTE = 0
NETFILTER = 12

REQUEST, ACK, DUMP, EXCLUSIVE, CREATE, APPEND = 1, 4, 0x300, 0x200, 0x400, 0x800
_NEW_LINK, _DELETE_LINK, _GET_LINK = 16, 17, 18
_NEW_ADDRESS, _DELETE_ADDRESS, _GET_ADDRESS = 20, 21, 22
_NEW_ROUTE, _GET_ROUTE, _NEW_RULE = 24, 26, 32

_ERROR, _DONE = 2, 3
_SOL_NETLINK, _CAP_ACK, _EXTENDED_ACK = 270, 10, 11
_MESSAGE_TEXT = 1
_HEADER = struct.Struct("=IHHII")
_NESTED = 0x8000
_IFF_UP, _IFF_NOARP = 1, 0x80
_HARDWARE_ADDRESS = bytes.fromhex("026c616d6264")
_PERMANENT_ADDRESS, _STATIC_ROUTE = 0x80, 4
_UNICAST, _PROHIBIT = 1, 8
_SECONDS = 10.0

MAIN_TABLE = 254


class NetlinkError(OSError):
    """The kernel refused a request; strerror says what it said."""


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", len(value) + 4, kind) + value + bytes(-len(value) % 4)


def nested(kind: int, *attributes: bytes) -> bytes:
    return attribute(kind | _NESTED, b"".join(attributes))


def text(kind: int, value: str) -> bytes:
    return attribute(kind, value.encode() + b"\0")


def number(kind: int, value: int) -> bytes:
    """Of 32 bits, in the host's order."""
    return attribute(kind, struct.pack("=I", value))


def message(kind: int, flags: int, body: bytes) -> bytes:
    """A request without its sequence number, which `Netlink.run` puts in."""
    return _HEADER.pack(_HEADER.size + len(body), kind, REQUEST | flags, 0, 0) + body


def attributes(body: bytes) -> Iterator[tuple[int, bytes]]:
    """(kind, value) of each; stops at the first that is broken."""
    position = 0
    while position + 4 <= len(body):
        length, kind = struct.unpack_from("=HH", body, position)
        if length < 4 or position + length > len(body):
            return
        yield kind & 0x3FFF, body[position + 4 : position + length]
        position += (length + 3) & ~3


class Netlink:
    """One socket, made in the network namespace of the calling thread. Used by one thread at a time."""

    def __init__(self, protocol: int = ROUTE) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
        self._socket.settimeout(_SECONDS)
        for option in (_CAP_ACK, _EXTENDED_ACK):
            self._socket.setsockopt(_SOL_NETLINK, option, 1)
        self._socket.bind((0, 0))
        self._sequence = 0

    def close(self) -> None:
        self._socket.close()

    def run(self, *messages: bytes) -> None:
        """Carry out in order. Raises NetlinkError for the first refused; those after it have been tried too."""
        waiting = self._send(messages)
        while waiting:
            for kind, sequence, body in self._receive():
                if sequence not in waiting or kind != _ERROR:
                    continue  # the rest of an answer to something that failed before
                waiting.discard(sequence)
                _check(body)

    def dump(self, request: bytes) -> list[tuple[int, bytes]]:
        """The (type, body) of everything the kernel lists."""
        waiting = self._send([request])
        found: list[tuple[int, bytes]] = []
        while True:
            for kind, sequence, body in self._receive():
                if sequence not in waiting:
                    continue
                if kind == _ERROR:
                    _check(body)
                elif kind == _DONE:
                    return found
                else:
                    found.append((kind, body))

    def _send(self, messages: Sequence[bytes]) -> set[int]:
        """The sequence numbers for which an acknowledgement or an answer is due."""
        waiting = set()
        data = bytearray()
        for one in messages:
            self._sequence += 1
            length, kind, flags, _, _ = _HEADER.unpack_from(one)
            if flags & (ACK | DUMP):
                waiting.add(self._sequence)
            data += _HEADER.pack(length, kind, flags, self._sequence, 0) + one[_HEADER.size :]
            data += bytes(-len(data) % 4)
        self._socket.sendto(data, (0, 0))
        return waiting

    def _receive(self) -> Iterator[tuple[int, int, bytes]]:
        data = self._socket.recv(262144)
        position = 0
        while position + _HEADER.size <= len(data):
            length, kind, _, sequence, _ = _HEADER.unpack_from(data, position)
            if length < _HEADER.size:
                return
            yield kind, sequence, data[position + _HEADER.size : position + length]
            position += (length + 3) & ~3


def _check(body: bytes) -> None:
    code = -struct.unpack_from("=i", body)[0]
    if code == 0:
        return
    said = next((value.rstrip(b"\0").decode() for kind, value in attributes(body[20:]) if kind == _MESSAGE_TEXT), "")
    raise NetlinkError(code, f"{os.strerror(code)}{': ' + said if said else ''}")


# --- Interfaces -------------------------------------------------------------------------------------------------------


def _link_header(index: int = 0, flags: int = 0) -> bytes:
    return struct.pack("=BxHiII", 0, 0, index, flags, flags)


def link_up(index: int) -> bytes:
    return message(_NEW_LINK, ACK, _link_header(index, _IFF_UP))


def new_veth(name: str, index: int, peer: str, peer_index: int, peer_namespace: int, mtu: int) -> bytes:
    """A pair of interfaces: `name` in the socket's namespace, up, and `peer` in that of the descriptor, not up yet.

    An index of 0 leaves the number to the kernel. Two ends need no ARP to find each other, and a thousand pairs would
    overflow the host's table of neighbours: both have the same hardware address, and send to their own.
    """
    same = attribute(1, _HARDWARE_ADDRESS) + number(4, mtu)
    far_end = _link_header(peer_index, _IFF_NOARP) + text(3, peer) + same + number(28, peer_namespace)
    kind = nested(18, text(1, "veth"), nested(2, nested(1, far_end)))
    body = _link_header(index, _IFF_UP | _IFF_NOARP) + text(3, name) + same + kind
    return message(_NEW_LINK, ACK | CREATE | EXCLUSIVE, body)


def delete_link(name: str) -> bytes:
    return message(_DELETE_LINK, ACK, _link_header() + text(3, name))


def remove_interface(route: Netlink, name: str) -> None:
    """It is gone when this returns, if it was there."""
    try:
        route.run(delete_link(name))
    except NetlinkError as error:
        if error.errno not in (errno.ENODEV, errno.EINVAL):
            raise


def interfaces(route: Netlink) -> dict[str, tuple[int, int]]:
    """(index, MTU) by name."""
    found = {}
    for _, body in route.dump(message(_GET_LINK, DUMP, _link_header())):
        values = dict(attributes(body[16:]))
        index = struct.unpack_from("=i", body, 4)[0]
        found[values[3].rstrip(b"\0").decode()] = (index, struct.unpack("=I", values[4])[0])
    return found


# --- Addresses, routes, rules -----------------------------------------------------------------------------------------


def _address(kind: int, flags: int, index: int, address: IPv4Address, prefix: int) -> bytes:
    header = struct.pack("=BBBBi", socket.AF_INET, prefix, _PERMANENT_ADDRESS, 0, index)
    return message(kind, ACK | flags, header + attribute(2, address.packed) + attribute(1, address.packed))


def new_address(index: int, address: IPv4Address, prefix: int) -> bytes:
    return _address(_NEW_ADDRESS, CREATE | EXCLUSIVE, index, address, prefix)


def delete_address(index: int, address: IPv4Address, prefix: int) -> bytes:
    """The routes that came with it go too."""
    return _address(_DELETE_ADDRESS, 0, index, address, prefix)


def addresses(route: Netlink) -> list[tuple[int, IPv4Interface]]:
    """The interface's index, and the address with its network, of every address of this namespace."""
    found = []
    for _, body in route.dump(message(_GET_ADDRESS, DUMP, struct.pack("=BBBBi", socket.AF_INET, 0, 0, 0, 0))):
        values = dict(attributes(body[8:]))
        if 2 in values:
            found.append((struct.unpack_from("=i", body, 4)[0], IPv4Interface((values[2], body[1]))))
    return found


def _route_header(prefix: int, table: int, kind: int) -> bytes:
    return struct.pack("=BBBBBBBBI", socket.AF_INET, prefix, 0, 0, table, _STATIC_ROUTE, 0, kind, 0)


def new_default_route(index: int, gateway: IPv4Address, table: int = MAIN_TABLE) -> bytes:
    body = _route_header(0, table, _UNICAST) + attribute(5, gateway.packed) + number(4, index)
    return message(_NEW_ROUTE, ACK | CREATE | EXCLUSIVE, body)


def prohibit(network: IPv4Network, table: int) -> bytes:
    """Who sends there is told at once that it is forbidden."""
    body = _route_header(network.prefixlen, table, _PROHIBIT) + attribute(1, network.network_address.packed)
    return message(_NEW_ROUTE, ACK | CREATE, body)


def default_interfaces(route: Netlink) -> set[int]:
    """The indexes of those with a default route."""
    found = set()
    for _, body in route.dump(message(_GET_ROUTE, DUMP, _route_header(0, 0, 0))):
        values = dict(attributes(body[12:]))
        if body[1] == 0 and body[4] == MAIN_TABLE and 4 in values:
            found.add(struct.unpack("=I", values[4])[0])
    return found


def _rule(priority: int, table: int, prefix: int = 0, *conditions: bytes) -> bytes:
    header = struct.pack("=BBBBBBBBI", socket.AF_INET, prefix, 0, 0, table, 0, 0, _UNICAST, 0)
    return message(_NEW_RULE, ACK | CREATE, header + number(6, priority) + b"".join(conditions))


def new_rule(priority: int, table: int, interface: str | None = None) -> bytes:
    """Packets that come in by this interface (`lo`: made here), or all, look into this table."""
    conditions = [] if interface is None else [text(3, interface)]
    return _rule(priority, table, 0, *conditions)


def new_service_rule(priority: int, table: int, server: IPv4Address, protocol: int, port: int) -> bytes:
    """Packets for this service look into this table."""
    ports = attribute(24, struct.pack("=HH", port, port))
    return _rule(priority, table, 32, attribute(1, server.packed), attribute(22, bytes([protocol])), ports)
