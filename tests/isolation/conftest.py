"""A driver without the rest of the product, where this host lets us have one."""

import os
import sys
from collections.abc import Iterator

import pytest

from sandboxes import Host


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("needs root on Linux: namespaces and control groups")
    running = Host(tmp_path_factory.mktemp("sandboxes")).open()
    yield running
    running.close()
