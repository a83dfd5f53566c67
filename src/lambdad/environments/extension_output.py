"""What external extensions print: a pipe of its own, so that it can be told from the function's; the same log.

AWS: docs.aws.amazon.com/lambda/latest/dg/telemetry-api.html
"""

from collections.abc import Callable

from lambdad.environments.log_capture import LogCapture, read_piece
from lambdad.environments.output_parser import OutputParser

_PIECE = 16384
_MAX_PIECES = 64
"""All that a pipe can hold (pipe-max-size is 1 MB)."""


class ExtensionOutput:
    """Read whenever something is printed, until closed. `heard`: of each message beside the log."""

    __slots__ = ("_capture", "_descriptor", "_heard", "_parser")

    def __init__(self, descriptor: int, capture: LogCapture, heard: Callable[[bytes], None]) -> None:
        self._descriptor = descriptor
        self._capture = capture
        self._heard = heard
        self._parser = OutputParser()
        capture.intake.open(descriptor, self._take_piece)

    def _take_piece(self) -> bool:
        """May there be more?"""
        data = read_piece(self._descriptor, _PIECE)
        if data:
            self._write(self._parser.feed(data))
            self._capture.publish_soon()
        return len(data) == _PIECE

    def take(self) -> None:
        """What has been printed so far, so that it comes before what others say now."""
        for _ in range(_MAX_PIECES):
            if not self._take_piece():
                return

    def _write(self, messages: list[bytes]) -> None:
        for message in messages:
            self._capture.write(message)
            self._heard(message)

    def drain(self) -> None:
        """What has been printed so far is in the log, an unfinished line too."""
        self.take()
        self._write(self._parser.flush())

    def close(self) -> None:
        self._capture.intake.close(self._descriptor)
        self.drain()
