"""Lists of Application Auto Scaling, page by page."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from lambdad.errors.autoscaling import InvalidScalingRequest
from lambdad.protocols.context import Context, Members
from lambdad.resources.scalable_target import DIMENSION, NAMESPACE, ScalableTarget
from lambdad.services.autoscaling.backend import Backend
from lambdad.services.pages import page_after

T = TypeVar("T")
PAGE: Final = 50


def page_of(items: Sequence[T], name_of: Callable[[T], str], request: Members) -> tuple[Sequence[T], str | None]:
    """`items` in the order of their names."""
    return page_after(items, name_of, request.get("NextToken"), min(request.get("MaxResults", PAGE), PAGE))


def targets_of(backend: Backend, context: Context, request: Members) -> list[ScalableTarget]:
    """Those that a Describe… request asks for, by ResourceId or ResourceIds if it has one. Raises InvalidScalingRequest."""
    namespace = request["ServiceNamespace"]
    if namespace != NAMESPACE:
        raise InvalidScalingRequest.other_namespace(namespace)
    if request.get("ScalableDimension", DIMENSION) != DIMENSION:
        raise InvalidScalingRequest.unsupported()
    wanted = request.get("ResourceIds") or ([request["ResourceId"]] if "ResourceId" in request else None)
    found = backend.targets.list(context.account, context.region)
    return [target for target in found if wanted is None or target.key.name in wanted]


def about(target: ScalableTarget) -> Members:
    return {"ServiceNamespace": NAMESPACE, "ResourceId": target.key.name, "ScalableDimension": DIMENSION}
