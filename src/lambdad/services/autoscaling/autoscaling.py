"""Application Auto Scaling put together: its targets, what scales them, and its wire."""

from lambdad.clock import Clock
from lambdad.errors.autoscaling import InvalidScalingRequest
from lambdad.services.autoscaling.backend import Backend
from lambdad.services.autoscaling.capacity import Capacity, Perform
from lambdad.services.autoscaling.namespaces import Namespaces
from lambdad.services.autoscaling.policy_alarms import PolicyAlarms
from lambdad.services.autoscaling.supervisor import ScalingSupervisor
from lambdad.services.autoscaling.table import OPERATIONS
from lambdad.services.cloudwatch.backend import Backend as CloudWatchBackend
from lambdad.services.companion.companion import Companion
from lambdad.services.service import Service
from lambdad.store.database import Database
from lambdad.store.scalable_targets import ScalableTargets


class AutoScaling:
    """`load`, `build`, `start`, `close`: once each, in that order."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._targets = ScalableTargets(database)
        self._clock = clock
        self._supervisor: ScalingSupervisor
        self._namespaces: Namespaces

    def load(self) -> None:
        self._targets.load()

    def build(self, cloudwatch: CloudWatchBackend, perform: Perform) -> Namespaces:
        """For the front door; it is given what capacity is asked for through."""
        capacity, alarms = Capacity(perform), PolicyAlarms(cloudwatch)
        self._supervisor = ScalingSupervisor(self._targets, cloudwatch.alarms, alarms, capacity, self._clock)
        backend = Backend(self._targets, capacity, alarms, self._clock)
        service = Service(
            "application-autoscaling",
            backend,
            OPERATIONS,
            invalid=InvalidScalingRequest.of,
            not_built=InvalidScalingRequest.not_built,
        )
        self._namespaces = Namespaces(service, self._has)
        return self._namespaces

    def hand_on_to(self, others: Companion) -> None:
        """What is asked of other services' targets."""
        self._namespaces.others = others

    def _has(self, arn: str) -> bool:
        return any(target.arn == arn for target in self._targets.all())

    def start(self) -> None:
        self._supervisor.start()

    async def close(self) -> None:
        await self._namespaces.close()
        await self._supervisor.close()
