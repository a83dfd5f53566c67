"""What becomes of a mapping's events, counted if its MetricsConfig wishes it.

AWS: docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html (event source mapping metrics)
"""

from lambdad.event_source_mappings.invocations import Ran
from lambdad.observability.lambda_metrics import LambdaMetrics
from lambdad.resources.event_source_mapping import EventSourceMapping


class EventCounts:
    """Of one mapping."""

    def __init__(self, mapping: EventSourceMapping, metrics: LambdaMetrics) -> None:
        self._key = mapping.key
        wished = (mapping.settings.get("MetricsConfig") or {}).get("Metrics") or ()
        self._metrics = metrics if "EventCount" in wished else None
        self._filtered = bool(mapping.settings.get("FilterCriteria"))

    def polled(self, events: int) -> None:
        """By one look at the source, also where it had none."""
        self._count("PolledEventCount", events)

    def filtered_out(self, events: int) -> None:
        """Of those that filters have looked at."""
        if self._filtered:
            self._count("FilteredOutEventCount", events)

    def invoked(self, ran: Ran, events: int, failed: int) -> None:
        """An attempt at a batch: each counts anew. `failed`: of its events; 0 is counted, too."""
        if ran.result is not None:
            self._count("InvokedEventCount", events)
        self._count("FailedInvokeEventCount", failed)

    def dropped(self, events: int) -> None:
        """They are too old, or were tried often enough, and nobody is told."""
        self._count("DroppedEventCount", events)

    def deleted(self, events: int) -> None:
        """From a queue."""
        self._count("DeletedEventCount", events)

    def _count(self, metric: str, events: int) -> None:
        if self._metrics is not None:
            self._metrics.observe_mapping(metric, self._key, float(events))
