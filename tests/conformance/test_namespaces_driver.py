"""The namespaces driver keeps what every driver keeps: as root, with networks from the pool, and without any privilege."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sandbox_suite import SandboxConformance

import unprivileged
from lambdad.sandbox.driver import Driver
from lambdad.sandbox.namespaces import NamespacesDriver, can_make_namespaces
from lambdad.sandbox.network import NetworkPool

AS_ROOT = os.geteuid() == 0

pytestmark = pytest.mark.skipif(not can_make_namespaces(), reason="this host lets us have no namespaces")
needs_root = pytest.mark.skipif(not AS_ROOT, reason="needs root: control groups, another user")


class TestNamespacesDriver(SandboxConformance):
    def make_driver(self, data_dir: Path) -> Driver:
        return NamespacesDriver(data_dir, data_dir / "unpacked", None)

    @needs_root
    def test_over_the_memory_limit_it_is_killed(self, tmp_path: Path) -> None:
        super().test_over_the_memory_limit_it_is_killed(tmp_path)


@needs_root
class TestWithNetworks(SandboxConformance):
    def make_driver(self, data_dir: Path) -> Driver:
        return NamespacesDriver(data_dir, data_dir / "unpacked", NetworkPool(str(data_dir), "none", ()))


@needs_root
def test_all_of_it_without_root() -> None:
    """The tests above that need no control group, by an ordinary user."""
    argv = [sys.executable, unprivileged.__file__, "pytest", "-p", "no:cacheprovider", "-n", "0"]
    environment = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    with unprivileged.open_directory() as place:
        argv += [f"--basetemp={place}/tests", f"{__file__}::TestNamespacesDriver"]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=300, env=environment, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert done.stdout.count(".") >= 15, done.stdout
