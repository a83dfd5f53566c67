"""How many datapoints of one metric are packed into few bytes, and read again without touching each. Pure.

A block holds columns: at which steps from its start there are datapoints, and their number, sum, minimum and maximum. A column
takes the narrowest form that keeps it exactly: most metrics count, so most columns are small whole numbers, or one number
throughout. The sketches, which only percentiles need, are a blob of their own.
"""

import math
import zlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lambdad.observability.datapoint import Datapoint, code_of

Column = Sequence[float]

_ONE: Final = 0
"""A column that is the same number throughout."""
_SAME: Final = 1
"""A column that is the same as the one before it."""
_CODES: Final = {2: "B", 3: "H", 4: "I", 5: "d"}
_UNKNOWN: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Block:
    offsets: bytes
    """Of its datapoints: steps since the block's start, ascending."""
    counts: Column
    totals: Column
    minimums: Column
    maximums: Column

    def points(self, sketches: bytes | None) -> dict[int, Datapoint]:
        """By offset. Without `sketches` there are no percentiles."""
        columns = zip(self.counts, self.totals, self.minimums, self.maximums, strict=True)
        found = {offset: Datapoint(*column) for offset, column in zip(self.offsets, columns, strict=True)}
        if sketches is not None:
            for point, sketch in zip(found.values(), _unpack_sketches(sketches), strict=True):
                point.sketch = {code_of(point.minimum): point.count} if sketch == {} else sketch
        return found


def pack(points: Mapping[int, Datapoint]) -> tuple[bytes, bytes]:
    """(the columns, the sketches) of datapoints by offset, at most 256."""
    offsets = sorted(points)
    ordered = [points[offset] for offset in offsets]
    counts = [point.count for point in ordered]
    totals = [point.total for point in ordered]
    minimums = [point.minimum for point in ordered]
    maximums = [point.maximum for point in ordered]
    columns = bytearray([len(offsets) - 1])
    columns += bytes(offsets)
    before: list[float] | None = None
    for column in (counts, totals, minimums, maximums):
        columns += b"\x01" if column == before else _pack_column(column)
        before = column
    return bytes(columns), _pack_sketches(ordered)


def _pack_column(column: list[float]) -> bytes:
    low, high = min(column), max(column)
    if low == high:
        return bytes([_ONE]) + array("d", [low]).tobytes()
    form = 5
    if low >= 0 and high <= 0xFFFFFFFF and all(map(float.is_integer, map(float, column))):
        form = 2 if high <= 0xFF else 3 if high <= 0xFFFF else 4
    return bytes([form]) + array(_CODES[form], column if form == 5 else map(int, column)).tobytes()


def unpack(data: bytes) -> Block:
    number = data[0] + 1
    at = number + 1
    columns: list[Column] = []
    for _ in range(4):
        form = data[at]
        at += 1
        if form == _SAME:
            columns.append(columns[-1])
            continue
        values = array("d" if form == _ONE else _CODES[form])
        size = values.itemsize * (1 if form == _ONE else number)
        values.frombytes(data[at : at + size])
        at += size
        columns.append(values * number if form == _ONE else values)
    return Block(data[1 : number + 1], *columns)


def _pack_sketches(points: Sequence[Datapoint]) -> bytes:
    """Lengths, codes, numbers. A datapoint whose values are all the same needs none; of one without, that is said."""
    lengths, codes, counts = array("I"), array("i"), array("d")
    for point in points:
        if point.sketch is None:
            lengths.append(_UNKNOWN)
        elif point.minimum == point.maximum:
            lengths.append(0)
        else:
            lengths.append(len(point.sketch))
            pairs = sorted(point.sketch.items())
            codes.extend(code for code, _ in pairs)
            counts.extend(count for _, count in pairs)
    raw = lengths.tobytes() + codes.tobytes() + counts.tobytes()
    return len(points).to_bytes(2, "big") + len(codes).to_bytes(4, "big") + zlib.compress(raw, 1)


def _unpack_sketches(data: bytes) -> list[dict[int, float] | None]:
    number, pairs = int.from_bytes(data[:2], "big"), int.from_bytes(data[2:6], "big")
    raw = zlib.decompress(data[6:])
    lengths, codes, counts = array("I"), array("i"), array("d")
    lengths.frombytes(raw[: number * 4])
    codes.frombytes(raw[number * 4 : number * 4 + pairs * 4])
    counts.frombytes(raw[number * 4 + pairs * 4 :])
    found: list[dict[int, float] | None] = []
    at = 0
    for length in lengths:
        if length == _UNKNOWN:
            found.append(None)
            continue
        found.append(dict(zip(codes[at : at + length], counts[at : at + length], strict=True)))
        at += length
    return found


def summed(block: Block, first: int, end: int) -> Datapoint:
    """Those datapoints of a block (by index) as one, without a sketch."""
    return Datapoint(
        math.fsum(block.counts[first:end]),
        math.fsum(block.totals[first:end]),
        min(block.minimums[first:end]),
        max(block.maximums[first:end]),
    )
