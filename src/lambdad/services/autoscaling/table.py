"""The operations of Application Auto Scaling. What is not in the table is refused, by name.

AWS: docs.aws.amazon.com/autoscaling/application/APIReference/API_Operations.html
"""

from collections.abc import Mapping
from typing import Final

from lambdad.services.autoscaling.activities import describe_scaling_activities
from lambdad.services.autoscaling.backend import Backend
from lambdad.services.autoscaling.policies import (
    delete_scaling_policy,
    describe_scaling_policies,
    put_scaling_policy,
)
from lambdad.services.autoscaling.scheduled_actions import (
    delete_scheduled_action,
    describe_scheduled_actions,
    put_scheduled_action,
)
from lambdad.services.autoscaling.targets import (
    deregister_scalable_target,
    describe_scalable_targets,
    list_tags_for_resource,
    register_scalable_target,
    tag_resource,
    untag_resource,
)
from lambdad.services.service import Perform

OPERATIONS: Final[Mapping[str, Perform[Backend]]] = {
    "DeleteScalingPolicy": delete_scaling_policy,
    "DeleteScheduledAction": delete_scheduled_action,
    "DeregisterScalableTarget": deregister_scalable_target,
    "DescribeScalableTargets": describe_scalable_targets,
    "DescribeScalingActivities": describe_scaling_activities,
    "DescribeScalingPolicies": describe_scaling_policies,
    "DescribeScheduledActions": describe_scheduled_actions,
    "ListTagsForResource": list_tags_for_resource,
    "PutScalingPolicy": put_scaling_policy,
    "PutScheduledAction": put_scheduled_action,
    "RegisterScalableTarget": register_scalable_target,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
}
