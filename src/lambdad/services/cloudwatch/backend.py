"""What CloudWatch's operations stand on."""

from dataclasses import dataclass

from lambdad.clock import Clock
from lambdad.observability.metric_store import MetricStore
from lambdad.services.cloudwatch.alarm_supervisor import AlarmSupervisor
from lambdad.store.alarms import Alarms


@dataclass(frozen=True, slots=True)
class Backend:
    """Made once by `cloudwatch.py`."""

    metrics: MetricStore
    alarms: Alarms
    supervisor: AlarmSupervisor
    clock: Clock
