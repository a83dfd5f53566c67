"""Functions that call themselves, directly or by way of others: counted in the trace header, and stopped. Pure.

AWS: docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html. The SDKs in functions pass on the header that the function
was given, and so do queues, topics and destinations. Its Lineage says how often each function has been in this chain.
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from lambdad.ids import new_trace_id
from lambdad.resources.function import FunctionKey

MOST_LOOPS: Final = 16
"""Invocations of one function by the same event."""
_MOST_ENTRIES: Final = 32
"""Functions that a lineage remembers; the header goes into every invocation."""
_LINEAGE: Final = "Lineage="


@dataclass(frozen=True, slots=True)
class Hop:
    trace_id: str
    """The header that the invocation is given."""
    loops: int
    """How often the function has been in this chain before."""


def hop(trace_id: str | None, key: FunctionKey, now: float) -> Hop:
    """`now` in seconds since the epoch, for a trace that begins here."""
    name = _name_of(key)
    if trace_id is None:
        return Hop(f"{new_trace_id(now)};{_LINEAGE}1:{name}:0", 0)
    parts = [part for part in trace_id.split(";") if part]
    given = next((part for part in parts if part.startswith(_LINEAGE)), _LINEAGE)
    counts = _counts(given.removeprefix(_LINEAGE))
    loops = counts.get(name, -1) + 1
    counts.pop(name, None)
    kept = list(counts.items())[-_MOST_ENTRIES + 1 :]
    lineage = "|".join(f"1:{one}:{count}" for one, count in (*kept, (name, loops)))
    return Hop(";".join([*(part for part in parts if part is not given), _LINEAGE + lineage]), loops)


def most_looped(trace_ids: Iterable[str | None], key: FunctionKey) -> str | None:
    """Of the headers of a batch that one of its function's chain: what else is in the batch must not hide it."""
    given = [trace_id for trace_id in trace_ids if trace_id]
    return max(given, key=lambda trace_id: hop(trace_id, key, 0.0).loops, default=None)


def _counts(lineage: str) -> dict[str, int]:
    """What is not understood is somebody else's, and left out."""
    counts: dict[str, int] = {}
    for entry in lineage.split("|"):
        fields = entry.split(":")
        if len(fields) == 3 and fields[2].isascii() and fields[2].isdigit() and len(fields[2]) < 6:
            counts[fields[1][:16]] = int(fields[2])
    return counts


@lru_cache(4096)
def _name_of(key: FunctionKey) -> str:
    return f"{zlib.crc32(key.arn.encode()):08x}"
