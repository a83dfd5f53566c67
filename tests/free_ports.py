"""Ports that nobody listens on, for servers that cannot choose one themselves."""

import random
import socket


def free_ports(count: int) -> int:
    """The first of so many in a row, below those that clients are given."""
    while True:
        first = random.randrange(20_000, 30_000)
        try:
            for port in range(first, first + count):
                with socket.socket() as one:
                    one.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
