"""An invocation whose caller takes the answer as it is made.

AWS: docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html. What has come and was not taken yet is bounded:
above a mark the function's writing waits, for as long as its timeout lets it. A caller who goes stops nothing: the function runs
to its end.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from typing import Final

from lambdad.http.pieces import gather
from lambdad.resources.invocation import Flow, InvocationResult, Outcome
from lambdad.resources.quotas import QUOTAS

_HIGH: Final = 256 * 1024
"""Bytes waiting to be taken at which the function is told to wait, and _LOW: those at which it may go on."""
_LOW: Final = 64 * 1024
_PIECE: Final = 64 * 1024
"""Bytes: an answer that came whole is given in pieces of this size."""
_UNHURRIED: Final = 6 * 1024 * 1024
"""Bytes of an answer for which the rate does not hold."""


class Pace:
    """How fast an answer may be taken, if there is a rate. Pure."""

    def __init__(self, rate: int) -> None:
        """`rate`: bytes a second; 0: any."""
        self._rate = rate
        self._taken = 0
        self._free_at = 0.0

    def wait(self, size: int, now: float) -> float:
        """Seconds until the next piece may be taken after one of that size. `now` by a monotonic clock."""
        late = min(max(self._taken + size - _UNHURRIED, 0), size)
        self._taken += size
        if not self._rate or not late:
            return 0.0
        self._free_at = max(self._free_at, now) + late / self._rate
        return self._free_at - now


class StreamedInvocation:
    """The sink of one invocation, and `done` its callback (resources/invocation.py). One task takes what comes."""

    def __init__(self) -> None:
        self.content_type: str | None = None
        """As the runtime gave it; None for an answer that came whole."""
        self.executed_version = ""
        self.outcome: Outcome | None = None
        """Once it is over."""
        self._flow: Flow | None = None
        self._pieces: deque[bytes | bytearray] = deque()
        self._waiting = 0
        self._abandoned = False
        self._news = asyncio.Event()

    def begin(self, content_type: str, executed_version: str, flow: Flow) -> None:
        self.content_type = content_type
        self.executed_version = executed_version
        self._flow = flow
        self._news.set()

    def write(self, piece: bytes) -> None:
        if self._abandoned:
            return
        gather(self._pieces, piece)
        self._waiting += len(piece)
        if self._waiting >= _HIGH and self._flow is not None:
            self._flow.pause()
        self._news.set()

    def done(self, outcome: Outcome) -> None:
        if isinstance(outcome, InvocationResult):
            self.executed_version = outcome.executed_version
            if self.content_type is None and outcome.function_error is None:
                self._pieces.extend(_cut(outcome.payload))
        self.outcome = outcome
        self._news.set()

    async def begun(self) -> None:
        """The answer has begun, or is there. Raises the ServiceError if there will be none."""
        while self.content_type is None and self.outcome is None:
            await self._wait()
        if self.content_type is None and self.outcome is not None and not isinstance(self.outcome, InvocationResult):
            raise self.outcome

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """What the function answers, to the end; then `outcome` says how that was. To be closed by who stops earlier."""
        pace, now = Pace(QUOTAS.streamed_rate), asyncio.get_running_loop().time
        try:
            while True:
                while self._pieces:
                    piece = self._take()
                    yield piece
                    if wait := pace.wait(len(piece), now()):
                        await asyncio.sleep(wait)
                if self.outcome is not None:
                    return
                await self._wait()
        finally:
            self._abandon()

    def _take(self) -> bytes:
        """What waits, up to a piece's size unless one is larger: many small ones are sent as one."""
        taken = [self._pieces.popleft()]
        size = len(taken[0])
        while self._pieces and size + len(self._pieces[0]) <= _PIECE:
            taken.append(self._pieces.popleft())
            size += len(taken[-1])
        self._waiting -= size
        if self._waiting <= _LOW and self._flow is not None:
            self._flow.resume()
        return b"".join(taken)

    async def _wait(self) -> None:
        self._news.clear()
        await self._news.wait()

    def _abandon(self) -> None:
        self._abandoned = True
        self._pieces.clear()
        if self._flow is not None:
            self._flow.resume()


def _cut(payload: bytes) -> list[bytes]:
    return [payload[start : start + _PIECE] for start in range(0, len(payload), _PIECE)]
