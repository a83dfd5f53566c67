"""What CloudWatch's operations stand on."""

from dataclasses import dataclass

from lambdad.clock import Clock
from lambdad.observability.metric_store import MetricStore


@dataclass(frozen=True, slots=True)
class CloudWatch:
    """Made once by server.py."""

    metrics: MetricStore
    clock: Clock
