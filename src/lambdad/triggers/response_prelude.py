"""The beginning of a streamed answer: a JSON document that says status, headers and cookies, eight zero bytes, then the body.

AWS: docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html; content type
`application/vnd.awslambda.http-integration-response`. Pure and incremental: bytes come as the runtime sends them.
"""

from typing import Final

CONTENT_TYPE: Final = "application/vnd.awslambda.http-integration-response"
_END: Final = bytes(8)
_MOST: Final = 128 * 1024
"""Bytes a prelude may have: it is held until it is whole."""


class PreludeTooLarge(Exception):
    """No end was found where one must be."""


class PreludeParser:
    """Feed it until `prelude` is there; from then on, everything is body."""

    __slots__ = ("_held", "prelude")

    def __init__(self) -> None:
        self._held = bytearray()
        self.prelude: bytes | None = None

    def feed(self, data: bytes) -> bytes:
        """What of it is body. Raises PreludeTooLarge."""
        if self.prelude is not None:
            return data
        seen = max(len(self._held) - len(_END) + 1, 0)
        self._held += data
        end = self._held.find(_END, seen)
        if end < 0 and len(self._held) <= _MOST:
            return b""
        if end < 0 or end > _MOST:
            raise PreludeTooLarge
        self.prelude = bytes(self._held[:end])
        body = bytes(self._held[end + len(_END) :])
        self._held.clear()
        return body
