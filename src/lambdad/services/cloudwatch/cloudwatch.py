"""CloudWatch put together: its stores, the alarms' supervisor, and its wire."""

from lambdad.clock import Clock
from lambdad.errors.cloudwatch import InvalidParameterValueException, ValidationError
from lambdad.invocation.invoke import Functions
from lambdad.observability.exposition import head
from lambdad.observability.metric_store import MetricStore
from lambdad.resources.alarm import ALARM, INSUFFICIENT, OK
from lambdad.services.cloudwatch.alarm_actions import AlarmActions
from lambdad.services.cloudwatch.alarm_supervisor import AlarmSupervisor
from lambdad.services.cloudwatch.backend import Backend
from lambdad.services.cloudwatch.table import OPERATIONS
from lambdad.services.outbox import Outbox
from lambdad.services.service import Service
from lambdad.store.alarms import Alarms
from lambdad.store.database import Database
from lambdad.store.metrics import Metrics

_LARGE = frozenset({"GetMetricData"})


class CloudWatch:
    """`load`, `build`, `start`, `close`: once each, in that order; `metrics` is closed after whatever counts."""

    def __init__(self, database: Database, clock: Clock, days: int, most_metrics: int) -> None:
        self.metrics = MetricStore(Metrics(database), clock, days, most_metrics)
        self._alarms = Alarms(database)
        self._clock = clock
        self._supervisor: AlarmSupervisor
        self._service: Service[Backend]
        self.backend: Backend
        """What Application Auto Scaling puts its alarms through."""

    def load(self) -> None:
        self.metrics.load()
        self._alarms.load()

    def build(self, functions: Functions, outbox: Outbox) -> Service[Backend]:
        """For the front door; it is given what alarms act through."""
        actions = AlarmActions(functions, outbox)
        self._supervisor = AlarmSupervisor(self._alarms, self.metrics, actions, self._clock)
        self.backend = backend = Backend(self.metrics, self._alarms, self._supervisor, self._clock)
        not_built = InvalidParameterValueException.not_built
        self._service = Service("cloudwatch", backend, OPERATIONS, ValidationError.of, not_built, large=_LARGE)
        return self._service

    def lines(self) -> list[str]:
        """Prometheus's text format."""
        states = dict.fromkeys((OK, ALARM, INSUFFICIENT), 0)
        for alarm in self._alarms.all():
            states[alarm.state.value] += 1
        return [
            *head("lambdad_cloudwatch_metrics"),
            f"lambdad_cloudwatch_metrics {len(self.metrics)}",
            *head("lambdad_alarms"),
            *(f'lambdad_alarms{{state="{state}"}} {number}' for state, number in states.items()),
        ]

    def start(self) -> None:
        self.metrics.start()
        self._supervisor.start()

    async def close(self) -> None:
        await self._service.close()
        await self._supervisor.close()
