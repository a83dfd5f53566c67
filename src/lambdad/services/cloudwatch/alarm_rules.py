"""What an alarm may be. Pure.

AWS: docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
"""

from collections.abc import Mapping
from typing import Any, Final

from lambdad.errors.cloudwatch import (
    InvalidParameterCombinationException,
    MissingRequiredParameterException,
    ValidationError,
)
from lambdad.observability.datapoint import is_percentile
from lambdad.observability.metric_query import DAY, HOUR
from lambdad.protocols.context import Context, Members
from lambdad.resources.alarm import COMPARISONS, MISSING_TREATED
from lambdad.services.cloudwatch.names import flaw_of_alarm, flaw_of_metric
from lambdad.services.cloudwatch.queries import read_queries

_KEPT: Final = (
    "AlarmDescription",
    "ActionsEnabled",
    "OKActions",
    "AlarmActions",
    "InsufficientDataActions",
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Dimensions",
    "Period",
    "Unit",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "Threshold",
    "ComparisonOperator",
    "TreatMissingData",
    "EvaluateLowSampleCountPercentile",
    "Metrics",
)
_REFUSED: Final = (
    "ThresholdMetricId",
    "EvaluationWindow",
    "WarmUpConfiguration",
    "EvaluationCriteria",
    "EvaluationInterval",
    "ActionConfiguration",
)
"""Anomaly detection, PromQL, and their like: an alarm that were taken without them would be another."""
_OF_ONE_METRIC: Final = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Dimensions", "Period", "Unit")
_PERIODS: Final = frozenset({10, 20, 30})
_LONGEST: Final = 7 * DAY


def settings_of(request: Members) -> dict[str, Any]:
    """The members that are kept; lists are answered also where none were given."""
    lists: dict[str, list[Any]] = {"OKActions": [], "AlarmActions": [], "InsufficientDataActions": []}
    if not request.get("Metrics"):
        lists["Dimensions"] = []
    given = {name: request[name] for name in _KEPT if request.get(name) is not None}
    return {"ActionsEnabled": True, **lists, **given}


def check_alarm(context: Context, request: Members) -> None:
    """Raises ValidationError, MissingRequiredParameterException, InvalidParameterCombinationException."""
    _check_names(request)
    for name in _REFUSED:
        if request.get(name) is not None:
            raise ValidationError.alarm(f"lambdad does not support {name} of alarms.")
    for name in ("ComparisonOperator", "EvaluationPeriods", "Threshold"):
        if request.get(name) is None:
            raise MissingRequiredParameterException.of(name)
    if request["ComparisonOperator"] not in COMPARISONS:
        raise ValidationError.alarm(
            f"lambdad does not support {request['ComparisonOperator']}: it has no anomaly bands."
        )
    if request.get("TreatMissingData", "missing") not in MISSING_TREATED:
        raise ValidationError.alarm(
            f"Value '{request['TreatMissingData']}' for TreatMissingData must be one of {', '.join(MISSING_TREATED)}."
        )
    if request.get("EvaluateLowSampleCountPercentile", "evaluate") not in ("evaluate", "ignore"):
        raise ValidationError.alarm("EvaluateLowSampleCountPercentile must be evaluate or ignore.")
    if request.get("DatapointsToAlarm", 1) > request["EvaluationPeriods"]:
        raise ValidationError.alarm("DatapointsToAlarm must be less than or equal to EvaluationPeriods.")
    period = _check_metrics(context, request) if request.get("Metrics") else _check_metric(request)
    longest = DAY if period < HOUR else _LONGEST
    if period * request["EvaluationPeriods"] > longest:
        raise ValidationError.alarm(
            f"Metrics cannot be checked across more than {'a day' if longest == DAY else 'a week'} "
            "(EvaluationPeriods * Period must be <= "
            f"{longest})."
        )


def _check_names(request: Members) -> None:
    if flaw := flaw_of_alarm(request["AlarmName"]):
        raise ValidationError.name("AlarmName", flaw)
    named = [("", request)]
    for number, query in enumerate(request.get("Metrics") or (), 1):
        if query.get("MetricStat"):
            named.append((f"Metrics.member.{number}.MetricStat.Metric.", query["MetricStat"]["Metric"]))
    for at, metric in named:
        if found := flaw_of_metric(metric):
            raise ValidationError.name(f"{at}{found[0]}", found[1])


def _check_metric(request: Members) -> int:
    for name in ("MetricName", "Namespace", "Period"):
        if request.get(name) is None:
            raise MissingRequiredParameterException.of(name)
    statistic, extended = request.get("Statistic"), request.get("ExtendedStatistic")
    if statistic and extended:
        raise InvalidParameterCombinationException.both("Statistic", "ExtendedStatistic")
    if not statistic and not extended:
        raise MissingRequiredParameterException.of("Statistic")
    if extended and not is_percentile(extended):
        raise ValidationError.statistic(extended)
    period: int = request["Period"]
    if period not in _PERIODS and period % 60:
        raise ValidationError.alarm("Period must be 10, 20, 30 or a multiple of 60.")
    return period


def _check_metrics(context: Context, request: Mapping[str, Any]) -> int:
    for name in _OF_ONE_METRIC:
        if request.get(name):
            raise InvalidParameterCombinationException.both("Metrics", name)
    queries = read_queries(context, request["Metrics"])
    if sum(query.returned for query in queries) != 1:
        raise ValidationError.alarm("Exactly one element of the metrics list should return data.")
    return max(query.metric.period if query.metric is not None else query.period or 60 for query in queries)
