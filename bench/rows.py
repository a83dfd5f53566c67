"""What a measure says: lines of the table."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    measure: str
    target: str
    median: str
    p99: str = ""
    ratio: str = ""
    bar: str = ""


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"


def p99(times: Sequence[float]) -> float:
    return sorted(times)[min(int(len(times) * 0.99), len(times) - 1)]


def row(measure: str, target: str, times: Sequence[float], versus: float | None = None, bar: str = "") -> Row:
    median = statistics.median(times)
    ratio = f"{median / versus:.3f} ×" if versus else ""
    return Row(measure, target, milliseconds(median), milliseconds(p99(times)), ratio, bar)
