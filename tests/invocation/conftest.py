"""A server beside whose Lambda there are queues, topics, buses and buckets."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from neighbours import Neighbours
from server import Server


@pytest.fixture(scope="package")
def neighbours() -> Iterator[Neighbours]:
    running = Neighbours()
    yield running
    running.stop()


@pytest.fixture(scope="package")
def connected(neighbours: Neighbours, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Failed events are tried again at once."""
    data_dir = tmp_path_factory.mktemp("connected") / "data"
    running = Server(data_dir, "--retry-wait", "0.01", *neighbours.arguments()).start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def aws(connected: Server) -> Any:
    """A Lambda client of it."""
    return connected.client()


@pytest.fixture
def unused_port() -> int:
    """Nobody listens there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
