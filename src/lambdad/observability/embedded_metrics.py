"""Metrics that functions write into their logs: the embedded metric format.

AWS: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html. A document that
does not keep to it gives no metrics at all, and is counted as AWS counts it (AWS/Logs, EMFValidationErrors). Logs are many: only
lines that could hold a document are looked at, and no more of them than the event loop can spare.
"""

import itertools
import logging
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from lambdad.clock import Clock
from lambdad.observability.datapoint import Datapoint
from lambdad.observability.log_writer import LogEvent
from lambdad.observability.metric_query import DAY, HOUR, MINUTE
from lambdad.observability.metric_store import MetricStore, Sample
from lambdad.store.metrics import Dimensions, SeriesKey

log = logging.getLogger(__name__)

_MARK: Final = '"_aws"'
_PER_SECOND: Final = 2 * 1024 * 1024
"""Bytes of documents that are read: what floods the logs with them loses metrics, and nobody else time."""
_MOST_DATAPOINTS: Final = 1000
"""Of one document."""
_MOST_METRICS: Final = 100
_MOST_VALUES: Final = 100
_MOST_DIMENSIONS: Final = 30
_LONGEST_NAME: Final = 1024
_LONGEST_DIMENSION: Final = 250
_LARGEST: Final = 2.0**360
_SIZES: Final = ("Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes")
_UNITS: Final = frozenset(
    f"{unit}{rate}"
    for unit in (*_SIZES, *(size.replace("yte", "it") for size in _SIZES), "Count")
    for rate in ("", "/Second")
) | {"Seconds", "Microseconds", "Milliseconds", "Percent", "None"}


class InvalidDocument(Exception):
    """The text says why."""


class EmbeddedMetrics:
    """`listen` is for the log store's `subscribe`."""

    def __init__(self, store: MetricStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._second = 0
        self._read = 0
        self._passed_over = 0

    def listen(self, account: str, region: str, group: str, stream: str, events: Sequence[LogEvent]) -> None:
        for event in events:
            if _MARK in event.message:
                self._take(account, region, group, event.message)

    def _take(self, account: str, region: str, group: str, message: str) -> None:
        now = self._clock.now()
        if int(now) != self._second:
            self._next_second(int(now))
        self._read += len(message)
        if self._read > _PER_SECOND:
            self._passed_over += 1
            return
        try:
            document = orjson.loads(message)
        except ValueError:  # a line that only speaks of it
            return
        if not isinstance(document, dict) or not isinstance(document.get("_aws"), dict):
            return
        try:
            samples = _at_most(_MOST_DATAPOINTS, samples_of(account, region, document, now))
        except InvalidDocument as error:
            log.debug("a document in %s gives no metrics: %s", group, error)
            key = SeriesKey(account, region, "AWS/Logs", "EMFValidationErrors", (("LogGroupName", group),), "Count")
            samples = [(key, int(now) // MINUTE * MINUTE, Datapoint.of([1.0]))]
        self._store.add(samples)

    def _next_second(self, second: int) -> None:
        if self._passed_over:
            log.warning("%d documents of metrics in logs were passed over: they came too fast", self._passed_over)
        self._second, self._read, self._passed_over = second, 0, 0


def samples_of(account: str, region: str, document: Mapping[str, Any], now: float) -> Iterator[Sample]:
    """Raises InvalidDocument."""
    metadata = document["_aws"]
    milliseconds = metadata.get("Timestamp")
    if not _is_number(milliseconds):
        raise InvalidDocument("_aws.Timestamp is no number")
    time = milliseconds / 1000
    if not now - 14 * DAY <= time <= now + 2 * HOUR:
        raise InvalidDocument("_aws.Timestamp is too far from now")
    minute = int(time) // MINUTE * MINUTE
    for directive in _list(metadata.get("CloudWatchMetrics"), "_aws.CloudWatchMetrics", None):
        if not isinstance(directive, dict):
            raise InvalidDocument("a directive is no object")
        namespace = _name(directive.get("Namespace"), "Namespace", _LONGEST_NAME)
        if namespace.startswith("AWS/"):
            raise InvalidDocument("the namespace is AWS's own")
        sets = [_dimensions(document, one) for one in _list(directive.get("Dimensions"), "Dimensions", None)]
        for definition in _list(directive.get("Metrics"), "Metrics", _MOST_METRICS):
            name, unit, point = _metric(document, definition)
            if point is not None:
                for dimensions in sets or [()]:
                    yield SeriesKey(account, region, namespace, name, dimensions, unit), minute, point


def _dimensions(document: Mapping[str, Any], names: Any) -> Dimensions:
    found = []
    for name in _list(names, "a set of dimensions", _MOST_DIMENSIONS):
        value = document.get(_name(name, "a dimension", _LONGEST_DIMENSION))
        if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_NAME:
            raise InvalidDocument(f"the dimension {name} is no text of 1 to {_LONGEST_NAME} characters")
        found.append((name, value))
    return tuple(sorted(found))


def _metric(document: Mapping[str, Any], definition: Any) -> tuple[str, str, Datapoint | None]:
    """(name, unit, values); None: the document has no such member."""
    if not isinstance(definition, dict):
        raise InvalidDocument("a metric is no object")
    name = _name(definition.get("Name"), "Name", _LONGEST_NAME)
    unit = definition.get("Unit", "None")
    if not isinstance(unit, str) or unit not in _UNITS:
        raise InvalidDocument(f"{unit!r} is no unit")
    if definition.get("StorageResolution", 60) not in (1, 60):
        raise InvalidDocument("StorageResolution is neither 1 nor 60")
    given = document.get(name)
    if given is None:
        return name, unit, None
    values = _list(given, name, _MOST_VALUES) if isinstance(given, list) else [given]
    if not all(_is_number(value) and abs(value) <= _LARGEST for value in values):
        raise InvalidDocument(f"{name} is no number, nor a list of numbers")
    return name, unit, Datapoint.of(map(float, values)) if values else None


def _at_most(most: int, samples: Iterator[Sample]) -> list[Sample]:
    found = list(itertools.islice(samples, most + 1))
    if len(found) > most:
        raise InvalidDocument(f"it has more than {most} datapoints")
    return found


def _list(value: Any, what: str, most: int | None) -> Iterable[Any]:
    if not isinstance(value, list) or (most is not None and len(value) > most):
        raise InvalidDocument(f"{what} is no list" + (f" of at most {most}" if most is not None else ""))
    return value


def _name(value: Any, what: str, longest: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.strip():
        raise InvalidDocument(f"{what} is no name of 1 to {longest} characters")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
