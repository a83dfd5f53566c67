"""Metric math: an expression over the metrics of one request. Pure.

AWS: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html. A value is a number (S), a time series (TS: by
time), or a list of time series (TS[]). SEARCH, anomaly bands and SLICE are not known here: they are refused by name.
"""

import math
import operator
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

TimeSeries = dict[int, float]
Value = float | TimeSeries | list[TimeSeries]

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<text>\"[^\"]*\"|'[^']*')"
    r"|(?P<sign>==|!=|<=|>=|&&|\|\||[-+*/^()<>,\[\]]))"
)
_DEEPEST: Final = 50
"""Of parentheses: an expression is somebody's text."""


class MathError(Exception):
    """The text says what is wrong with the expression."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The times at which there could be datapoints."""

    start: int
    end: int
    period: int

    def times(self) -> range:
        return range(self.start, self.end, self.period)


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str


def tokens_of(expression: str) -> list[Token]:
    """Raises MathError."""
    found = []
    at, text = 0, expression.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise MathError(f"unexpected character {text[at:].strip()[:1]!r}")
        found.append(Token(match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found


def names_in(expression: str) -> tuple[set[str], bool]:
    """(ids that it mentions, whether it asks for all metrics). Raises MathError."""
    tokens = tokens_of(expression)
    names = {
        one.text
        for one, following in zip(tokens, [*tokens[1:], Token("sign", "")], strict=True)
        if one.kind == "name" and following.text != "(" and one.text[0].islower()
    }
    return names, any(one.text.upper() == "METRICS" for one in tokens)


def evaluate(expression: str, values: Mapping[str, Value], metrics: Mapping[str, TimeSeries], grid: Grid) -> Value:
    """`values`: by id, of all that it mentions; `metrics`: those that METRICS() stands for. Raises MathError."""
    parser = _Parser(tokens_of(expression), values, metrics, grid)
    value = parser.any_of()
    parser.end()
    return value


class _Parser:
    """Recursive descent; it computes as it reads."""

    def __init__(
        self, tokens: Sequence[Token], values: Mapping[str, Value], metrics: Mapping[str, TimeSeries], grid: Grid
    ) -> None:
        self._tokens = tokens
        self._values = values
        self._metrics = metrics
        self._grid = grid
        self._at = 0
        self._depth = 0

    def _peek(self) -> str:
        return self._tokens[self._at].text if self._at < len(self._tokens) else ""

    def _take(self) -> Token:
        if self._at >= len(self._tokens):
            raise MathError("it ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, text: str) -> None:
        found = self._take().text
        if found != text:
            raise MathError(f"expected {text!r}, found {found!r}")

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise MathError(f"unexpected {self._peek()!r}")

    def any_of(self) -> Value:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise MathError("it is nested too deeply")
        value = self._level(0)
        self._depth -= 1
        return value

    def _level(self, level: int) -> Value:
        """Binary operators, those that bind least first."""
        if level == len(_LEVELS):
            return self._power()
        value = self._level(level + 1)
        while (sign := self._peek().upper()) in _LEVELS[level]:
            self._take()
            value = _combined(_LEVELS[level][sign], value, self._level(level + 1))
        return value

    def _power(self) -> Value:
        base = self._unary()
        if self._peek() != "^":
            return base
        self._take()
        self._depth += 1
        if self._depth > _DEEPEST:
            raise MathError("it is nested too deeply")
        value = _combined(_to_power, base, self._power())
        self._depth -= 1
        return value

    def _unary(self) -> Value:
        negative = False
        while self._peek() in ("-", "+"):
            negative ^= self._take().text == "-"
        value = self._operand()
        return _combined(operator.mul, -1.0, value) if negative else value

    def _operand(self) -> Value:
        token = self._take()
        if token.kind == "number":
            return float(token.text)
        if token.text == "(":
            value = self.any_of()
            self._expect(")")
            return value
        if token.text == "[":
            return self._list()
        if token.kind != "name":
            raise MathError(f"unexpected {token.text!r}")
        if self._peek() == "(":
            return self._function(token.text.upper())
        if token.text not in self._values:
            raise MathError(f"there is no metric or expression with the id {token.text!r}")
        return self._values[token.text]

    def _list(self) -> Value:
        found: list[TimeSeries] = []
        while True:
            value = self.any_of()
            found += value if isinstance(value, list) else [_series_of(value, self._grid)]
            if self._peek() != ",":
                self._expect("]")
                return found
            self._take()

    def _function(self, name: str) -> Value:
        self._expect("(")
        if name == "METRICS":
            return self._all_metrics()
        if name == "FILL":
            return self._fill()
        if name not in _FUNCTIONS:
            raise MathError(f"the function {name} is not supported")
        arguments = []
        while self._peek() != ")":
            arguments.append(self.any_of())
            if self._peek() != ",":
                break
            self._take()
        self._expect(")")
        needed, function = _FUNCTIONS[name]
        if len(arguments) != needed:
            raise MathError(f"{name} takes {needed} argument{'s' if needed > 1 else ''}")
        return function(self._grid, *arguments)

    def _all_metrics(self) -> Value:
        part = ""
        if self._peek() != ")":
            part = self._take().text.strip("\"'")
        self._expect(")")
        return [series for name, series in self._metrics.items() if part in name]

    def _fill(self) -> Value:
        value = self.any_of()
        self._expect(",")
        how: Value | str = self._take().text if self._peek().upper() in ("REPEAT", "LINEAR") else self.any_of()
        self._expect(")")
        return _each(value, lambda series: _filled(series, how, self._grid))


# --- Operators --------------------------------------------------------------------------------------------------------


def _to_power(one: float, other: float) -> float:
    result = one**other
    if isinstance(result, complex):
        raise ValueError("no real number")
    return float(result)


_Binary = Callable[[float, float], float]
_LEVELS: Final[Sequence[Mapping[str, _Binary]]] = (
    {"OR": lambda a, b: float(bool(a) or bool(b)), "||": lambda a, b: float(bool(a) or bool(b))},
    {"AND": lambda a, b: float(bool(a) and bool(b)), "&&": lambda a, b: float(bool(a) and bool(b))},
    {
        "==": lambda a, b: float(a == b),
        "!=": lambda a, b: float(a != b),
        "<": lambda a, b: float(a < b),
        "<=": lambda a, b: float(a <= b),
        ">": lambda a, b: float(a > b),
        ">=": lambda a, b: float(a >= b),
    },
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": operator.truediv},
)


def _combined(compute: _Binary, one: Value, other: Value) -> Value:
    """Two time series: at the times that both have. What cannot be computed is no datapoint."""
    if isinstance(one, list):
        return [_joined(compute, series, other) for series in one]
    if isinstance(other, list):
        return [_joined(compute, one, series) for series in other]
    if isinstance(one, dict) or isinstance(other, dict):
        return _joined(compute, one, other)
    return _computed(compute, one, other, math.nan)


def _joined(compute: _Binary, one: Value, other: Value) -> TimeSeries:
    if isinstance(one, list) or isinstance(other, list):
        raise MathError("two lists of time series cannot be combined")
    if isinstance(one, dict):
        pairs = ((at, value, other.get(at) if isinstance(other, dict) else other) for at, value in one.items())
    else:
        assert isinstance(other, dict)
        pairs = ((at, one, value) for at, value in other.items())
    found = {at: _computed(compute, a, b, math.nan) for at, a, b in pairs if b is not None}
    return {at: value for at, value in found.items() if not math.isnan(value)}


def _computed(compute: _Binary, one: float, other: float, otherwise: float) -> float:
    try:
        return compute(one, other)
    except (ZeroDivisionError, OverflowError, ValueError):
        return otherwise


# --- Functions --------------------------------------------------------------------------------------------------------


def _series_of(value: Value, grid: Grid) -> TimeSeries:
    if isinstance(value, list):
        raise MathError("a time series was expected, not a list of them")
    return value if isinstance(value, dict) else dict.fromkeys(grid.times(), value)


def _each(value: Value, compute: Callable[[TimeSeries], TimeSeries]) -> Value:
    if isinstance(value, float | int):
        raise MathError("a time series was expected, not a number")
    return [compute(series) for series in value] if isinstance(value, list) else compute(value)


def _reduced(compute: Callable[[Sequence[float]], float]) -> Callable[..., Value]:
    """Of one time series a number; of several a time series."""

    def function(_: Grid, value: Value) -> Value:
        if isinstance(value, list):
            times = sorted({at for series in value for at in series})
            return {at: compute([series[at] for series in value if at in series]) for at in times}
        if isinstance(value, dict):
            return compute(list(value.values())) if value else math.nan
        return value

    return function


def _by_element(compute: Callable[[float], float]) -> Callable[..., Value]:
    return lambda _, value: _combined(lambda a, b: compute(b), 0.0, value)


def _by_pair(compute: Callable[[float, float], float]) -> Callable[..., Value]:
    """Of each datapoint and the one before it: (difference of values, of times)."""

    def one(series: TimeSeries) -> TimeSeries:
        times = sorted(series)
        return {at: compute(series[at] - series[before], at - before) for before, at in pairwise(times)}

    return lambda _, value: _each(value, one)


def _running_sum(series: TimeSeries) -> TimeSeries:
    found, total = {}, 0.0
    for at in sorted(series):
        total += series[at]
        found[at] = total
    return found


def _filled(series: TimeSeries, how: Value | str, grid: Grid) -> TimeSeries:
    if isinstance(how, str):
        return _repeated(series, grid) if how.upper() == "REPEAT" else _linear(series, grid)
    if isinstance(how, list):
        raise MathError("FILL takes a number, a time series, REPEAT or LINEAR")
    filler = _series_of(how, grid)
    return {at: series.get(at, filler.get(at, math.nan)) for at in grid.times() if at in series or at in filler}


def _repeated(series: TimeSeries, grid: Grid) -> TimeSeries:
    found, last = {}, None
    for at in grid.times():
        last = series.get(at, last)
        if last is not None:
            found[at] = last
    return found


def _linear(series: TimeSeries, grid: Grid) -> TimeSeries:
    """Between two datapoints in a straight line."""
    found, times = dict(series), sorted(series)
    for before, after in pairwise(times):
        slope = (series[after] - series[before]) / (after - before)
        for at in range(before + grid.period, after, grid.period):
            found[at] = series[before] + slope * (at - before)
    return found


def _if(grid: Grid, condition: Value, one: Value, other: Value) -> Value:
    if isinstance(condition, float | int):
        return one if condition else other
    series, yes, no = _series_of(condition, grid), _series_of(one, grid), _series_of(other, grid)
    chosen = {at: (yes if value else no).get(at) for at, value in series.items()}
    return {at: value for at, value in chosen.items() if value is not None}


def _count(_: Grid, value: Value) -> Value:
    return float(len(value)) if isinstance(value, list) else 1.0


def _datapoints(_: Grid, value: Value) -> Value:
    if not isinstance(value, dict):
        raise MathError("DATAPOINT_COUNT takes a time series")
    return float(len(value))


_FUNCTIONS: Final[Mapping[str, tuple[int, Callable[..., Value]]]] = {
    "SUM": (1, _reduced(math.fsum)),
    "AVG": (1, _reduced(statistics.fmean)),
    "MIN": (1, _reduced(min)),
    "MAX": (1, _reduced(max)),
    "STDDEV": (1, _reduced(statistics.pstdev)),
    "ABS": (1, _by_element(abs)),
    "CEIL": (1, _by_element(lambda value: float(math.ceil(value)))),
    "FLOOR": (1, _by_element(lambda value: float(math.floor(value)))),
    "LOG": (1, _by_element(math.log)),
    "LOG10": (1, _by_element(math.log10)),
    "EXP": (1, _by_element(math.exp)),
    "RATE": (1, _by_pair(operator.truediv)),
    "DIFF": (1, _by_pair(lambda value, _: value)),
    "DIFF_TIME": (1, _by_pair(lambda _, time: float(time))),
    "RUNNING_SUM": (1, lambda _, value: _each(value, _running_sum)),
    "PERIOD": (1, lambda grid, _: float(grid.period)),
    "TIME_SERIES": (1, lambda grid, value: _series_of(value, grid)),
    "IF": (3, _if),
    "METRIC_COUNT": (1, _count),
    "DATAPOINT_COUNT": (1, _datapoints),
}
