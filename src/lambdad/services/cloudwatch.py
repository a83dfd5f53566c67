"""CloudWatch: metrics and alarms. What is not in the table is refused, by name.

AWS: docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/Welcome.html
"""

from collections.abc import Mapping
from typing import Final

from lambdad.errors.cloudwatch import InvalidParameterValueException, ValidationError
from lambdad.services.cloudwatch_alarms import (
    delete_alarms,
    describe_alarm_history,
    describe_alarms,
    describe_alarms_for_metric,
    disable_alarm_actions,
    enable_alarm_actions,
    put_metric_alarm,
    set_alarm_state,
)
from lambdad.services.cloudwatch_backend import CloudWatch
from lambdad.services.cloudwatch_data import get_metric_data, get_metric_statistics
from lambdad.services.cloudwatch_metrics import list_metrics, put_metric_data
from lambdad.services.cloudwatch_tags import list_tags_for_resource, tag_resource, untag_resource
from lambdad.services.service import Perform, Service

OPERATIONS: Final[Mapping[str, Perform[CloudWatch]]] = {
    "DeleteAlarms": delete_alarms,
    "DescribeAlarmHistory": describe_alarm_history,
    "DescribeAlarms": describe_alarms,
    "DescribeAlarmsForMetric": describe_alarms_for_metric,
    "DisableAlarmActions": disable_alarm_actions,
    "EnableAlarmActions": enable_alarm_actions,
    "GetMetricData": get_metric_data,
    "GetMetricStatistics": get_metric_statistics,
    "ListMetrics": list_metrics,
    "ListTagsForResource": list_tags_for_resource,
    "PutMetricAlarm": put_metric_alarm,
    "PutMetricData": put_metric_data,
    "SetAlarmState": set_alarm_state,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
}


def cloudwatch(backend: CloudWatch) -> Service[CloudWatch]:
    not_built = InvalidParameterValueException.not_built
    return Service("cloudwatch", backend, OPERATIONS, ValidationError.of, not_built, large=("GetMetricData",))
