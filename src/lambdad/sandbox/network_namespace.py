"""Making network namespaces and working inside them: in a thread that goes there and comes back. network_namespaces(7).

A namespace is kept alive by the descriptor and the sockets made in it, so nothing of it has a name in the file system, and
everything of it goes when the server ends, however it ends.
"""

import ctypes
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


@contextmanager
def inside(namespace: int | None = None) -> Iterator[int]:
    """The calling thread is in this namespace (None: in a new one) for a while; gives its descriptor.

    Never on the event loop's thread. Needs CAP_SYS_ADMIN.
    """
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if namespace is None:
            _check(_libc.unshare(_CLONE_NEWNET), "unshare(CLONE_NEWNET)")
        else:
            _check(_libc.setns(namespace, _CLONE_NEWNET), "setns(CLONE_NEWNET)")
        try:
            yield os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC) if namespace is None else namespace
        finally:
            _check(_libc.setns(home, _CLONE_NEWNET), "setns(CLONE_NEWNET)")
    finally:
        os.close(home)


def set_parameter(name: str, value: str) -> None:
    """A kernel parameter of the calling thread's namespace, e.g. `ipv4/ip_forward`."""
    with open(f"/proc/sys/net/{name}", "w") as file:
        file.write(value)


def get_parameter(name: str) -> str:
    with open(f"/proc/sys/net/{name}") as file:
        return file.read().strip()


def without_ipv6(interfaces: str) -> None:
    """For the named interface of the calling thread's namespace, or `default`: for those to come. Not every kernel has IPv6."""
    if os.path.exists("/proc/sys/net/ipv6"):
        set_parameter(f"ipv6/conf/{interfaces}/disable_ipv6", "1")


def receive_datagrams(address: tuple[str, int]) -> socket.socket:
    """Sent to this address of the calling thread's namespace; non-blocking."""
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    receiver.bind(address)
    return receiver


def listen(port: int) -> socket.socket:
    """On the loopback of the calling thread's namespace; non-blocking."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)
    return listener
