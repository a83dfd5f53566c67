"""What the queries of one request stand for: metrics from the store, and expressions over them.

AWS: docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataQuery.html. Each is computed when it is asked for, once:
a request that is answered page by page computes only what its page needs.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lambdad.observability.datapoint import is_percentile
from lambdad.observability.metric_math import Grid, MathError, TimeSeries, Value, evaluate, names_in
from lambdad.observability.metric_query import MINUTE, Query, start_of
from lambdad.observability.metric_store import MetricStore
from lambdad.store.metrics import SeriesKey

_DEEPEST: Final = 20
"""Expressions that stand on expressions."""


@dataclass(frozen=True, slots=True)
class MetricStat:
    key: SeriesKey
    statistic: str
    period: int
    """A multiple of 60 seconds."""


@dataclass(frozen=True, slots=True)
class MetricDataQuery:
    """Either a metric or an expression."""

    id: str
    metric: MetricStat | None
    expression: str
    label: str
    returned: bool
    period: int | None = None
    """Of an expression, if it says so."""


class MetricData:
    """Of one request."""

    def __init__(
        self, store: MetricStore, queries: Sequence[MetricDataQuery], start: float, end: float, now: float
    ) -> None:
        self._store = store
        self._queries = {query.id: query for query in queries}
        self._start = start_of(start, now)
        self._end = math.ceil(end)
        self._known: dict[str, Value] = {}

    async def value(self, name: str, depth: int = 0) -> Value:
        """By id. Raises MathError."""
        if name in self._known:
            return self._known[name]
        query = self._queries.get(name)
        if query is None:
            raise MathError(f"there is no metric or expression with the id {name!r}")
        if depth > _DEEPEST:
            raise MathError("expressions stand on each other in a circle")
        if query.metric is not None:
            value: Value = await self._metric(query.metric)
        else:
            value = await self._expression(query, depth)
        self._known[name] = value
        return value

    async def _metric(self, metric: MetricStat) -> TimeSeries:
        sketches = is_percentile(metric.statistic)
        self._store.gather()
        keys = self._store.in_units(metric.key)
        found: TimeSeries = {}
        if not keys:
            return found
        query = Query(self._start, self._end, metric.period, sketches)
        first, *others = await self._store.query(keys, query)
        for other in others:
            for at, point in other.items():
                if at in first:
                    first[at].merge(point)
                else:
                    first[at] = point
        for at, point in first.items():
            value = point.statistic(metric.statistic)
            if value is not None:
                found[at] = value
        return found

    async def _expression(self, query: MetricDataQuery, depth: int) -> Value:
        names, all_metrics = names_in(query.expression)
        values = {name: await self.value(name, depth + 1) for name in sorted(names)}
        metrics: dict[str, TimeSeries] = {}
        if all_metrics:
            for one in self._queries.values():
                if one.metric is not None:
                    value = await self.value(one.id)
                    assert isinstance(value, dict)
                    metrics[one.id] = value
        period = query.period or self._longest_period(names if not all_metrics else self._queries)
        return evaluate(query.expression, values, metrics, Grid(self._start, self._end, period))

    def _longest_period(self, names: "set[str] | Mapping[str, object]", depth: int = 0) -> int:
        """Of the metrics that an expression stands on."""
        found = MINUTE
        for name in names:
            query = self._queries[name]
            if query.metric is not None:
                found = max(found, query.metric.period)
            elif query.period is not None:
                found = max(found, query.period)
            elif depth <= _DEEPEST and name not in self._known:
                found = max(found, self._longest_period(names_in(query.expression)[0], depth + 1))
        return found
