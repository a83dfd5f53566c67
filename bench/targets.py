"""What is measured: lambdad, AWS's Runtime Interface Emulator, ministack. Each is started and stopped here."""

import base64
import functools
import http.client
import io
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.client import Refused, Target, invoke_once
from lambdad.cli.client import Client

HANDLER = "def handler(event, context):\n    return event\n"
OTHERS = Path(sys.executable).parent.parent / "bench"
"""The virtual environment of the others (bench/requirements.lock)."""
_READY = "lambdad ready on "
_LIMIT = 60.0


@functools.cache
def interpreter() -> tuple[str, str]:
    """The one the others are installed for, and functions run on here too: its runtime's name, its path."""
    question = "import sys; print(f'python3.{sys.version_info.minor}', sys._base_executable)"
    asked = subprocess.run([str(OTHERS / "bin" / "python"), "-c", question], capture_output=True, text=True, check=True)
    name, _, path = asked.stdout.strip().partition(" ")
    return name, path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def package(source: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", source)
    return buffer.getvalue()


def stop(process: "subprocess.Popen[Any]") -> None:
    """And everything it started: it has a process group of its own."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


class Api:
    """Functions by the Lambda API, as both lambdad and ministack serve it."""

    url: str

    def call(self, method: str, path: str, body: Any = None) -> Any:
        scope = (
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0"
        )
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=_LIMIT)
        data = json.dumps(body) if body is not None else None
        connection.request(method, path, data, {"Authorization": scope, "Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if answer.status >= 300:
            raise Refused(f"{method} {path}: {answer.status} {content[:200]!r}")
        return json.loads(content) if content else None

    def create(self, name: str, memory: int = 1769, source: str = HANDLER, **settings: Any) -> Target:
        """A function that is ready to be invoked and never was."""
        code = {"ZipFile": base64.b64encode(package(source)).decode()}
        role = "arn:aws:iam::000000000000:role/bench"
        function = {
            "FunctionName": name,
            "Runtime": interpreter()[0],
            "Handler": "app.handler",
            "Role": role,
            "Code": code,
        }
        self.call("POST", "/2015-03-31/functions", {**function, "MemorySize": memory, "Timeout": 30, **settings})
        deadline = time.monotonic() + _LIMIT
        while time.monotonic() < deadline:
            if self.call("GET", f"/2015-03-31/functions/{name}/configuration").get("State", "Active") == "Active":
                return Target.of(self.url, name)
            time.sleep(0.01)
        raise Refused(f"{name} did not become Active")


class Lambdad(Api):
    def __init__(self, fill: Callable[[Path], None] = lambda data_dir: None) -> None:
        """`fill` makes the data directory that it starts with."""
        self._directory = tempfile.TemporaryDirectory(prefix="lambdad-bench-")
        fill(Path(self._directory.name, "data"))
        arguments = ["--port", "0", "--data-dir", f"{self._directory.name}/data", "--log-level", "warning"]
        began = time.perf_counter()
        self.process = subprocess.Popen(
            [
                str(Path(sys.executable).with_name("lambdad")),
                "serve",
                *arguments,
                "--interpreter",
                "=".join(interpreter()),
            ],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.ready_seconds = time.perf_counter() - began
        assert line.startswith(_READY), line
        self.url = line[len(_READY) :].strip()

    def open_url(self, name: str) -> str:
        """The path of a function URL that anyone may call."""
        address = self.call("POST", f"/2021-10-31/functions/{name}/url", {"AuthType": "NONE"})["FunctionUrl"]
        for action, condition in (
            ("lambda:InvokeFunctionUrl", {"FunctionUrlAuthType": "NONE"}),
            ("lambda:InvokeFunction", {"InvokedViaFunctionUrl": True}),
        ):
            permission = {"StatementId": action[7:], "Action": action, "Principal": "*", **condition}
            self.call("POST", f"/2015-03-31/functions/{name}/policy", permission)
        parts = urlsplit(address)
        url_id, by_host, _ = (parts.hostname or "").partition(".lambda-url.")
        return f"/_lambdad/function-urls/{url_id}/" if by_host else parts.path

    def logs(self, function: str, pattern: str = "") -> list[dict[str, Any]]:
        """A function's events, if it has run: timestamp, stream, message."""
        client = Client(self.url)
        asked = {"logGroupName": f"/aws/lambda/{function}", "filterPattern": pattern}
        events: list[dict[str, Any]] = []
        while True:
            answer = client.call("logs", "Logs_20140328.FilterLogEvents", asked).json()
            events += answer.get("events", ())
            if "nextToken" not in answer:
                return events
            asked["nextToken"] = answer["nextToken"]

    def resident_mb(self) -> float:
        """Of the server itself."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def close(self) -> None:
        stop(self.process)
        self._directory.cleanup()


class Emulator:
    """AWS's Runtime Interface Emulator with awslambdaric, as `sam local invoke` has it inside its containers."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="rie-bench-")
        Path(self._directory.name, "app.py").write_text(HANDLER)
        machine = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
        found = list(OTHERS.glob(f"lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-{machine}"))
        if not found:
            raise Refused("the emulator is not installed: make bench installs it")
        self._binary = Path(self._directory.name, "aws-lambda-rie")
        self._binary.write_bytes(found[0].read_bytes())
        self._binary.chmod(0o755)
        self._process: subprocess.Popen[bytes] | None = None
        self.target = Target("127.0.0.1", 0, "")

    def start(self) -> float:
        """From its start to its first answer, in seconds: its cold start."""
        port, api = free_port(), free_port()
        addresses = [
            "--runtime-interface-emulator-address",
            f"127.0.0.1:{port}",
            "--runtime-api-address",
            f"127.0.0.1:{api}",
        ]
        runtime = [str(OTHERS / "bin" / "python"), "-m", "awslambdaric", "app.handler"]
        self.target = Target("127.0.0.1", port, "/2015-03-31/functions/function/invocations")
        began = time.perf_counter()
        self._process = subprocess.Popen(
            [str(self._binary), *addresses, *runtime],
            cwd=self._directory.name,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "AWS_LAMBDA_FUNCTION_TIMEOUT": "30"},
        )
        while True:
            try:
                invoke_once(self.target, b"{}")
                return time.perf_counter() - began
            except ConnectionRefusedError:
                if time.perf_counter() - began > _LIMIT:
                    raise
                time.sleep(0.0005)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        if self._process is not None:
            stop(self._process)
            self._process = None

    def close(self) -> None:
        self.stop()
        self._directory.cleanup()


class Ministack(Api):
    def __init__(self) -> None:
        program = OTHERS / "bin" / "ministack"
        if not program.exists():
            raise Refused("ministack is not installed: make bench installs it")
        self._directory = tempfile.TemporaryDirectory(prefix="ministack-bench-")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        path = f"{OTHERS / 'bin'}:{os.environ['PATH']}"
        own = self._directory.name  # also for what it leaves behind
        settings = {"GATEWAY_PORT": str(port), "PATH": path, "HOME": own, "TMPDIR": own, "LAMBDA_EXECUTOR": "local"}
        self.process = subprocess.Popen(
            [str(program)],
            cwd=self._directory.name,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, **settings},
        )
        deadline = time.monotonic() + _LIMIT
        while True:
            try:
                self.call("GET", "/2015-03-31/functions")
                return
            except (OSError, http.client.HTTPException):
                if time.monotonic() > deadline or self.process.poll() is not None:
                    self.close()
                    raise Refused("ministack did not start") from None
                time.sleep(0.05)

    def close(self) -> None:
        stop(self.process)
        self._directory.cleanup()
