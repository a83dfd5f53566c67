"""The operations of CloudWatch. What is not in the table is refused, by name.

AWS: docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/Welcome.html
"""

from collections.abc import Mapping
from typing import Final

from lambdad.services.cloudwatch.alarms import (
    delete_alarms,
    describe_alarm_history,
    describe_alarms,
    describe_alarms_for_metric,
    disable_alarm_actions,
    enable_alarm_actions,
    put_metric_alarm,
    set_alarm_state,
)
from lambdad.services.cloudwatch.backend import Backend
from lambdad.services.cloudwatch.data import get_metric_data, get_metric_statistics
from lambdad.services.cloudwatch.metrics import list_metrics, put_metric_data
from lambdad.services.cloudwatch.tags import list_tags_for_resource, tag_resource, untag_resource
from lambdad.services.service import Perform

OPERATIONS: Final[Mapping[str, Perform[Backend]]] = {
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
