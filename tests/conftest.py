"""Fixtures: one real server per test process, shared by the tests that do not stop it."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

from server import Server
from unprivileged import open_directory

# Times say how busy the machine is, and nothing of what is tested; and what is tried is the same in every run: a change fails for
# what it does, not for what was found by chance. `make explore` looks for more.
_BUSY: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("same", derandomize=True, **_BUSY)
settings.register_profile("explore", max_examples=2000, print_blob=True, **_BUSY)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`lambdad serve` on a free port with an empty data directory."""
    running = Server(tmp_path_factory.mktemp("server") / "data").start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session")
def client(server: Server) -> Any:
    """A boto3 Lambda client of the shared server."""
    return server.client()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own, not started yet: it may be stopped, killed and started again."""
    own = Server(tmp_path / "data")
    yield own
    own.stop()


@pytest.fixture
def open_place() -> Iterator[Path]:
    """Where an ordinary user may write."""
    with open_directory() as place:
        yield place


@pytest.fixture
def isolated(server: Server) -> None:
    """Skips where the host allows no isolation (no namespaces, no control groups)."""
    if os.geteuid() != 0 or sys.platform != "linux":
        pytest.skip("needs root on Linux: namespaces and control groups")
