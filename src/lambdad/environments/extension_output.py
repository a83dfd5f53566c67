"""What external extensions print: a pipe of its own, so that it can be told from the function's; the same log.

AWS: docs.aws.amazon.com/lambda/latest/dg/telemetry-api.html
"""

import asyncio
import os
from collections.abc import Callable

from lambdad.environments.log_capture import LogCapture, OutputParser

_READ = 65536
_MAX_READS = 64


class ExtensionOutput:
    """Read whenever something is printed, until closed. `heard`: of each message beside the log."""

    __slots__ = ("_capture", "_descriptor", "_heard", "_parser")

    def __init__(self, descriptor: int, capture: LogCapture, heard: Callable[[bytes], None]) -> None:
        self._descriptor = descriptor
        self._capture = capture
        self._heard = heard
        self._parser = OutputParser()
        asyncio.get_running_loop().add_reader(descriptor, self._readable)

    def _readable(self) -> None:
        """One piece at a time: a flood waits in the pipe, and so does who made it."""
        self.take(1)
        self._capture.publish_soon()

    def take(self, reads: int = _MAX_READS) -> None:
        """What has been printed so far, so that it comes before what others say now."""
        for _ in range(reads):
            try:
                data = os.read(self._descriptor, _READ)
            except BlockingIOError:
                return
            if not data:
                return
            self._write(self._parser.feed(data))

    def _write(self, messages: list[bytes]) -> None:
        for message in messages:
            self._capture.write(message)
            self._heard(message)

    def drain(self) -> None:
        """What has been printed so far is in the log, an unfinished line too."""
        self.take()
        self._write(self._parser.flush())

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._descriptor)
        self.drain()
