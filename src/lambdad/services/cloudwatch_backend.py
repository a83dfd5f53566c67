"""What CloudWatch's operations stand on."""

from dataclasses import dataclass

from lambdad.clock import Clock
from lambdad.observability.metric_store import MetricStore
from lambdad.services.alarm_supervisor import AlarmSupervisor
from lambdad.store.alarms import Alarms


@dataclass(frozen=True, slots=True)
class CloudWatch:
    """Made once by server.py."""

    metrics: MetricStore
    alarms: Alarms
    supervisor: AlarmSupervisor
    clock: Clock
