"""What is kept of a metric's values within one period: a statistic set, and a sketch that percentiles are read from. Pure.

AWS: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#Percentiles and …/Statistics-definitions.html.
Number, sum, minimum and maximum are exact. Of the values themselves eight significant bits are kept: a percentile is at most
0.4 % off, and whole numbers up to 256 are exact. As on AWS there are no percentiles of statistic sets and of negative values.
"""

import math
import re
from collections.abc import Iterable
from typing import Final

_PERCENTILE: Final = re.compile(r"p(\d{1,2}(\.\d{1,10})?|100)")
_ZERO: Final = -(1 << 20)
"""The code of 0, below that of every other number."""
_BITS: Final = 8
_HALF: Final = 1 << (_BITS - 1)

STATISTICS: Final = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")


def code_of(value: float) -> int:
    """Of a number that is not negative: codes are in the order of the numbers."""
    if value == 0.0:
        return _ZERO
    mantissa, exponent = math.frexp(value)
    return exponent * _HALF + round(mantissa * 2 * _HALF) - _HALF


def value_of(code: int) -> float:
    if code == _ZERO:
        return 0.0
    exponent, mantissa = divmod(code, _HALF)
    return math.ldexp(_HALF + mantissa, exponent - _BITS)


class Datapoint:
    """Mutable: values are added while its period lasts. `sketch`: how many values have a code; None: not known."""

    __slots__ = ("count", "maximum", "minimum", "sketch", "total")

    def __init__(
        self,
        count: float = 0.0,
        total: float = 0.0,
        minimum: float = math.inf,
        maximum: float = -math.inf,
        sketch: dict[int, float] | None = None,
    ) -> None:
        self.count = count
        self.total = total
        self.minimum = minimum
        self.maximum = maximum
        self.sketch = sketch

    @classmethod
    def empty(cls) -> "Datapoint":
        return cls(sketch={})

    @classmethod
    def of(cls, values: Iterable[float]) -> "Datapoint":
        point = cls.empty()
        for value in values:
            point.add(value)
        return point

    @classmethod
    def constant(cls, value: float, count: float) -> "Datapoint":
        return cls(count, value * count, value, value, None if value < 0 else {code_of(value): count})

    def add(self, value: float, count: float = 1.0) -> None:
        self.count += count
        self.total += value * count
        if value < self.minimum:
            self.minimum = value
        if value > self.maximum:
            self.maximum = value
        if value < 0:
            self.sketch = None
        elif self.sketch is not None:
            code = code_of(value)
            self.sketch[code] = self.sketch.get(code, 0.0) + count

    def merge(self, other: "Datapoint") -> None:
        self.count += other.count
        self.total += other.total
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)
        if self.sketch is not None and other.sketch is not None:
            for code, count in other.sketch.items():
                self.sketch[code] = self.sketch.get(code, 0.0) + count
        else:
            self.sketch = None

    def copy(self) -> "Datapoint":
        sketch = dict(self.sketch) if self.sketch is not None else None
        return Datapoint(self.count, self.total, self.minimum, self.maximum, sketch)

    def statistic(self, name: str) -> float | None:
        """`Sum`, …, or `p99.9`; None: it cannot be told."""
        if name == "Sum":
            return self.total
        if name == "Average":
            return self.total / self.count if self.count else None
        if name == "SampleCount":
            return self.count
        if name == "Minimum":
            return self.minimum
        if name == "Maximum":
            return self.maximum
        return self.percentile(float(name[1:]))

    def percentile(self, percent: float) -> float | None:
        """The least value that so many percent of all do not exceed."""
        if self.minimum == self.maximum:
            return self.minimum if self.minimum >= 0 else None
        if self.sketch is None:
            return None
        wanted = self.count * percent / 100
        seen = 0.0
        for code, count in sorted(self.sketch.items()):
            seen += count
            if seen >= wanted - 1e-9:
                return min(max(value_of(code), self.minimum), self.maximum)
        return self.maximum


def is_percentile(statistic: str) -> bool:
    return _PERCENTILE.fullmatch(statistic) is not None


def is_statistic(statistic: str) -> bool:
    return statistic in STATISTICS or is_percentile(statistic)
