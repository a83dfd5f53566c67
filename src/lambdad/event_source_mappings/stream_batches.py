"""What becomes a batch of a shard's records, what of it failed, and how far the shard is done with. Pure.

AWS: docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html, …/with-kinesis.html (batching)
"""

import zlib
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from lambdad.event_source_mappings.partial_failures import failures_of
from lambdad.event_source_mappings.stream_record import StreamRecord

PAYLOAD: Final = 6 * 1024 * 1024
_AROUND: Final = 1024
"""Bytes of an event beside its records and its window's state."""


def lane_of(key: str, lanes: int) -> int:
    """Which of so many works a key's records off: always the same."""
    return zlib.crc32(key.encode()) % lanes if lanes > 1 else 0


def window_of(moment: float, seconds: int) -> int:
    """When the tumbling window began that a moment is in."""
    return int(moment // seconds) * seconds


def batch_of(records: Iterable[StreamRecord], most: int, taken: int = 0, window: tuple[int, int] | None = None) -> int:
    """How many of them, from the first on, are one batch: at most so many, of what one event may hold, and of one window.

    `taken`: bytes that the event has beside them. `window`: (when it began, seconds): none but its records."""
    room = PAYLOAD - _AROUND - taken
    count = 0
    for record in islice(records, most):
        room -= len(record.document) + 1
        if count and room < 0:
            break
        if window is not None and window_of(record.arrived_at, window[1]) > window[0]:
            break
        count += 1
    return count


def is_full(records: Sequence[StreamRecord], most: int, bytes_held: int) -> bool:
    """Nothing is gained by waiting for more."""
    return len(records) >= most or bytes_held >= PAYLOAD


def failed_from(payload: bytes, records: Sequence[StreamRecord]) -> int | None:
    """With ReportBatchItemFailures: the place of the first record that is to be tried again; None: all are done.

    Everything from the lowest sequence number on that the function names, and all if it cannot be told."""
    named = failures_of(payload)
    if named is None:
        return 0
    places = {record.sequence: place for place, record in enumerate(records)}
    return min((places.get(one, 0) if isinstance(one, str) else 0 for one in named), default=None)


class Progress:
    """Records are done with in any order; the place that is kept is before the first that is not."""

    def __init__(self, after: str | None) -> None:
        self.after = after
        self._begun: deque[str] = deque()
        self._done: set[str] = set()

    def began(self, sequence: str) -> None:
        """In the order of the shard."""
        self._begun.append(sequence)

    def done(self, sequences: Iterable[str]) -> None:
        self._done.update(sequences)
        while self._begun and self._begun[0] in self._done:
            self.after = self._begun.popleft()
            self._done.discard(self.after)

    def with_done(self, sequences: Iterable[str]) -> str | None:
        """The place as it will be when these are done with, too."""
        done, after = self._done.union(sequences), self.after
        for sequence in self._begun:
            if sequence not in done:
                break
            after = sequence
        return after

    @property
    def waiting(self) -> int:
        """How many have begun and are not behind the place."""
        return len(self._begun)
