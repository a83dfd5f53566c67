"""GetMetricData and GetMetricStatistics.

AWS: docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html and …/API_GetMetricStatistics.html
"""

import math
from collections.abc import Sequence
from typing import Any, Final

from lambdad.errors.cloudwatch import (
    InvalidNextToken,
    InvalidParameterCombinationException,
    InvalidParameterValueException,
    MissingRequiredParameterException,
    ValidationError,
)
from lambdad.observability.datapoint import Datapoint
from lambdad.observability.metric_data import MetricData, MetricDataQuery
from lambdad.observability.metric_math import MathError, TimeSeries, Value
from lambdad.observability.metric_query import Query, start_of
from lambdad.protocols.context import Context, Members
from lambdad.services.cloudwatch.backend import Backend
from lambdad.services.cloudwatch.pages import read_token, token_of
from lambdad.services.cloudwatch.queries import check_statistics, is_period, key_of, read_queries, stored_period

_MOST_DATAPOINTS: Final = 100_800
"""Of one answer of GetMetricData."""
_MOST_OF_STATISTICS: Final = 1440


async def get_metric_data(backend: Backend, context: Context, request: Members) -> Members:
    """Page by page: a token says with which query, and with which of its datapoints, the next one begins."""
    start, end = request["StartTime"], request["EndTime"]
    if start >= end:
        raise ValidationError.span()
    queries = read_queries(context, request["MetricDataQueries"])
    first, skipped = _read_token(request.get("NextToken"), len(queries))
    room = min(request.get("MaxDatapoints") or _MOST_DATAPOINTS, _MOST_DATAPOINTS)
    descending = request.get("ScanBy", "TimestampDescending") == "TimestampDescending"
    data = MetricData(backend.metrics, queries, start, end, backend.clock.now())
    results: list[Members] = []
    for number in range(first, len(queries)):
        query = queries[number]
        if not query.returned:
            continue
        if room <= 0:
            return {"MetricDataResults": results, "NextToken": token_of([number, 0])}
        all_series = await _series(data, query)
        taken = 0
        for series in all_series:
            times = sorted(series, reverse=descending)[skipped:]
            page = times[:room]
            values = list(map(series.__getitem__, page))
            status = "Complete" if len(page) == len(times) else "PartialData"
            results.append(_result(query, page, values, status))
            room -= len(page)
            taken += len(page)
            if len(page) < len(times) and len(all_series) == 1:
                return {"MetricDataResults": results, "NextToken": token_of([number, skipped + taken])}
        skipped = 0
    return {"MetricDataResults": results}


async def _series(data: MetricData, query: MetricDataQuery) -> Sequence[TimeSeries]:
    """Raises ValidationError."""
    try:
        value: Value = await data.value(query.id)
    except MathError as error:
        raise ValidationError.expression(query.id, str(error)) from error
    if isinstance(value, float | int):
        raise ValidationError.expression(query.id, "it results in a number, and not in a time series")
    return value if isinstance(value, list) else [value]


def _result(query: MetricDataQuery, times: list[int], values: list[float], status: str) -> Members:
    return {"Id": query.id, "Label": query.label, "Timestamps": times, "Values": values, "StatusCode": status}


def _read_token(token: str | None, queries: int) -> tuple[int, int]:
    """Raises InvalidNextToken."""
    if not token:
        return 0, 0
    match read_token(token, list):
        case [int(number), int(skipped)] if 0 <= number < queries and skipped >= 0:
            return number, skipped
    raise InvalidNextToken.of_request()


# --- GetMetricStatistics ----------------------------------------------------------------------------------------------


async def get_metric_statistics(backend: Backend, context: Context, request: Members) -> Members:
    statistics, extended = request.get("Statistics"), request.get("ExtendedStatistics")
    if not statistics and not extended:
        raise MissingRequiredParameterException.of("Statistics")
    if statistics and extended:
        raise InvalidParameterCombinationException.both("Statistics", "ExtendedStatistics")
    check_statistics(extended or (), "ExtendedStatistics")
    period = request["Period"]
    if not is_period(period):
        raise InvalidParameterValueException.period()
    start, end = request["StartTime"], request["EndTime"]
    if start >= end:
        raise InvalidParameterCombinationException.span()
    number = math.ceil((end - start) / period)
    if number > _MOST_OF_STATISTICS:
        raise InvalidParameterCombinationException.datapoints(number, _MOST_OF_STATISTICS)
    backend.metrics.gather()
    keys = backend.metrics.in_units(key_of(context, request, request.get("Unit")))
    begin = start_of(start, backend.clock.now())
    query = Query(begin, math.ceil(end), stored_period(period), bool(extended))
    found = await backend.metrics.query(keys, query)
    datapoints = [
        _datapoint(at, point, key.unit, statistics or (), extended or ())
        for key, points in zip(keys, found, strict=True)
        for at, point in sorted(points.items())
    ]
    return {"Label": request["MetricName"], "Datapoints": datapoints}


def _datapoint(
    at: int, point: Datapoint, unit: str, statistics: Sequence[str], extended: Sequence[str]
) -> dict[str, Any]:
    members: dict[str, Any] = {"Timestamp": at, "Unit": unit}
    members |= {name: point.statistic(name) for name in statistics}
    if extended:
        values = {name: point.statistic(name) for name in extended}
        members["ExtendedStatistics"] = {name: value for name, value in values.items() if value is not None}
    return members
