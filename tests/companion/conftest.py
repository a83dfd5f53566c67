"""A server with its companion, shared: starting one takes seconds."""

from collections.abc import Iterator

import pytest

from server import Server


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("companion") / "data", "--retry-wait", "0.01").start()
    yield running
    assert running.stop() == 0
