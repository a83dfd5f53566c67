"""An outside world for network tests: a namespace of the test's own behind the host, with servers, and probes in sandboxes."""

import asyncio
import contextlib
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import TypeVar

import pytest

from lambdad.sandbox import netlink
from lambdad.sandbox.netlink import Netlink
from lambdad.sandbox.network import Network
from lambdad.sandbox.network_namespace import inside

T = TypeVar("T")

SECONDS = 5.0
_OUTSIDE = IPv4Network("198.51.100.0/24")  # TEST-NET-2, RFC 5737


def require_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root: network namespaces of the host")


@dataclass(frozen=True)
class World:
    host: str
    """The host's own address towards it."""
    address: str
    tcp_port: int
    """Answers each connection with the address it came from."""
    udp_port: int
    """Answers each datagram with the same bytes."""


def interface_names() -> set[str]:
    route = Netlink()
    try:
        return set(netlink.interfaces(route))
    finally:
        route.close()


def in_namespace(namespace: int, work: Callable[[], T]) -> T:
    """In a thread of its own: the namespace is the thread's."""
    answers: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            with inside(namespace):
                answers.append(work())
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return answers[0]


async def from_sandbox(network: Network, work: Callable[[], T]) -> T:
    return await asyncio.to_thread(in_namespace, network.namespace_fd, work)


def connect(address: str, port: int) -> str:
    """What the server says, or the name of the error, `TimeoutError` included."""
    try:
        with socket.create_connection((address, port), timeout=SECONDS) as connection:
            return connection.recv(100).decode()
    except OSError as error:
        return type(error).__name__ if error.errno is None else os.strerror(error.errno)


def ask(address: str, port: int) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(SECONDS)
        try:
            sender.connect((address, port))
            sender.send(b"question")
            return sender.recv(100).decode()
        except OSError as error:
            return type(error).__name__ if error.errno is None else os.strerror(error.errno)


@contextlib.contextmanager
def answering() -> Iterator[tuple[int, int]]:
    """A TCP and a UDP server on all addresses of the calling thread's namespace; their ports."""
    tcp = socket.create_server(("0.0.0.0", 0))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("0.0.0.0", 0))

    def serve_tcp() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, peer = tcp.accept()
                with connection:
                    connection.sendall(peer[0].encode())

    def serve_udp() -> None:
        while True:
            data, peer = udp.recvfrom(100)
            if data == b"end":
                return
            udp.sendto(data, peer)

    threads = [threading.Thread(target=serve_tcp), threading.Thread(target=serve_udp)]
    for thread in threads:
        thread.start()
    port = udp.getsockname()[1]
    end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        yield tcp.getsockname()[1], port
    finally:
        tcp.shutdown(socket.SHUT_RDWR)
        end.sendto(b"end", ("127.0.0.1", port))
        for thread in threads:
            thread.join()
        for one in (tcp, udp, end):
            one.close()


@contextlib.contextmanager
def outside_world() -> Iterator[World]:
    """The namespace is entered by a thread only while its sockets are made."""
    host = Netlink()
    name = "ldtest" + secrets.token_hex(4)
    started: list[tuple[World, Callable[[], None]]] = []

    def build() -> None:
        with inside() as namespace:
            near = _free_address(host)
            host.run(netlink.new_veth(name, 0, "world", 2, namespace, 1500))
            os.close(namespace)
            host.run(netlink.new_address(netlink.interfaces(host)[name][0], near, 31))
            route = Netlink()
            route.run(netlink.link_up(1), netlink.link_up(2), netlink.new_address(2, near + 1, 31))
            route.close()
            servers = contextlib.ExitStack()
            tcp, udp = servers.enter_context(answering())
            started.append((World(str(near), str(near + 1), tcp, udp), servers.close))

    try:
        thread = threading.Thread(target=build)
        thread.start()
        thread.join()
        world, stop = started[0]
        try:
            yield world
        finally:
            stop()
    finally:
        netlink.remove_interface(host, name)
        host.close()


def _free_address(host: Netlink) -> IPv4Address:
    taken = [own.network for _, own in netlink.addresses(host)]
    for _ in range(1000):
        address = _OUTSIDE[2 * secrets.randbelow(127) + 2]
        if not any(address in network for network in taken):
            return address
    raise AssertionError("no free address for the test")
