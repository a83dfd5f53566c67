"""A RabbitMQ server for tests: the real one, where it is installed."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from wait import wait_for

_PROGRAM = "/usr/lib/rabbitmq/bin/rabbitmq-server"
_LIMIT = 90.0


class RabbitMqServer:
    def __init__(self, directory: Path, port: int, name: str) -> None:
        """`port` and the two after it must be free."""
        epmd = shutil.which("epmd")
        if not os.path.exists(_PROGRAM) or epmd is None:
            pytest.skip("needs a RabbitMQ server (Debian: rabbitmq-server)")
        self.address = f"amqp://127.0.0.1:{port}"
        self._output = directory / "output"
        plugins = directory / "plugins"
        plugins.write_text("[].")
        environment = {
            "HOME": str(directory),
            "PATH": os.environ["PATH"],
            "RABBITMQ_MNESIA_BASE": str(directory / "mnesia"),
            "RABBITMQ_LOG_BASE": str(directory / "log"),
            "RABBITMQ_NODENAME": f"{name}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(port + 1),
            "ERL_EPMD_PORT": str(port + 2),
            "RABBITMQ_CONFIG_FILE": str(directory / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
        }
        # Erlang's port mapper; the server would leave one of its own behind.
        self._mapper = subprocess.Popen([epmd, "-port", str(port + 2), "-address", "127.0.0.1"])
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [_PROGRAM], env=environment, stdout=output, stderr=output, start_new_session=True
            )
        wait_for(self._ready)

    def _ready(self) -> bool:
        text = self._output.read_text(errors="replace")
        assert self._process.poll() is None, text
        return "Starting broker... completed" in text

    def stop(self) -> None:
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._mapper.terminate()
        self._mapper.wait()
