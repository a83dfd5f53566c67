"""The server's side of a zygote: one process per template, started when first wanted, asked to fork."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from lambdad.sandbox.channel import Channel, Message
from lambdad.sandbox.driver import SandboxError, Template
from lambdad.sandbox.mounts import operations
from lambdad.sandbox.process_table import doing
from lambdad.sandbox.seccomp import compile_filter

log = logging.getLogger(__name__)

GUEST = Path(__file__).parent.parent / "guest"
_START_LIMIT = 30.0
_FORK_LIMIT = 30.0
_STOP_LIMIT = 5.0


@dataclass(frozen=True, slots=True)
class Jail:
    """What all zygotes of this server have in common."""

    unpacked: Path
    root: Path
    """A directory that each zygote mounts its root on, unseen by anyone else."""
    user_namespace: bool
    name_server: str | None
    """For /etc/resolv.conf inside, instead of the host's."""
    log: Path


class Zygote:
    def __init__(self, template: Template, jail: Jail) -> None:
        self._template = template
        self._jail = jail
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._answers: deque[asyncio.Future[Message]] = deque()
        self.dead = False

    async def start(self) -> None:
        """Raises SandboxError."""
        own, theirs = Channel.pair()
        ready: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._answers.append(ready)
        self._channel = Channel(own, self._received)
        document = json.dumps(self._document(theirs.fileno())).encode()
        # In this thread: the kernel takes a child's parent for dead when the thread that made it ends.
        self._process = self._spawn(theirs.fileno(), document)
        theirs.close()
        with contextlib.suppress(OSError):  # it has ended already: that is seen below
            self._channel.send(self._settings())
        try:
            await asyncio.wait_for(ready, _START_LIMIT)
        except (TimeoutError, SandboxError):
            await self.stop()
            raise SandboxError(f"the zygote of {self._template.name} did not start: {self._last_words()}") from None

    def _spawn(self, channel: int, document: bytes) -> "subprocess.Popen[bytes]":
        with open(self._jail.log, "ab") as errors:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(GUEST / "jail.py")],
                stdin=subprocess.PIPE,
                stdout=errors,
                stderr=errors,
                pass_fds=[channel],
                cwd="/",
                env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            )
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(document)
            process.stdin.close()
        return process

    def _document(self, channel: int) -> dict[str, object]:
        template, jail = self._template, self._jail
        return {
            "channel": channel,
            "root": str(jail.root),
            "operations": operations(template, jail.unpacked, GUEST, jail.name_server),
            "user_namespace": jail.user_namespace,
            "argv": template.zygote,
        }

    def _settings(self) -> dict[str, object]:
        template = self._template
        return {
            "seccomp": compile_filter().hex(),
            "preload": template.preload,
            "prestart": template.prestart,
            "user_namespace": self._jail.user_namespace,
        }

    def _last_words(self) -> str:
        lines = self._jail.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    async def fork(self, message: Message, fds: list[int]) -> int:
        """A new sandbox's first process: its pid. Raises SandboxError."""
        assert self._channel is not None
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._answers.append(answer)
        try:
            self._channel.send(message, fds)
        except OSError as error:
            self._died()
            raise SandboxError(f"the zygote of {self._template.name} is gone: {error}") from error
        try:
            reply = await asyncio.wait_for(asyncio.shield(answer), _FORK_LIMIT)
        except TimeoutError:
            assert self._process is not None
            raise SandboxError(
                f"the zygote of {self._template.name} does not fork: {doing(self._process.pid)}"
            ) from None
        if reply["op"] != "forked":
            raise SandboxError(f"{self._template.name}: {reply.get('text', 'no sandbox')}")
        return int(reply["pid"])

    def _received(self, message: Message | None, fds: list[int]) -> None:
        for fd in fds:
            os.close(fd)
        if message is None:
            self._died()
        elif self._answers:
            answer = self._answers.popleft()
            if not answer.done():
                answer.set_result(message)

    def _died(self) -> None:
        self.dead = True
        while self._answers:
            answer = self._answers.popleft()
            if not answer.done():
                answer.set_exception(SandboxError(f"the zygote of {self._template.name} ended: {self._last_words()}"))

    async def stop(self) -> None:
        """It ends, and with it every sandbox that it was the parent of."""
        self.dead = True
        if self._channel is not None:
            self._channel.close()
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait, _STOP_LIMIT)


def listening(fd: int) -> socket.socket:
    """A socket that listens, or receives, and came from a sandbox's network namespace."""
    listener = socket.socket(fileno=fd)
    listener.setblocking(False)
    return listener
