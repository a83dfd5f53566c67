"""The network of functions of a server that is not root: out by slirp4netns, and to nothing of the host."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from network_world import World, answering, connect, outside_world, require_root

from functions import call, create
from lambdad.sandbox import netlink
from lambdad.sandbox.netlink import Netlink
from server import Server
from unprivileged import open_directory

CODE = """
import socket
def handler(event, context):
    answers = []
    for address, port in event:
        try:
            with socket.create_connection((address, port), timeout=5) as connection:
                answers.append(connection.recv(100).decode())
        except OSError as error:
            answers.append(type(error).__name__)
    return answers
"""
OWN = "python{}.{}".format(*sys.version_info)
"""The tests' own interpreter: that user may read no other."""
REFUSED = {"PermissionError", "ConnectionRefusedError", "OSError", "TimeoutError"}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    require_root()  # to make the outside, not to reach it
    if shutil.which("slirp4netns") is None:
        pytest.skip("slirp4netns is not installed")
    with outside_world() as world:
        yield world


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with open_directory() as place:
        yield place


@pytest.fixture(scope="module")
def client(place: Path, world: World) -> Iterator[Any]:
    server = Server(place / "data", unprivileged=True).start()
    yield server.client()
    assert server.stop() == 0


def test_the_outside_is_reached(client: Any, world: World) -> None:
    answers, _ = call(client, create(client, CODE, runtime=OWN, Timeout=60), [[world.address, world.tcp_port]])
    assert answers == [world.host]


def test_nothing_of_the_host_is_reached(client: Any, world: World) -> None:
    host = Netlink()
    own = sorted({str(address.ip) for _, address in netlink.addresses(host)} | {"127.0.0.1", "10.0.2.2", "127.0.0.53"})
    host.close()
    assert world.host in own
    with answering() as (tcp, _):
        assert connect(world.host, tcp) == world.host
        answers, _ = call(client, create(client, CODE, runtime=OWN, Timeout=60), [[address, tcp] for address in own])
    assert set(answers) <= REFUSED, dict(zip(own, answers, strict=True))


def test_metadata_services_are_not_reached(client: Any) -> None:
    answers, _ = call(
        client, create(client, CODE, runtime=OWN, Timeout=60), [["169.254.169.254", 80], ["169.254.170.2", 80]]
    )
    assert set(answers) <= REFUSED


def test_network_none_has_no_way_out(place: Path, world: World) -> None:
    server = Server(place / "none", "--network", "none", unprivileged=True).start()
    try:
        client = server.client()
        answers, _ = call(client, create(client, CODE, runtime=OWN, Timeout=60), [[world.address, world.tcp_port]])
        assert set(answers) <= REFUSED
    finally:
        assert server.stop() == 0
