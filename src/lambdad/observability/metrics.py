"""What the server counts, for Prometheus (text exposition format 0.0.4)."""

from collections.abc import Callable, Iterable, Mapping

from lambdad.observability.exposition import head
from lambdad.observability.lambda_metrics import LambdaMetrics
from lambdad.observability.url_metrics import UrlMetrics
from lambdad.resources.function import FunctionKey

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 900.0)
"""Seconds."""
_IN_CLOUDWATCH = {
    "async_events_received": "AsyncEventsReceived",
    "async_events_dropped": "AsyncEventsDropped",
    "dead_letter_errors": "DeadLetterErrors",
    "destination_delivery_failures": "DestinationDeliveryFailures",
    "recursive_invocations_dropped": "RecursiveInvocationsDropped",
    "signature_validation_errors": "SignatureValidationErrors",
}
"""What the same is called in the namespace AWS/Lambda."""


class Series:
    """One function's counters."""

    __slots__ = ("buckets", "errors", "function_seconds", "invocations", "ran", "seconds", "throttles")

    def __init__(self) -> None:
        self.invocations = 0
        self.errors = 0
        self.throttles = 0
        self.seconds = 0.0
        self.ran = 0
        self.function_seconds = 0.0
        """Of the functions themselves, `ran` times: without starting and waiting."""
        self.buckets = [0] * (len(_BUCKETS) + 1)

    def invocation(self, seconds: float, failed: bool, duration_ms: float | None) -> None:
        """`duration_ms`: of the function itself; None: it never got the event."""
        if duration_ms is not None:
            self.ran += 1
            self.function_seconds += duration_ms / 1000
        self.invocations += 1
        self.seconds += seconds
        if failed:
            self.errors += 1
        at = 0
        for bound in _BUCKETS:
            if seconds <= bound:
                break
            at += 1
        self.buckets[at] += 1


class Metrics:
    """Counting costs a dictionary look-up and a few additions; text is made only when someone looks."""

    def __init__(
        self,
        environments: Callable[[], Mapping[str, int]],
        cold_starts: Callable[[], int],
        concurrency: Callable[[], Iterable[str]],
        cloudwatch: LambdaMetrics,
        stored: Callable[[], Iterable[str]],
    ) -> None:
        """`environments`: how many there are by state; `cold_starts`: how many were ever started; `concurrency`: its lines;
        `stored`: those of CloudWatch's metrics and alarms."""
        self._functions: dict[str, Series] = {}
        self._environments = environments
        self._cold_starts = cold_starts
        self._concurrency = concurrency
        self._stored = stored
        self.cloudwatch = cloudwatch
        self.urls = UrlMetrics(cloudwatch)
        self._counters: dict[str, dict[str, int]] = {}
        self._observed: dict[str, dict[str, tuple[int, float]]] = {}

    def count(self, name: str, key: FunctionKey, qualifier: str | None) -> None:
        """One more of what happens more rarely than invocations."""
        of_name = self._counters.setdefault(name, {})
        of_name[key.name] = of_name.get(key.name, 0) + 1
        self.cloudwatch.observe(_IN_CLOUDWATCH[name], key, qualifier, 1.0)

    def event_age(self, key: FunctionKey, qualifier: str | None, seconds: float) -> None:
        """From when an event was accepted to an attempt at it."""
        of_name = self._observed.setdefault("async_event_age_seconds", {})
        number, total = of_name.get(key.name, (0, 0.0))
        of_name[key.name] = (number + 1, total + seconds)
        self.cloudwatch.observe("AsyncEventAge", key, qualifier, seconds * 1000)

    def of(self, function: str) -> Series:
        """To be kept by who counts: what ends after its function is deleted must not bring it back here."""
        series = self._functions.get(function)
        if series is None:
            series = self._functions[function] = Series()
        return series

    def function_changed(self, key: FunctionKey, before: object, after: object) -> None:
        """A committed change: a deleted function's series go, so that there are no more than functions."""
        if after is None:
            self._functions.pop(key.name, None)
            for counts in self._counters.values():
                counts.pop(key.name, None)
            for sums in self._observed.values():
                sums.pop(key.name, None)

    def render(self) -> bytes:
        lines = [*head("lambdad_invocations_total")]
        for name, series in self._functions.items():
            lines.append(f'lambdad_invocations_total{{function="{name}"}} {series.invocations}')
        lines += head("lambdad_errors_total")
        for name, series in self._functions.items():
            lines.append(f'lambdad_errors_total{{function="{name}"}} {series.errors}')
        lines += head("lambdad_duration_seconds")
        for name, series in self._functions.items():
            lines += _histogram(name, series)
        lines += head("lambdad_function_duration_seconds")
        for name, series in self._functions.items():
            lines.append(f'lambdad_function_duration_seconds_count{{function="{name}"}} {series.ran}')
            lines.append(f'lambdad_function_duration_seconds_sum{{function="{name}"}} {series.function_seconds:.6f}')
        lines += head("lambdad_throttles_total")
        for name, series in self._functions.items():
            lines.append(f'lambdad_throttles_total{{function="{name}"}} {series.throttles}')
        lines += self._concurrency()
        for name, counts in sorted(self._counters.items()):
            lines += head(f"lambdad_{name}_total")
            lines += [f'lambdad_{name}_total{{function="{one}"}} {number}' for one, number in counts.items()]
        for name, sums in sorted(self._observed.items()):
            lines += head(f"lambdad_{name}")
            for one, (number, total) in sums.items():
                lines.append(f'lambdad_{name}_count{{function="{one}"}} {number}')
                lines.append(f'lambdad_{name}_sum{{function="{one}"}} {total:.6f}')
        lines += [*head("lambdad_cold_starts_total"), f"lambdad_cold_starts_total {self._cold_starts()}"]
        lines += head("lambdad_environments")
        for state, number in sorted(self._environments().items()):
            lines.append(f'lambdad_environments{{state="{state}"}} {number}')
        lines += self.urls.lines()
        lines += self._stored()
        return ("\n".join(lines) + "\n").encode()


def _histogram(name: str, series: Series) -> list[str]:
    lines = []
    total = 0
    for bound, number in zip((*_BUCKETS, "+Inf"), series.buckets, strict=True):
        total += number
        lines.append(f'lambdad_duration_seconds_bucket{{function="{name}",le="{bound}"}} {total}')
    lines.append(f'lambdad_duration_seconds_sum{{function="{name}"}} {series.seconds:.6f}')
    lines.append(f'lambdad_duration_seconds_count{{function="{name}"}} {total}')
    return lines
