"""Does this host's resolver know names under `localhost` (RFC 6761)? systemd's does; the C library alone does not.

Asked once, in a thread that nobody waits for: a resolver may take seconds to say no.
"""

import ipaddress
import socket
import threading

_NAME = "function-url.lambdad.localhost"


class LocalhostNames:
    def __init__(self) -> None:
        self._resolve = False

    def look(self) -> None:
        threading.Thread(target=self._look, name="localhost names", daemon=True).start()

    def _look(self) -> None:
        try:
            found = socket.getaddrinfo(_NAME, None)
        except OSError:
            return
        self._resolve = all(ipaddress.ip_address(address[4][0]).is_loopback for address in found)

    def resolve(self) -> bool:
        """As far as it is known yet."""
        return self._resolve
