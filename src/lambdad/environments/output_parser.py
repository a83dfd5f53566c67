"""What a process prints → messages: lines, and the frames that AWS's runtime clients keep many-line messages whole with.

A frame is 0xA55A, what it holds, its length, its time, and then the message. Whoever prints is not trusted: what is no frame,
or an impossible one, is bytes like any others.
"""

from collections.abc import Callable

MAX_EVENT = 256 * 1024
"""Bytes of one event; longer lines are cut into several."""

_MAGIC = b"\xa5\x5a\x00"
_MARK = _MAGIC[:1]
_FRAME_HEAD = 16


class OutputParser:
    """Bytes as they come from the pipe → complete messages. Keeps at most one unfinished line or frame."""

    __slots__ = ("_frame_end", "_rest")

    def __init__(self) -> None:
        self._rest = bytearray()
        self._frame_end = 0
        """How long `_rest` must be at least before its frame can be whole; 0: it is a line."""

    def feed(self, data: bytes) -> list[bytes]:
        """Messages completed by `data`, in order; lines keep their newline, frames are as they were framed."""
        if self._rest:
            if self._completes_nothing(data):
                self._rest += data
                return []
            data = bytes(self._rest) + data
            self._keep(b"", 0)
        messages: list[bytes] = []
        while data:
            at = data.find(_MAGIC)
            if at < 0:
                self._keep(_split_lines(data, messages), 0)
                break
            if at:
                unfinished = _split_lines(data[:at], messages)
                if unfinished:
                    messages.append(unfinished)
            length = int.from_bytes(data[at + 4 : at + 8], "big")
            end = at + _FRAME_HEAD + length
            if len(data) - at < _FRAME_HEAD:
                self._keep(data[at:], _FRAME_HEAD)
                break
            if length > MAX_EVENT:  # forged or torn: bytes like any others
                messages.append(data[at : at + _FRAME_HEAD])
                data = data[at + _FRAME_HEAD :]
                continue
            if len(data) < end:
                self._keep(data[at:], end - at)
                break
            messages.append(data[at + _FRAME_HEAD : end])
            data = data[end:]
        while not self._frame_end and len(self._rest) > MAX_EVENT:
            messages.append(bytes(self._rest[:MAX_EVENT]))
            del self._rest[:MAX_EVENT]
        return messages

    def _completes_nothing(self, data: bytes) -> bool:
        """Then what waits is not looked at again: it may come byte by byte."""
        size = len(self._rest) + len(data)
        if self._frame_end:
            return size < self._frame_end
        return size <= MAX_EVENT and b"\n" not in data and _MARK not in data and _MARK not in self._rest[-2:]

    def _keep(self, rest: bytes, frame_end: int) -> None:
        self._rest = bytearray(rest)
        self._frame_end = frame_end

    def flush(self) -> list[bytes]:
        """What is left of an unfinished line: a process that prints no newline has said it all the same."""
        rest = bytes(self._rest)
        self._keep(b"", 0)
        return [rest] if rest else []


class TappedParser:
    """The same, and someone hears of each message."""

    __slots__ = ("_heard", "parser")

    def __init__(self, parser: OutputParser, heard: Callable[[bytes], None]) -> None:
        self.parser = parser
        self._heard = heard

    def feed(self, data: bytes) -> list[bytes]:
        return self._told(self.parser.feed(data))

    def flush(self) -> list[bytes]:
        return self._told(self.parser.flush())

    def _told(self, messages: list[bytes]) -> list[bytes]:
        for message in messages:
            self._heard(message)
        return messages


def _split_lines(text: bytes, messages: list[bytes]) -> bytes:
    """Append the complete lines of `text` to `messages`; return what follows the last newline."""
    lines = text.split(b"\n")
    rest = lines.pop()
    for line in lines:
        if len(line) < MAX_EVENT:
            messages.append(line + b"\n")
        else:
            messages.extend(line[i : i + MAX_EVENT] for i in range(0, len(line), MAX_EVENT))
    return rest
