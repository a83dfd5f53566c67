"""What a sandbox's network reaches, and what it must not: the host, other sandboxes, metadata services."""

import asyncio
import hashlib
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from network_world import (
    World,
    answering,
    ask,
    connect,
    from_sandbox,
    in_namespace,
    interface_names,
    outside_world,
    require_root,
)

from lambdad.sandbox import netlink
from lambdad.sandbox.netlink import Netlink
from lambdad.sandbox.network import Network, NetworkPool
from processes import open_descriptors

UNREACHABLE = {"No route to host", "Connection refused", "Permission denied", "Network is unreachable"}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    require_root()
    with outside_world() as world:
        yield world


@asynccontextmanager
async def networks(instance: str, mode: str = "nat", denied: Sequence[str] = ()) -> AsyncIterator[NetworkPool]:
    pool = NetworkPool(instance, mode, denied, ready=2)
    await pool.open()
    try:
        if mode == "nat" and not pool.outbound:
            pytest.skip(pool.reason)
        yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def network(pool: NetworkPool) -> AsyncIterator[Network]:
    taken = await pool.take()
    try:
        yield taken
    finally:
        pool.give_back(taken)


Test = Callable[[NetworkPool, Network], Awaitable[None]]


def run(test: Test, instance: Path, mode: str = "nat", denied: Sequence[str] = ()) -> None:
    async def main() -> None:
        async with networks(str(instance), mode, denied) as pool, network(pool) as taken:
            await test(pool, taken)

    asyncio.run(main())


def address_of(network: Network) -> str:
    assert network.connection is not None
    return next(str(address.ip) for index, address in netlink.addresses(network.route) if index == 2)


def test_the_outside_is_reached_under_the_hosts_address(world: World, tmp_path: Path) -> None:
    async def check(pool: NetworkPool, taken: Network) -> None:
        assert await from_sandbox(taken, lambda: connect(world.address, world.tcp_port)) == world.host
        assert await from_sandbox(taken, lambda: ask(world.address, world.udp_port)) == "question"

    run(check, tmp_path)


def test_no_address_of_the_host_is_reached(world: World, tmp_path: Path) -> None:
    async def check(pool: NetworkPool, taken: Network) -> None:
        host = Netlink()
        own = {str(address.ip) for _, address in netlink.addresses(host)}
        host.close()
        assert world.host in own
        with answering() as (tcp, udp):
            assert connect(world.host, tcp) == world.host
            for address in sorted(own | {"127.0.0.1", "127.0.0.53"}):
                assert await from_sandbox(taken, lambda at=address: connect(at, tcp)) in UNREACHABLE, address
                assert await from_sandbox(taken, lambda at=address: ask(at, udp)) != "question", address

    run(check, tmp_path)


def test_another_sandbox_is_not_reached(world: World, tmp_path: Path) -> None:
    async def check(pool: NetworkPool, taken: Network) -> None:
        async with network(pool) as other:
            servers = answering()
            tcp, udp = in_namespace(other.namespace_fd, servers.__enter__)
            try:
                address = address_of(other)
                assert await from_sandbox(other, lambda: connect(address, tcp)) == address
                assert await from_sandbox(taken, lambda: connect(address, tcp)) in UNREACHABLE
                assert await from_sandbox(taken, lambda: ask(address, udp)) != "question"
                assert await from_sandbox(taken, lambda: connect(address, 9001)) in UNREACHABLE
            finally:
                in_namespace(other.namespace_fd, lambda: servers.__exit__(None, None, None))

    run(check, tmp_path)


@pytest.mark.parametrize("address", ["169.254.169.254", "169.254.170.2", "224.0.0.1", "255.255.255.255", "0.0.0.1"])
def test_metadata_services_and_reserved_addresses_are_not_reached(world: World, tmp_path: Path, address: str) -> None:
    async def check(pool: NetworkPool, taken: Network) -> None:
        assert await from_sandbox(taken, lambda: connect(address, 80)) in UNREACHABLE

    run(check, tmp_path)


def test_a_denied_network_is_not_reached(world: World, tmp_path: Path) -> None:
    async def check(pool: NetworkPool, taken: Network) -> None:
        assert await from_sandbox(taken, lambda: connect(world.address, world.tcp_port)) in UNREACHABLE

    run(check, tmp_path, denied=["198.51.100.0/24", "2001:db8::/32"])


def test_none_has_a_loopback_and_nothing_else(world: World, tmp_path: Path) -> None:
    async def check(pool: NetworkPool, taken: Network) -> None:
        assert set(netlink.interfaces(taken.route)) == {"lo"}
        assert await from_sandbox(taken, lambda: connect(world.address, world.tcp_port)) == "Network is unreachable"

    run(check, tmp_path, mode="none")


def test_there_is_no_ipv6_but_loopback(world: World, tmp_path: Path) -> None:
    async def check(pool: NetworkPool, taken: Network) -> None:
        table = await from_sandbox(taken, lambda: Path("/proc/thread-self/net/if_inet6").read_text())
        assert [line.split()[-1] for line in table.splitlines()] == ["lo"]

    run(check, tmp_path)


def test_without_privileges_the_network_cannot_be_changed(world: World, tmp_path: Path) -> None:
    program = (
        "import socket,struct\n"
        "s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0); s.bind((0, 0))\n"
        "s.send(struct.pack('=IHHIIBxHiII', 32, 16, 5, 1, 0, 0, 0, 2, 0, 1))\n"  # eth0 down
        "print(struct.unpack_from('=i', s.recv(4096), 16)[0])\n"
        "try: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)\n"
        "except PermissionError: print('no raw sockets')\n"
    )

    async def check(pool: NetworkPool, taken: Network) -> None:
        def attempt() -> str:
            argv = ["/usr/bin/env", "python3", "-I", "-c", program]
            done = subprocess.run(
                argv, capture_output=True, text=True, user=65534, group=65534, extra_groups=[], cwd="/"
            )
            return done.stdout + done.stderr

        assert await from_sandbox(taken, attempt) == "-1\nno raw sockets\n"

    run(check, tmp_path)


def test_a_used_network_comes_back_with_another_address_and_an_empty_queue(world: World, tmp_path: Path) -> None:
    async def check(pool: NetworkPool, taken: Network) -> None:
        before = address_of(taken)
        left = await from_sandbox(taken, lambda: socket.create_connection(("127.0.0.1", 9001), 5))
        left.close()
        pool.give_back(taken)
        others: list[Network] = []
        while (again := await pool.take()) is not taken:
            others.append(again)
            assert len(others) < 20
        for other in others:
            pool.give_back(other)
        assert address_of(taken) != before
        with pytest.raises(BlockingIOError):
            taken.runtime_api.accept()
        assert await from_sandbox(taken, lambda: connect(world.address, world.tcp_port)) == world.host

    run(check, tmp_path)


def test_what_a_killed_server_left_is_removed(world: World, tmp_path: Path) -> None:
    program = (
        "import asyncio, sys\n"
        "from lambdad.sandbox.network import NetworkPool\n"
        "async def main():\n"
        "    pool = NetworkPool(sys.argv[1], 'nat', (), 2)\n"
        "    await pool.open()\n"
        "    taken = await pool.take()\n"
        "    print(*pool.reason.split('\\n'), flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    instance = str(tmp_path)
    with subprocess.Popen([sys.executable, "-c", program, instance], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        if reason := server.stdout.readline().strip():
            server.send_signal(signal.SIGKILL)
            pytest.skip(reason)
        assert interface_of(instance) in interface_names()
        server.send_signal(signal.SIGKILL)

    async def check(pool: NetworkPool, taken: Network) -> None:
        assert await from_sandbox(taken, lambda: connect(world.address, world.tcp_port)) == world.host

    run(check, tmp_path)
    assert interface_of(instance) not in interface_names()


def interface_of(instance: str) -> str:
    return "lambdad" + hashlib.sha256(instance.encode()).hexdigest()[:8]


def test_two_servers_on_one_host(world: World, tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            networks(str(tmp_path / "a")) as first,
            networks(str(tmp_path / "b")) as second,
            network(first) as one,
            network(second) as two,
        ):
            for taken in (one, two):
                assert await from_sandbox(taken, lambda: connect(world.address, world.tcp_port)) == world.host
            for address in (address_of(one), address_of(two)):
                assert await from_sandbox(one, lambda at=address: connect(at, 80)) in UNREACHABLE

    asyncio.run(main())
    assert interface_of(str(tmp_path / "a")) not in interface_names()


def test_a_hundred_at_once(world: World, tmp_path: Path) -> None:
    async def check(pool: NetworkPool, taken: Network) -> None:
        many = await asyncio.gather(*(pool.take() for _ in range(100)))
        assert len({address_of(network) for network in many}) == 100
        assert len({network.id for network in many}) == 100
        for one in many:
            pool.give_back(one)

    before = open_descriptors()
    run(check, tmp_path)
    assert open_descriptors() == before
