"""DescribeScalingActivities, and how what was done is worded.

AWS: docs.aws.amazon.com/autoscaling/application/APIReference/API_DescribeScalingActivities.html
"""

from typing import Any

from lambdad.errors.autoscaling import InvalidNextTokenException
from lambdad.ids import new_uuid
from lambdad.protocols.context import Context, Members
from lambdad.resources.scalable_target import DIMENSION, NAMESPACE, ScalableTarget
from lambdad.services.autoscaling.backend import Backend
from lambdad.services.autoscaling.pages import PAGE, targets_of
from lambdad.store.scalable_targets import ScalingActivity


async def describe_scaling_activities(backend: Backend, context: Context, request: Members) -> Members:
    """The newest first, also those of targets that are gone."""
    targets_of(backend, context, request)  # is it asked for what there is?
    token, most = request.get("NextToken"), min(request.get("MaxResults", PAGE), PAGE)
    if token is not None and not token.isdecimal():
        raise InvalidNextTokenException.of_request()
    before = int(token) if token is not None else None
    found = await backend.targets.activities(
        context.account, context.region, request.get("ResourceId"), before, most + 1
    )
    page = found[:most]
    return {
        "ScalingActivities": [
            {
                "ServiceNamespace": NAMESPACE,
                "ResourceId": one.key.name,
                "ScalableDimension": DIMENSION,
                "StartTime": one.started_at,
                **one.members,
            }
            for one in page
        ],
        "NextToken": str(page[-1].id) if len(found) > most else None,
    }


def scaled(target: ScalableTarget, capacity: int, cause: str, now: float, failure: str | None) -> ScalingActivity:
    """`failure`: why it could not be done; None: it was."""
    done = f"Successfully set desired concurrency to {capacity}. Change successfully fulfilled by lambda."
    failed = f"Failed to set desired concurrency to {capacity}. Reason: {failure}"
    return _activity(target, f"Setting desired concurrency to {capacity}.", cause, now, failed if failure else done)


def bounded(target: ScalableTarget, name: str, now: float) -> ScalingActivity:
    """`target`: as a scheduled action has left it."""
    bounds = f"min capacity to {target.minimum} and max capacity to {target.maximum}"
    cause = f"scheduled action name {name} was triggered"
    return _activity(target, f"Setting {bounds}", cause, now, f"Successfully set {bounds}")


def _activity(target: ScalableTarget, description: str, cause: str, now: float, message: str) -> ScalingActivity:
    members: dict[str, Any] = {
        "ActivityId": new_uuid(),
        "Description": description,
        "Cause": cause,
        "EndTime": now,
        "StatusCode": "Failed" if message.startswith("Failed") else "Successful",
        "StatusMessage": message,
    }
    return ScalingActivity(target.key, now, members)
