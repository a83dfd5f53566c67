"""The way out of the sandboxes: a network namespace between them and the host that routes, and translates addresses.

    sandbox: eth0 169.254.x.y ── gateway namespace ── host: lambdadXXXXXXXX ── the world

The host sees one interface and one address whatever the number of sandboxes. Where a sandbox may send is decided by routes of
the gateway: its table for packets that come from sandboxes knows the host as way out and forbids everything link-local,
which holds the other sandboxes (169.254.0.0/16 is used between sandbox and gateway, as on AWS) and the metadata services of
clouds. That the host itself cannot be reached at any of its addresses is a rule of the host's packet filter.
AWS: docs.aws.amazon.com/lambda/latest/dg/foundation-networking.html; addresses: RFC 3927, RFC 3021 (/31 links).
"""

import errno
import hashlib
import logging
import os
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, ip_network
from itertools import cycle

from lambdad.sandbox import netlink, nftables
from lambdad.sandbox.name_servers import name_servers
from lambdad.sandbox.netlink import MAIN_TABLE, Netlink, NetlinkError
from lambdad.sandbox.network_namespace import get_parameter, inside, set_parameter, without_ipv6
from lambdad.sandbox.nftables import Hook, Table

log = logging.getLogger(__name__)

FORBIDDEN = tuple(
    IPv4Network(text) for text in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4")
)
"""This host, loopback, link-local with the metadata services and the other sandboxes, multicast, reserved and broadcast."""
PREFIX = "lambdad"
_UPLINK = "uplink"
_UPLINK_INDEX = 2
_FROM_SANDBOXES = 100
_LINKS = IPv4Network("169.254.252.0/23")
"""Pairs of addresses between hosts and gateways: one of 256 for each server on the host."""
_SANDBOXES = range(int(IPv4Address("169.254.1.0")), int(IPv4Address("169.254.250.0")), 2)
_CLOUD_SERVICES = (IPv4Network("169.254.168.0/22"),)
_TCP, _UDP, _DNS = 6, 17, 53
_SANDBOX_INDEX = 2


class NatGateway:
    """Made, used and closed by one thread, never the event loop's. Needs root."""

    def __init__(self, instance: str, denied: Sequence[str] = ()) -> None:
        """`instance` tells the servers of one host apart. `denied`: networks (CIDR) nobody may reach through here."""
        digest = hashlib.sha256(instance.encode()).digest()
        self._interface = PREFIX + digest[:4].hex()
        self._first_link = digest[4]
        self._denied = [*FORBIDDEN, *(net for net in map(network_of, denied) if net is not None)]
        self._tables: list[Table] = []
        self._switched_on: list[str] = []
        self._route: Netlink | None = None
        self._namespace = -1
        self._mtu = 1500
        self._next_index = 10
        self._addresses = _pairs()
        self._used: set[IPv4Address] = set()

    # --- Opening ------------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Raises OSError with what the kernel refused; then nothing is left behind."""
        host = Netlink()
        try:
            netlink.remove_interface(host, self._interface)
            self._mtu = _mtu(host)
            self._make_namespace()
            pair = netlink.new_veth(self._interface, 0, _UPLINK, _UPLINK_INDEX, self._namespace, self._mtu)
            host.run(pair)
            without_ipv6(self._interface)
            near, far = self._link(host)
            self._route_packets(near, far)
            self._let_through(host, far)
        except OSError:
            self.close()
            raise
        finally:
            host.close()

    def _make_namespace(self) -> None:
        with inside() as self._namespace:
            without_ipv6("default")
            for name, value in (
                ("ipv4/ip_forward", "1"),
                ("ipv4/conf/all/rp_filter", "1"),  # no sandbox sends under another's address
                ("ipv4/icmp_ratelimit", "0"),  # every refusal is told
            ):
                set_parameter(name, value)
            self._route = Netlink()
            table = Table(PREFIX)
            self._tables.append(table)
            table.chain("out", Hook.POSTROUTING, "nat", 100)
            table.rule("out", nftables.to_interface(_UPLINK), nftables.masquerade())
            table.install()

    def _link(self, host: Netlink) -> tuple[IPv4Address, IPv4Address]:
        """The addresses of the host's and the gateway's end: a pair that no other interface has."""
        index, _ = netlink.interfaces(host)[self._interface]
        for attempt in range(256):
            near = _LINKS[2 * ((self._first_link + attempt) % 256)]
            host.run(netlink.new_address(index, near, 31))
            # Looked at after it was taken: of two servers that start at once at least one sees the other.
            if not any(other != index and own.ip in (near, near + 1) for other, own in netlink.addresses(host)):
                return near, near + 1
            host.run(netlink.delete_address(index, near, 31))
        raise NetlinkError(errno.EADDRNOTAVAIL, f"no free pair of addresses in {_LINKS}")

    def _route_packets(self, near: IPv4Address, far: IPv4Address) -> None:
        forbidden = [netlink.prohibit(net, _FROM_SANDBOXES) for net in self._denied]
        # A cloud's name server may be link-local: that one service is let through.
        names = [
            netlink.new_service_rule(50, MAIN_TABLE, server, protocol, _DNS)
            for server in name_servers()
            if server.is_link_local
            for protocol in (_TCP, _UDP)
        ]
        assert self._route is not None
        self._route.run(
            netlink.link_up(1),
            netlink.link_up(_UPLINK_INDEX),
            netlink.new_address(_UPLINK_INDEX, far, 31),
            netlink.new_rule(100, MAIN_TABLE, _UPLINK),
            netlink.new_rule(101, MAIN_TABLE, "lo"),
            *names,
            netlink.new_rule(200, _FROM_SANDBOXES),
            netlink.new_default_route(_UPLINK_INDEX, near),
            netlink.new_default_route(_UPLINK_INDEX, near, _FROM_SANDBOXES),
            *forbidden,
        )

    def _let_through(self, host: Netlink, far: IPv4Address) -> None:
        """The host's part: forward, translate, and let nothing reach the host itself."""
        own = nftables.from_interface(self._interface)
        table = Table(self._interface)
        self._tables.append(table)
        table.chain("in", Hook.INPUT, priority=-10)
        table.rule("in", own, nftables.is_tcp(), nftables.reset())
        table.rule("in", own, nftables.prohibited())
        table.chain("out", Hook.POSTROUTING, "nat", 100)
        table.rule("out", nftables.from_address(far), nftables.masquerade())
        table.chain("between", Hook.FORWARD)
        others = _others(host)
        off = [name for name in others if get_parameter(f"ipv4/conf/{name}/forwarding") == "0"]
        for name in off:
            # The host did not forward before: between these interfaces it still does not.
            for other in others:
                table.rule("between", nftables.from_interface(name), nftables.to_interface(other), nftables.drop())
        table.install()
        set_parameter(f"ipv4/conf/{self._interface}/forwarding", "1")
        for name in off:
            set_parameter(f"ipv4/conf/{name}/forwarding", "1")
            self._switched_on.append(name)

    # --- Sandboxes ----------------------------------------------------------------------------------------------------

    def connect(self, sandbox: Netlink) -> "Connection":
        """Give a new network namespace (whose socket this is) its interface."""
        index = self._next_index
        self._next_index += 1
        sandbox.run(netlink.new_veth("eth0", _SANDBOX_INDEX, f"s{index}", index, self._namespace, self._mtu))
        self.configure(netlink.link_up(index))
        connection = Connection(self, sandbox, index)
        connection.renew()
        return connection

    def configure(self, *messages: bytes) -> None:
        """Carry out in the gateway's namespace."""
        assert self._route is not None
        self._route.run(*messages)

    def take_pair(self) -> IPv4Address:
        """The gateway's end of a link to a sandbox; the sandbox's is one higher."""
        for _ in range(len(_SANDBOXES)):
            address = next(self._addresses)
            if address not in self._used:
                self._used.add(address)
                return address
        raise NetlinkError(errno.EADDRNOTAVAIL, "no free pair of addresses for a sandbox")

    def give_back_pair(self, address: IPv4Address) -> None:
        self._used.discard(address)

    # --- The end ------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Also half-opened. Idempotent."""
        host = Netlink()
        try:
            netlink.remove_interface(host, self._interface)
            if not any(name.startswith(PREFIX) for name in netlink.interfaces(host)):
                self._stop_forwarding()
        finally:
            host.close()
        for table in self._tables:
            table.close()
        self._tables.clear()
        if self._route is not None:
            self._route.close()
            self._route = None
        if self._namespace >= 0:
            os.close(self._namespace)
            self._namespace = -1

    def _stop_forwarding(self) -> None:
        if get_parameter("ipv4/ip_forward") == "0":
            for name in self._switched_on:
                try:
                    set_parameter(f"ipv4/conf/{name}/forwarding", "0")
                except FileNotFoundError:
                    log.info("the interface %s has gone", name)
        self._switched_on.clear()


class Connection:
    """A sandbox's link to the gateway."""

    def __init__(self, gateway: NatGateway, sandbox: Netlink, index: int) -> None:
        self._gateway = gateway
        self._sandbox = sandbox
        self._index = index
        self._near: IPv4Address | None = None

    def renew(self) -> None:
        """Another address: an answer still on its way to the one before finds nobody, least of all the next function."""
        near = self._gateway.take_pair()
        self._drop_address()
        self._near = near
        self._gateway.configure(netlink.new_address(self._index, near, 31))
        self._sandbox.run(
            netlink.new_address(_SANDBOX_INDEX, near + 1, 31), netlink.new_default_route(_SANDBOX_INDEX, near)
        )

    def _drop_address(self) -> None:
        near, self._near = self._near, None
        if near is not None:
            self._sandbox.run(netlink.delete_address(_SANDBOX_INDEX, near + 1, 31))
            self._gateway.configure(netlink.delete_address(self._index, near, 31))
            self._gateway.give_back_pair(near)

    def close(self) -> None:
        """The interfaces go with the sandbox's namespace, in the kernel's own time."""
        self._drop_address()


def network_of(text: str) -> IPv4Network | None:
    """None for one of IPv6, which nobody in a sandbox has."""
    network = ip_network(text, strict=False)
    return network if isinstance(network, IPv4Network) else None


def _pairs() -> Iterator[IPv4Address]:
    """Round and round, so that an address just given back is the last to be given out again."""
    for number in cycle(_SANDBOXES):
        address = IPv4Address(number)
        if not any(address in services for services in _CLOUD_SERVICES):
            yield address


def _mtu(host: Netlink) -> int:
    """The smallest of the interfaces that lead outside."""
    ways_out = netlink.default_interfaces(host)
    return min((mtu for index, mtu in netlink.interfaces(host).values() if index in ways_out), default=1500)


def _others(host: Netlink) -> list[str]:
    """The host's interfaces with an address, but for loopback and servers' like this one."""
    with_address = {index for index, _ in netlink.addresses(host)}
    names = {name for name, (index, _) in netlink.interfaces(host).items() if index in with_address}
    return sorted(name for name in names if name != "lo" and not name.startswith(PREFIX))
