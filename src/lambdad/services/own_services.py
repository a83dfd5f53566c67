"""The services beside Lambda that answer on our own port, put together: the only file of this room that names them all."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from lambdad.aws.credentials import RoleSession
from lambdad.aws.stream_news import StreamNews
from lambdad.clock import Clock
from lambdad.config import Config
from lambdad.environments.segment_intake import SegmentIntake
from lambdad.invocation.asynchronous import Asynchronous
from lambdad.invocation.deliverer import Deliverer
from lambdad.invocation.invoke import Functions, Invoker
from lambdad.invocation.tracing import Tracing
from lambdad.observability.embedded_metrics import EmbeddedMetrics
from lambdad.observability.lambda_metrics import LambdaMetrics
from lambdad.observability.logs import LogStore
from lambdad.services.autoscaling.autoscaling import AutoScaling
from lambdad.services.autoscaling.capacity import Perform
from lambdad.services.autoscaling.namespaces import Namespaces
from lambdad.services.caller_identity import SERVICE as STS
from lambdad.services.caller_identity import CallerIdentity
from lambdad.services.cloudwatch.cloudwatch import CloudWatch
from lambdad.services.companion.calls import Calls
from lambdad.services.companion.companion import Companion
from lambdad.services.companion.process import CompanionProcess, Facts, installed
from lambdad.services.events.events import Events
from lambdad.services.logs.logs import Logs
from lambdad.services.outbox import Outbox
from lambdad.services.scheduler.scheduler import Scheduler
from lambdad.services.service import Service
from lambdad.services.sqs.sqs import Sqs
from lambdad.services.target_delivery import TargetDelivery
from lambdad.services.xray.xray import XRay
from lambdad.store.database import Database
from lambdad.store.deliveries import Deliveries, Delivery
from lambdad.store.queue import EventQueue

_OWN = frozenset({"sqs", "logs", "events"})
_COMPANION = frozenset(
    {"s3", "sns", "kinesis", "firehose", "stepfunctions", "dynamodb", "secretsmanager", "kms", "ssm"},
)


class OwnServices:
    """`load`, `build`, `start`, `close`: once each, in that order; `close_last` after whatever counts and is traced."""

    def __init__(self, database: Database, logs: LogStore, config: Config, clock: Clock) -> None:
        self._log_store = logs
        self._config = config
        self._clock = clock
        self._process: CompanionProcess | None = None
        self._calls: Calls | None = None
        self.news = StreamNews()
        self._sqs = Sqs(database, clock)
        self._events = Events(database, clock, here="events" not in config.endpoints)
        self._scheduler = Scheduler(database, clock)
        self._scaling = AutoScaling(database, clock)
        self._logs = Logs(database, logs, clock)
        self._cloudwatch = CloudWatch(database, clock, config.metric_retention_days, config.max_metrics)
        self._xray = XRay(database, config, clock)
        self.segments = SegmentIntake(self._xray.traces)
        """For what functions send."""
        self.tracing = Tracing(self._xray.rules.in_order, self._xray.traces, clock)

    @property
    def receiving(self) -> frozenset[str]:
        """Those that deliveries and pollers reach at our own endpoint unless another is named."""
        return _OWN | _COMPANION if self._companion else _OWN

    @property
    def taking(self) -> Mapping[str, Callable[[Delivery], Awaitable[None]]]:
        """Those of them that take deliveries without a request."""
        return {"events": self._events.receive, "sqs": self._sqs.receive}

    @property
    def _companion(self) -> bool:
        return self._config.companion == "auto" and installed()

    @property
    def _own_queues(self) -> Sqs | None:
        """None: they are another endpoint's."""
        return None if "sqs" in self._config.endpoints else self._sqs

    def load(self) -> None:
        self._sqs.load()
        self._scaling.load()
        self._events.load()
        self._scheduler.load()
        self._cloudwatch.load()
        self._logs.load()
        self._xray.load()

    def count(self, counted: LambdaMetrics) -> None:
        """What CloudWatch's metrics are fed from."""
        self._cloudwatch.metrics.feed_from(counted.gather)
        self._log_store.subscribe(EmbeddedMetrics(self._cloudwatch.metrics, self._clock).listen)

    def metric_lines(self) -> list[str]:
        """Prometheus's text format."""
        return [*self._cloudwatch.lines(), *self._log_store.lines(), *self._xray.lines()]

    def build(
        self,
        functions: Functions,
        queue: EventQueue,
        deliveries: Deliveries,
        deliverer: Deliverer,
        asynchronous: Asynchronous,
        perform: Perform,
        session_of: Callable[[str], RoleSession | None],
    ) -> Mapping[str, Service[Any] | Namespaces | CallerIdentity]:
        """For the front door, by the name that requests are signed for. `perform`: Lambda's own operations; `session_of`: the
        execution role's session that a token is of."""
        self._caller_identity = CallerIdentity(session_of)
        outbox = Outbox(queue, deliveries, deliverer, asynchronous, self._own_queues)
        return {
            "sqs": self._sqs.service,
            "events": self._events.build(functions, outbox),
            "scheduler": self._scheduler.build(TargetDelivery(functions, outbox)),
            "monitoring": self._cloudwatch.build(functions, outbox),
            "application-autoscaling": self._scaling.build(self._cloudwatch.backend, perform),
            "logs": self._logs.build(functions, asynchronous),
            "xray": self._xray.service,
            STS: self._caller_identity,
        }

    def build_companion(
        self,
        functions: Functions,
        invoker: Invoker,
        asynchronous: Asynchronous,
        deliveries: Deliveries,
        deliverer: Deliverer,
        facts: Callable[[], Facts],
    ) -> tuple[Companion | None, Companion | None]:
        """What answers for all other services: who asks from outside, and functions."""
        if not self._companion:
            return None, None
        self._calls = Calls(
            functions, invoker, asynchronous, deliveries, deliverer, self.news, self._clock, self._own_queues
        )
        self._process = CompanionProcess(self._config.data_dir, facts, self._calls.handle)
        inner = Companion(self._process, inside=True)
        self._scaling.hand_on_to(inner)
        self._caller_identity.others = inner
        return Companion(self._process, inside=False), inner

    def start(self) -> None:
        self._cloudwatch.start()
        self._logs.start()
        self._sqs.start()
        self._events.start()
        self._scheduler.start()
        self._scaling.start()
        self._xray.start()

    async def stop(self) -> None:
        """What is on its way to functions is accepted: before nothing is accepted any more."""
        await self._scheduler.stop()
        await self._logs.forwarded()

    async def close(self) -> None:
        if self._process is not None:
            await self._process.close()
        if self._calls is not None:
            await self._calls.finished()
        await self._scaling.close()
        await self._events.close()
        await self._scheduler.close()
        await self._sqs.close()
        await self._cloudwatch.close()
        await self._logs.close()
        await self._xray.close()

    async def close_last(self) -> None:
        await self._cloudwatch.metrics.close()
        await self._xray.close_traces()
