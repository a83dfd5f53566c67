"""PutMetricData and ListMetrics.

AWS: docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html and …/API_ListMetrics.html
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from lambdad.errors.cloudwatch import (
    InvalidParameterCombinationException,
    InvalidParameterValueException,
    LimitExceededFault,
    MissingRequiredParameterException,
)
from lambdad.observability.datapoint import Datapoint
from lambdad.observability.metric_query import DAY, HOUR, MINUTE
from lambdad.observability.metric_store import Sample, TooManyMetrics
from lambdad.protocols.context import Context, Members
from lambdad.services.cloudwatch.backend import Backend
from lambdad.services.cloudwatch.names import flaw_of_metric
from lambdad.services.cloudwatch.pages import read_token, token_of
from lambdad.services.cloudwatch.queries import dimension_members, dimensions_of
from lambdad.store.metrics import SeriesKey

_MOST_DATA: Final = 1000
_MOST_VALUES: Final = 150
_LARGEST: Final = 2.0**360
_PAST: Final = 14 * DAY
_FUTURE: Final = 2 * HOUR
_PAGE: Final = 500
_RECENT: Final = 3 * HOUR
"""RecentlyActive=PT3H."""


async def put_metric_data(backend: Backend, context: Context, request: Members) -> Members:
    """On disk when it is answered. All of it is taken, or nothing."""
    namespace = request["Namespace"]
    if namespace.startswith("AWS/"):
        raise InvalidParameterValueException.value(namespace, "Namespace")
    groups = [("MetricData", request.get("MetricData") or [])]
    for number, entity in enumerate(request.get("EntityMetricData") or [], 1):
        groups.append((f"EntityMetricData.member.{number}.MetricData", entity.get("MetricData") or []))
    total = sum(len(data) for _, data in groups)
    if not total:
        raise MissingRequiredParameterException.of("MetricData")
    if total > _MOST_DATA:
        raise InvalidParameterValueException.size("MetricData", _MOST_DATA)
    _check_names(request)
    now = backend.clock.now()
    samples: list[Sample] = []
    for name, data in groups:
        for number, datum in enumerate(data, 1):
            at = f"{name}.member.{number}"
            _check_names(datum, f"{at}.")
            key = SeriesKey(
                *(context.account, context.region, namespace, datum["MetricName"]),
                *(dimensions_of(datum.get("Dimensions")), datum.get("Unit") or "None"),
            )
            samples.append((key, _minute(datum, at, now), _point(datum, at)))
    try:
        await backend.metrics.put(samples)
    except TooManyMetrics as error:
        raise LimitExceededFault.metrics(backend.metrics.most_series) from error
    return {}


def _check_names(given: Mapping[str, Any], at: str = "") -> None:
    """Raises InvalidParameterValueException."""
    if found := flaw_of_metric(given):
        raise InvalidParameterValueException.name(f"{at}{found[0]}", found[1])


def _minute(datum: Mapping[str, Any], at: str, now: float) -> int:
    """Raises InvalidParameterValueException."""
    time = datum.get("Timestamp", now)
    if time < now - _PAST:
        raise InvalidParameterValueException.too_old(f"{at}.Timestamp")
    if time > now + _FUTURE:
        raise InvalidParameterValueException.too_new(f"{at}.Timestamp")
    return int(time) // MINUTE * MINUTE


def _point(datum: Mapping[str, Any], at: str) -> Datapoint:
    """Raises InvalidParameterValueException, InvalidParameterCombinationException, MissingRequiredParameterException."""
    resolution = datum.get("StorageResolution", MINUTE)
    if resolution not in (1, MINUTE):
        raise InvalidParameterValueException.value(resolution, f"{at}.StorageResolution")
    given = [name for name in ("Value", "StatisticValues", "Values") if datum.get(name) not in (None, [])]
    if not given:
        raise MissingRequiredParameterException.of(f"{at}.Value")
    if len(given) > 1:
        raise InvalidParameterCombinationException.both(f"{at}.{given[0]}", f"{at}.{given[1]}")
    if given == ["Value"]:
        return Datapoint.constant(_number(datum["Value"], f"{at}.Value"), 1.0)
    if given == ["StatisticValues"]:
        return _statistic_set(datum["StatisticValues"], f"{at}.StatisticValues")
    return _values(datum, at)


def _statistic_set(given: Mapping[str, float], at: str) -> Datapoint:
    count, total, low, high = (
        _number(given[name], f"{at}.{name}") for name in ("SampleCount", "Sum", "Minimum", "Maximum")
    )
    if count <= 0:
        raise InvalidParameterValueException.value(count, f"{at}.SampleCount")
    if low > high:
        raise InvalidParameterValueException.value(low, f"{at}.Minimum")
    point = Datapoint.constant(low, count) if low == high else Datapoint(minimum=low, maximum=high)
    point.count, point.total = count, total
    return point


def _values(datum: Mapping[str, Any], at: str) -> Datapoint:
    values, counts = datum["Values"], datum.get("Counts") or [1.0] * len(datum["Values"])
    if len(values) > _MOST_VALUES:
        raise InvalidParameterValueException.size(f"{at}.Values", _MOST_VALUES)
    if len(values) != len(counts):
        raise InvalidParameterValueException.sizes(f"{at}.Values", f"{at}.Counts")
    point = Datapoint.empty()
    for number, (value, count) in enumerate(zip(values, counts, strict=True), 1):
        if _number(count, f"{at}.Counts.member.{number}") <= 0:
            raise InvalidParameterValueException.value(count, f"{at}.Counts.member.{number}")
        point.add(_number(value, f"{at}.Values.member.{number}"), count)
    return point


def _number(value: float, at: str) -> float:
    if not math.isfinite(value) or abs(value) > _LARGEST:
        raise InvalidParameterValueException.value(value, at)
    return float(value)


# --- ListMetrics ------------------------------------------------------------------------------------------------------


async def list_metrics(backend: Backend, context: Context, request: Members) -> Members:
    """500 at a time; a token names the last one of a page, so metrics that go or come meanwhile shift nothing."""
    token = request.get("NextToken")
    after = read_token(token, int) if token else 0
    owner = request.get("OwningAccount")
    found: list[SeriesKey] = []
    last = 0
    if owner is None or owner == context.account:
        for number, key in _listed(backend, context, request, after):
            if len(found) == _PAGE:
                return {"Metrics": [_metric(one) for one in found], "NextToken": token_of(last)}
            found.append(key)
            last = number
    return {"Metrics": [_metric(key) for key in found]}


def _listed(backend: Backend, context: Context, request: Members, after: int) -> Iterator[tuple[int, SeriesKey]]:
    """(number, metric); one that comes in several units is one."""
    wanted: Sequence[Mapping[str, str]] = request.get("Dimensions") or ()
    since = backend.clock.now() - _RECENT if request.get("RecentlyActive") == "PT3H" else 0
    for series in backend.metrics.series(context.account, context.region):
        key = series.key
        if (
            series.id > after
            and series.latest >= since
            and request.get("Namespace", key.namespace) == key.namespace
            and request.get("MetricName", key.name) == key.name
            and all(_has(key, one) for one in wanted)
            and backend.metrics.in_units(key.unitless)[0] == key
        ):
            yield series.id, key


def _has(key: SeriesKey, wanted: Mapping[str, str]) -> bool:
    return any(name == wanted["Name"] and wanted.get("Value", value) == value for name, value in key.dimensions)


def _metric(key: SeriesKey) -> Members:
    return {"Namespace": key.namespace, "MetricName": key.name, "Dimensions": dimension_members(key.dimensions)}
