"""The metrics of the AWS/Lambda namespace: everything that happens is counted, nothing is sampled.

AWS: docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html and …/monitoring-metrics-view.html (dimensions). Counted
once per minute and resource, after the answer; datapoints of all dimensions are made of that when someone looks, or each minute.
As on AWS an invocation belongs to the minute in which it began. Numbers of what runs at once are looked at whenever something
ends, just before: between two ends they only grow.
"""

from array import array
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeVar

from lambdad.clock import Clock
from lambdad.observability.datapoint import Datapoint
from lambdad.resources.arn import qualifier_of
from lambdad.resources.event_source_mapping import MappingKey
from lambdad.resources.function import LATEST, Function, FunctionKey, FunctionVersion
from lambdad.store.metrics import Dimensions, SeriesKey

NAMESPACE: Final = "AWS/Lambda"
_MINUTE: Final = 60
_GATHERED: Final = 4096
"""Values kept one by one until they are added up."""
_UNITS: Final = {
    "Duration": "Milliseconds",
    "IteratorAge": "Milliseconds",
    "AsyncEventAge": "Milliseconds",
    "PostRuntimeExtensionsDuration": "Milliseconds",
    "UrlRequestLatency": "Milliseconds",
    "ProvisionedConcurrencyUtilization": "None",
}
"""All others: Count."""
_NOT_OF_ALL: Final = frozenset({"ProvisionedConcurrentExecutions", "ProvisionedConcurrencyUtilization"})
"""Where a sum over functions would say nothing."""

Sample = tuple[SeriesKey, int, Datapoint]
K = TypeVar("K", bound=Hashable)


class _Values:
    """Of one metric in one minute: few operations for each value, whatever is to be known of them."""

    __slots__ = ("_point", "_values")

    def __init__(self) -> None:
        self._values = array("d")
        self._point = Datapoint.empty()

    def add(self, value: float) -> None:
        self._values.append(value)
        if len(self._values) >= _GATHERED:
            self.gather()

    def gather(self) -> Datapoint:
        for value in self._values:
            self._point.add(value)
        del self._values[:]
        return self._point


class _Levels(dict[int, int]):
    """How many times each small number came: what runs at once."""

    def add(self, level: int) -> None:
        self[level] = self.get(level, 0) + 1

    def gather(self) -> Datapoint:
        point = Datapoint.empty()
        for level, times in self.items():
            point.add(float(level), float(times))
        return point


class _Tally:
    """Of a resource in one minute, or of whatever else."""

    __slots__ = ("concurrent", "durations", "errors", "invocations", "others")

    def __init__(self) -> None:
        self.invocations = 0
        self.errors = 0
        self.durations = _Values()
        self.concurrent = _Levels()
        self.others: dict[str, _Values | _Levels] = {}

    def other(self, metric: str) -> _Values:
        values = self.others.get(metric)
        if values is None:
            values = self.others[metric] = _Values()
        assert isinstance(values, _Values)
        return values

    def level(self, metric: str) -> _Levels:
        levels = self.others.get(metric)
        if levels is None:
            levels = self.others[metric] = _Levels()
        assert isinstance(levels, _Levels)
        return levels

    def points(self) -> Iterator[tuple[str, Datapoint]]:
        """By metric. Of each invocation it is known whether it failed, and that it was not throttled."""
        if self.invocations:
            number, errors = float(self.invocations), float(self.errors)
            yield "Invocations", Datapoint.constant(1.0, number)
            failed = Datapoint.empty()
            for value, times in ((0.0, number - errors), (1.0, errors)):
                if times:
                    failed.add(value, times)
            yield "Errors", failed
            yield "Throttles", Datapoint.constant(0.0, number)
            yield "Duration", self.durations.gather()
        if self.concurrent:
            yield "ConcurrentExecutions", self.concurrent.gather()
        for metric, values in self.others.items():
            yield metric, values.gather()


@dataclass(slots=True)
class _Place:
    """Of an account in a region: what runs at once."""

    running: int = 0
    unreserved: int = 0
    tallies: dict[int, _Tally] = field(default_factory=dict)
    """By minute: of the metrics that are no sums over functions."""


@dataclass(slots=True)
class _Function:
    key: FunctionKey
    place: _Place
    reserved: bool
    running: int = 0
    tallies: dict[int, _Tally] = field(default_factory=dict)


@dataclass(slots=True)
class Resource:
    """A function as it was asked for: unqualified, or by a version or alias."""

    function: _Function
    qualifier: str | None
    running: int = 0
    tallies: dict[tuple[int, str], _Tally] = field(default_factory=dict)
    """By minute and executed version."""


class LambdaMetrics:
    def __init__(
        self,
        clock: Clock,
        function_of: Callable[[FunctionKey], Function | None],
        allocated: Callable[[str, str], int],
    ) -> None:
        """`allocated`: how many concurrent executions of an account in a region are reserved or provisioned."""
        self._clock = clock
        self._function_of = function_of
        self._allocated = allocated
        self._places: dict[tuple[str, str], _Place] = {}
        self._functions: dict[FunctionKey, _Function] = {}
        self._resources: dict[str, Resource] = {}
        """By ARN, qualified as asked for."""
        self._mappings: dict[MappingKey, dict[int, _Tally]] = {}
        """Of event source mappings that wish it, by minute."""

    # --- What is counted ----------------------------------------------------------------------------------------------

    def began(self, key: FunctionKey, function_arn: str) -> Resource:
        """An invocation of this ARN, as it was asked for; `ended` is told of the same Resource."""
        resource = self._resources.get(function_arn) or self._resource(key, qualifier_of(function_arn))
        function = resource.function
        resource.running += 1
        function.running += 1
        function.place.running += 1
        function.place.unreserved += not function.reserved
        return resource

    def ended(
        self,
        resource: Resource,
        version: str,
        began_at: float,
        result: tuple[float, bool] | None,
        provision: tuple[int, int] | None,
        provisioned: bool,
    ) -> None:
        """`result`: (milliseconds that the function took, whether it failed), None if it never got the event. `provision`: of the
        version's provisioned concurrency, how much was in use and how much there is."""
        minute = int(self._clock.now()) // _MINUTE * _MINUTE
        self._running(resource, version, minute)
        function = resource.function
        resource.running -= 1
        function.running -= 1
        function.place.running -= 1
        function.place.unreserved -= not function.reserved
        if result is None:
            return
        tally = _tally(resource.tallies, (int(began_at) // _MINUTE * _MINUTE, version))
        tally.invocations += 1
        tally.errors += result[1]
        tally.durations.add(result[0])
        if provision is not None:
            used, allocated = provision
            tally.level("ProvisionedConcurrencyInvocations").add(provisioned)
            tally.level("ProvisionedConcurrencySpilloverInvocations").add(not provisioned)
            tally.level("ProvisionedConcurrentExecutions").add(used)
            tally.other("ProvisionedConcurrencyUtilization").add(used / allocated)

    def throttled(self, key: FunctionKey, qualifier: str | None, version: str) -> None:
        self.observe("Throttles", key, qualifier, 1.0, version)

    def observe(self, metric: str, key: FunctionKey, qualifier: str | None, value: float, version: str = "") -> None:
        """Of what happens more rarely than invocations: one more value of any metric."""
        minute = int(self._clock.now()) // _MINUTE * _MINUTE
        _tally(self._resource(key, qualifier).tallies, (minute, version)).other(metric).add(value)

    def extensions_worked_on(self, version: FunctionVersion, function_arn: str, milliseconds: float) -> None:
        """After the answer to an invocation of that ARN."""
        qualifier = qualifier_of(function_arn)
        self.observe("PostRuntimeExtensionsDuration", version.key, qualifier, milliseconds, version.version)

    def observe_mapping(self, metric: str, key: MappingKey, value: float) -> None:
        minute = int(self._clock.now()) // _MINUTE * _MINUTE
        _tally(self._mappings.setdefault(key, {}), minute).other(metric).add(value)

    def _running(self, resource: Resource, version: str, minute: int) -> None:
        """How many run at once, by each of the dimensions."""
        function = resource.function
        _tally(resource.tallies, (minute, version)).concurrent.add(resource.running)
        _tally(function.tallies, minute).concurrent.add(function.running)
        place, key = function.place, function.key
        tally = _tally(place.tallies, minute)
        tally.concurrent.add(place.running)
        tally.level("UnreservedConcurrentExecutions").add(place.unreserved)
        claimed = place.unreserved + self._allocated(key.account, key.region)
        tally.level("ClaimedAccountConcurrency").add(claimed)

    def _resource(self, key: FunctionKey, qualifier: str | None) -> Resource:
        arn = f"{key.arn}:{qualifier}" if qualifier else key.arn
        found = self._resources.get(arn)
        if found is not None:
            return found
        function = self._functions.get(key)
        if function is None:
            place = self._places.setdefault((key.account, key.region), _Place())
            function = self._functions[key] = _Function(key, place, _is_reserved(self._function_of(key)))
        resource = self._resources[arn] = Resource(function, qualifier)
        return resource

    def function_changed(self, key: FunctionKey, before: Function | None, after: Function | None) -> None:
        """A committed change: what runs counts as it would now."""
        function = self._functions.get(key)
        if function is not None and function.reserved != _is_reserved(after):
            function.place.unreserved += function.running if function.reserved else -function.running
            function.reserved = not function.reserved

    # --- Datapoints ---------------------------------------------------------------------------------------------------

    def gather(self, minute_over: int | None) -> Iterable[Sample]:
        """What has been counted since the last time. `minute_over`: the minute that has just ended, once for each."""
        if minute_over is not None:
            for resource in self._resources.values():
                if resource.running:
                    for minute in (minute_over, minute_over + _MINUTE):
                        self._running(resource, "", minute)
        samples = [*self._of_resources(), *self._of_functions(), *self._of_places(), *self._of_mappings()]
        self._resources = {at: resource for at, resource in self._resources.items() if resource.running}
        kept = {resource.function.key for resource in self._resources.values()}
        self._functions = {key: function for key, function in self._functions.items() if key in kept}
        self._places = {at: place for at, place in self._places.items() if place.running}
        return samples

    def _of_resources(self) -> Iterator[Sample]:
        for resource in self._resources.values():
            key = resource.function.key
            for (minute, version), tally in resource.tallies.items():
                for metric, point in tally.points():
                    for dimensions in _dimensions(metric, key.name, resource.qualifier, version):
                        yield _series(key, metric, dimensions), minute, point
            resource.tallies.clear()

    def _of_functions(self) -> Iterator[Sample]:
        for key, function in self._functions.items():
            for minute, tally in function.tallies.items():
                for metric, point in tally.points():
                    yield _series(key, metric, (("FunctionName", key.name),)), minute, point
            function.tallies.clear()

    def _of_places(self) -> Iterator[Sample]:
        for (account, region), place in self._places.items():
            for minute, tally in place.tallies.items():
                for metric, point in tally.points():
                    yield _series(FunctionKey(account, region, ""), metric, ()), minute, point
            place.tallies.clear()

    def _of_mappings(self) -> Iterator[Sample]:
        for key, tallies in self._mappings.items():
            for minute, tally in tallies.items():
                for metric, point in tally.points():
                    dimensions = (("EventSourceMappingUUID", key.name),)
                    yield _series(FunctionKey(key.account, key.region, ""), metric, dimensions), minute, point
        self._mappings.clear()


def _tally(tallies: dict[K, _Tally], at: K) -> _Tally:
    tally = tallies.get(at)
    if tally is None:
        tally = tallies[at] = _Tally()
    return tally


def _series(key: FunctionKey, metric: str, dimensions: Dimensions) -> SeriesKey:
    return SeriesKey(key.account, key.region, NAMESPACE, metric, dimensions, _UNITS.get(metric, "Count"))


def _dimensions(metric: str, name: str, qualifier: str | None, version: str) -> list[Dimensions]:
    """All functions; this one; as it was asked for; and of an alias, the version that it led to."""
    function = ("FunctionName", name)
    resource = ("Resource", f"{name}:{qualifier}" if qualifier else name)
    found: list[Dimensions] = [(function, resource)]
    if metric != "ConcurrentExecutions":  # what runs at once in all is no sum of what each had at most
        found += [(function,)] if metric in _NOT_OF_ALL else [(function,), ()]
    if version and qualifier and not qualifier.isdigit() and qualifier != LATEST:
        found.append((("ExecutedVersion", version), function, resource))
    return found


def _is_reserved(function: Function | None) -> bool:
    return function is not None and function.reserved_concurrency is not None
