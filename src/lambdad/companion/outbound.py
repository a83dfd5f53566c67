"""What the companion may do on this host: it starts no process, and functions have it connect to the world only.

A topic's subscription or an API's integration names any address; the companion runs as the server's user, outside of every
sandbox, so it must not go where the function itself could not. Python's audit events see every connection and every process,
whichever library makes it: redirects, names that change their address, and what moto will do in its next version.
AWS: docs.aws.amazon.com/sns/latest/dg/sns-http-https-endpoint-as-subscriber.html
"""

import ipaddress
import socket
import sys
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from lambdad.companion import current

_PROCESSES = frozenset(
    {"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn", "subprocess.Popen"}
)
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""IPv4 addresses as a network without IPv4 has them. RFC 6052"""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Outside:
    """`guard`, once, before the first request."""

    def __init__(self, calls: str, denied: Sequence[str]) -> None:
        """`calls`: the one socket of this host that it connects to. `denied`: networks that functions must not reach."""
        self._calls = calls
        self._denied: list[Network] = [ipaddress.ip_network(network, strict=False) for network in denied]

    def guard(self) -> None:
        sys.addaudithook(self._audit)

    def _audit(self, event: str, given: tuple[Any, ...]) -> None:
        if event == "socket.connect":
            self._check(given[1])
        elif event in _PROCESSES:
            raise PermissionError(f"the companion starts no processes ({event})")

    def _check(self, to: Any) -> None:
        """Raises PermissionError."""
        if not isinstance(to, tuple):
            allowed = to == self._calls
        elif current.inside():
            allowed = self._is_open(str(to[0]))
        else:
            allowed = True
        if not allowed:
            raise PermissionError(f"{to} is not for functions to reach")

    def reaches(self, url: str) -> bool:
        """May functions have it told? All addresses of its host must be open to them."""
        host = urlsplit(url).hostname or ""
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return False
        return bool(found) and all(self._is_open(str(address[4][0])) for address in found)

    def _is_open(self, text: str) -> bool:
        """Does the address belong to the world, and to no network that is denied?"""
        try:
            address = meant(ipaddress.ip_address(text.partition("%")[0]))
        except ValueError:
            return False
        if not address.is_global or address.is_multicast or _is_own(address):
            return False
        return not any(address in network for network in self._denied)


def meant(address: Address) -> Address:
    """The IPv4 address that one of IPv6 stands for, if it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_own(address: Address) -> bool:
    """Of this host: it can be bound. Hosts have public addresses, too."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True
