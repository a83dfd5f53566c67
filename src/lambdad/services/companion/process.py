"""Supervisor of the companion's process: started when the first request wants it, again when it ended, ended with the server."""

import asyncio
import dataclasses
import json
import logging
import os
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from lambdad.errors import ServiceUnavailable
from lambdad.http.client import Connections, Streams
from lambdad.http.exchange import Handler
from lambdad.http.limits import Limits
from lambdad.http.server import serve_accepted

log = logging.getLogger(__name__)

_START_LIMIT = 90.0
_SAVE_LIMIT = 30.0
"""Seconds to save what it holds."""
_AGAIN = 2.0
"""Seconds between two starts."""
_BACKLOG = 256
_ALLOCATION = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "131072"}
"""What is deleted there is the host's again."""
_CALLS = Limits(body=16 * 1024 * 1024, request_time=None, idle_time=None, connections=256)
_HEAD = 256 * 1024


def installed() -> bool:
    return find_spec("moto") is not None and find_spec("flask") is not None and find_spec("cloudpickle") is not None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the process is told of the server."""

    url: str
    access_key: str
    secret: str
    memory_mb: int
    denied: Sequence[str] = ()
    """Networks (CIDR) that functions must not reach through it, beside those that are not the world's."""


class CompanionProcess:
    def __init__(self, data_dir: Path, facts: Callable[[], Facts], calls: Handler) -> None:
        """`calls`: what answers it when it asks the server."""
        self._state = data_dir / "companion"
        self._directory = data_dir / "run" / "companion"
        self._facts = facts
        self._calls = calls
        self._process: asyncio.subprocess.Process | None = None
        self._starting: asyncio.Task[None] | None = None
        self._began = -_AGAIN
        self._descriptor = -1
        self._detach: Callable[[], None] = lambda: None
        self._listener: socket.socket | None = None
        self._connections = Connections(self._connect)
        self._closed = False

    async def connections(self) -> Connections:
        """To it, running. Raises ServiceUnavailable."""
        if self._process is None or self._process.returncode is not None:
            if self._closed:
                raise ServiceUnavailable.ending()
            if self._starting is None:
                self._starting = asyncio.get_running_loop().create_task(self._start())
                self._starting.add_done_callback(self._started)
            await asyncio.wait({self._starting})
            if self._process is None or self._process.returncode is not None:
                raise ServiceUnavailable.not_started()
        return self._connections

    def _started(self, task: "asyncio.Task[None]") -> None:
        self._starting = None
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the companion did not start: %r", error)

    async def _start(self) -> None:
        """Raises OSError, TimeoutError, EOFError."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self._began + _AGAIN - loop.time()))
        self._began = loop.time()
        self._release()
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        theirs, ours = self._listen("requests"), self._listen("calls")
        self._listener = ours
        self._detach = serve_accepted(ours, self._calls, _CALLS)
        facts = self._facts()
        settings = {
            **dataclasses.asdict(facts),
            "state": str(self._state),
            "listener": theirs.fileno(),
            "calls": self._path("calls"),
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "lambdad.companion"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=[theirs.fileno(), self._descriptor],
            start_new_session=True,
            env={**os.environ, **_ALLOCATION},
        )
        theirs.close()  # or else who connects to it after its end would wait for ever
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(settings).encode() + b"\n")
        try:
            line = await asyncio.wait_for(process.stdout.readline(), _START_LIMIT)
            if line != b"ready\n":
                raise EOFError("it ended: the log says why")
        except BaseException:
            await _end(process, 0.0)
            raise
        self._process = process

    def _path(self, name: str) -> str:
        """A socket's address is at most a hundred characters long, a data directory's path may be longer."""
        if sys.platform == "linux":
            return f"/proc/self/fd/{self._descriptor}/{name}"
        return str(self._directory / name)

    def _listen(self, name: str) -> socket.socket:
        (self._directory / name).unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(self._path(name))
        listener.listen(_BACKLOG)
        listener.setblocking(name == "requests")
        return listener

    async def _connect(self) -> Streams:
        return await asyncio.open_unix_connection(self._path("requests"), limit=_HEAD)

    def _release(self) -> None:
        self._connections.close()
        self._detach()
        self._detach = lambda: None
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    async def close(self) -> None:
        """It saves what it holds, and ends."""
        self._closed = True
        if self._starting is not None:
            await asyncio.wait({self._starting})
        if self._process is not None:
            await _end(self._process, _SAVE_LIMIT)
        self._release()


async def _end(process: asyncio.subprocess.Process, limit: float) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), limit)
    except TimeoutError:
        if limit:
            log.error("the companion did not save what it holds in %g s", limit)
        process.kill()
        await process.wait()
