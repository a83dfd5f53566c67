"""The namespaces driver keeps what every driver keeps: with networks of its own and from a pool, as root and without."""

import os
import sys
from pathlib import Path

import pytest
from sandbox_suite import SandboxConformance

from lambdad.sandbox.driver import Driver
from lambdad.sandbox.namespaces import NamespacesDriver

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="needs root on Linux: namespaces and control groups"
)


class TestNamespacesDriver(SandboxConformance):
    def make_driver(self, data_dir: Path) -> Driver:
        return NamespacesDriver(data_dir, data_dir / "unpacked", None)
