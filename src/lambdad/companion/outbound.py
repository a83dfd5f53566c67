"""What functions can make the companion connect to: the world, and nothing of this host or its networks.

A topic's subscription or an API's integration names any address; the companion runs as the server's user, outside of every
sandbox, so it must not go where the function itself could not.
"""

import ipaddress
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from lambdad.companion import current


def public(url: str) -> bool:
    """Do all addresses of its host belong to the world?"""
    host = urlsplit(url).hostname or ""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return bool(found) and all(ipaddress.ip_address(address[4][0]).is_global for address in found)


def guard() -> None:
    """From now on connections that functions ask for go to public addresses only."""
    import urllib3.util.connection

    connect: Callable[..., socket.socket] = urllib3.util.connection.create_connection

    def guarded(address: tuple[str, int], *given: Any, **named: Any) -> socket.socket:
        made = connect(address, *given, **named)
        if current.inside() and not ipaddress.ip_address(made.getpeername()[0]).is_global:
            made.close()
            raise OSError(f"{address[0]} is not for functions to reach")
        return made

    urllib3.util.connection.create_connection = guarded
