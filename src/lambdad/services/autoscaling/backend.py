"""What Application Auto Scaling's operations stand on."""

from collections.abc import Callable
from dataclasses import dataclass

from lambdad.clock import Clock
from lambdad.errors.autoscaling import InvalidScalingRequest, ObjectNotFoundException
from lambdad.protocols.context import Context, Members
from lambdad.resources.scalable_target import DIMENSION, NAMESPACE, ScalableTarget, TargetKey, is_resource
from lambdad.services.autoscaling.capacity import Capacity
from lambdad.services.autoscaling.policy_alarms import PolicyAlarms
from lambdad.store.scalable_targets import ScalableTargets


@dataclass(frozen=True, slots=True)
class Backend:
    """Made once by `autoscaling.py`."""

    targets: ScalableTargets
    capacity: Capacity
    alarms: PolicyAlarms
    clock: Clock

    async def change(self, key: TargetKey, change: Callable[[ScalableTarget], ScalableTarget]) -> ScalableTarget:
        """Of one that is there, durable. Raises ObjectNotFoundException."""

        def changed(before: ScalableTarget | None) -> ScalableTarget:
            if before is None:
                raise ObjectNotFoundException.target(key.name)
            return change(before)

        _, after = await self.targets.apply(key, changed)
        assert after is not None
        return after

    def target(self, key: TargetKey) -> ScalableTarget:
        """Raises ObjectNotFoundException."""
        target = self.targets.get(key)
        if target is None:
            raise ObjectNotFoundException.target(key.name)
        return target


def key_of(context: Context, request: Members) -> TargetKey:
    """Raises InvalidScalingRequest."""
    namespace, dimension = request["ServiceNamespace"], request["ScalableDimension"]
    if namespace != NAMESPACE:
        raise InvalidScalingRequest.other_namespace(namespace)
    if dimension != DIMENSION or not is_resource(request["ResourceId"]):
        raise InvalidScalingRequest.unsupported()
    return TargetKey(context.account, context.region, request["ResourceId"])
