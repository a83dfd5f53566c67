"""How requests name metrics: dimensions, statistics, periods, and MetricDataQueries. Pure.

AWS: docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataQuery.html
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from lambdad.errors.cloudwatch import InvalidParameterValueException, ValidationError
from lambdad.observability.datapoint import is_statistic
from lambdad.observability.metric_data import MetricDataQuery, MetricStat
from lambdad.protocols.context import Context
from lambdad.store.metrics import Dimensions, SeriesKey

_ID: Final = re.compile(r"[a-z][a-zA-Z0-9_]*")
_MOST: Final = 500
_HIGH_RESOLUTION: Final = frozenset({1, 5, 10, 20, 30})


def dimensions_of(members: Sequence[Mapping[str, str]] | None) -> Dimensions:
    return tuple(sorted((one["Name"], one["Value"]) for one in members or ()))


def dimension_members(dimensions: Dimensions) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in dimensions]


def is_period(period: int) -> bool:
    return period in _HIGH_RESOLUTION or period % 60 == 0


def stored_period(period: int) -> int:
    """Datapoints are kept of whole minutes: shorter periods are answered with those."""
    return max(period, 60)


def key_of(context: Context, metric: Mapping[str, Any], unit: str | None) -> SeriesKey:
    return SeriesKey(
        context.account,
        context.region,
        metric.get("Namespace", ""),
        metric.get("MetricName", ""),
        dimensions_of(metric.get("Dimensions")),
        unit or "",
    )


def read_queries(context: Context, members: Sequence[Mapping[str, Any]]) -> list[MetricDataQuery]:
    """Raises ValidationError."""
    if len(members) > _MOST:
        raise ValidationError.too_many_queries(_MOST)
    queries: list[MetricDataQuery] = []
    seen: set[str] = set()
    for number, one in enumerate(members, 1):
        name = one["Id"]
        if _ID.fullmatch(name) is None:
            raise ValidationError.query(
                number, f"the Id {name} must begin with a lowercase letter, then letters, digits, _"
            )
        if name in seen:
            raise ValidationError.query(number, f"the Id {name} is given twice")
        seen.add(name)
        queries.append(_read(context, number, one))
    return queries


def _read(context: Context, number: int, one: Mapping[str, Any]) -> MetricDataQuery:
    stat, expression = one.get("MetricStat"), one.get("Expression")
    if (stat is None) == (expression is None):
        raise ValidationError.query(number, "it needs either MetricStat or Expression")
    returned = one.get("ReturnData", True)
    period = one.get("Period")
    if period is not None and not is_period(period):
        raise ValidationError.period()
    if stat is None:
        label = one.get("Label", one["Id"])
        return MetricDataQuery(
            one["Id"], None, expression or "", label, returned, stored_period(period) if period else None
        )
    if not is_statistic(stat["Stat"]):
        raise ValidationError.statistic(stat["Stat"])
    if not is_period(stat["Period"]):
        raise ValidationError.period()
    key = key_of(context, stat["Metric"], stat.get("Unit"))
    metric = MetricStat(key, stat["Stat"], stored_period(stat["Period"]))
    return MetricDataQuery(one["Id"], metric, "", one.get("Label", key.name), returned)


def check_statistics(names: Sequence[str], parameter: str) -> None:
    """Raises InvalidParameterValueException."""
    for name in names:
        if not is_statistic(name):
            raise InvalidParameterValueException.value(name, parameter)
