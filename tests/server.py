"""A real `lambdad serve` for a test: started as a process, stopped by signal, its data directory kept between starts."""

import os
import select
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from click.testing import CliRunner

from interpreters import SERVE_ARGUMENTS
from lambdad.cli import logs
from wait import wait_for

READY = "lambdad ready on "
_START_LIMIT = _STOP_LIMIT = 180.0
RUNTIMES = Path(__file__).parents[1] / ".venv" / "runtimes"
"""Shared: to put one together takes longer than most tests."""


class Server:
    """`start`, `stop`, `kill` may be called in turn as often as a test likes."""

    def __init__(
        self, data_dir: Path, *arguments: str, environment: dict[str, str] | None = None, unprivileged: bool = False
    ) -> None:
        """`unprivileged`: as an ordinary user (`unprivileged.py`), who must be able to write beside `data_dir`."""
        self.data_dir = data_dir
        self._program = [sys.executable, "-m", "lambdad"]
        if unprivileged:
            self._program = [sys.executable, str(Path(__file__).with_name("unprivileged.py")), "lambdad"]
        self._arguments = arguments
        self._environment = environment or {}
        if not unprivileged:  # who could not write there
            self._arguments = (f"--runtimes-dir={RUNTIMES}", *arguments)
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self._log = data_dir.with_name(data_dir.name + ".log")

    def start(self) -> "Server":
        command = [*self._program, "serve", "--port", "0", "--data-dir", str(self.data_dir)]
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                [*command, *SERVE_ARGUMENTS, *self._arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **self._environment},
            )
        self.url = self._wait_ready()
        return self

    def _wait_ready(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        deadline = time.monotonic() + _START_LIMIT
        text = b""
        while time.monotonic() < deadline:
            if select.select([self._process.stdout], [], [], 1.0)[0]:
                chunk = os.read(self._process.stdout.fileno(), 4096)
                text += chunk
                for line in text.decode().splitlines():
                    if line.startswith(READY) and text.endswith(b"\n"):
                        return line[len(READY) :]
                if not chunk:
                    break
        raise AssertionError(f"the server did not become ready: {text.decode()}\n{self.log()}")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self) -> int:
        assert self._process is not None
        code = self._process.wait(_STOP_LIMIT)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None
        return code

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        if self._process is None:
            return 0
        self.signal(signal.SIGTERM)
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server did not stop\n{self.log()}") from None

    def kill(self) -> None:
        """SIGKILL: what a crash is like."""
        self.signal(signal.SIGKILL)
        self.wait()

    def log(self) -> str:
        return self._log.read_text(errors="replace")[-8000:] if self._log.exists() else ""

    def get(self, path: str) -> tuple[int, bytes]:
        """GET of one of our own pages: status and body."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=120) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def function_log(self, function: str) -> list[str]:
        """What `lambdad logs FUNCTION` prints; by no process of its own, since tests ask again and again."""
        printed = CliRunner().invoke(logs.command, [function, "--endpoint-url", self.url], catch_exceptions=False)
        assert printed.exit_code == 0, printed.output
        return printed.stdout.splitlines()

    def wait_for_log(self, function: str, text: str) -> list[str]:
        """The function's log once it holds `text`."""
        lines: list[str] = []

        def there() -> bool:
            lines[:] = self.function_log(function)
            return any(text in line for line in lines)

        wait_for(there)
        return lines

    def client(self, service: str = "lambda", **settings: Any) -> Any:
        """A boto3 client; its account is 000000000000 unless `account` says otherwise."""
        account = settings.pop("account", "test")
        secret = settings.pop("secret", "test")
        region = settings.pop("region", "us-east-1")
        timeouts = {"read_timeout": 180, "retries": {"max_attempts": 0}, "max_pool_connections": 120}
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=account,
            aws_secret_access_key=secret,
            config=Config(**{**timeouts, **settings}),
        )
