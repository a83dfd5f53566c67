"""CloudWatch: metrics and alarms. What is not in the table is refused, by name.

AWS: docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/Welcome.html
"""

from collections.abc import Mapping
from typing import Final

from lambdad.errors.cloudwatch import InvalidParameterValueException, ValidationError
from lambdad.services.cloudwatch_backend import CloudWatch
from lambdad.services.cloudwatch_data import get_metric_data, get_metric_statistics
from lambdad.services.cloudwatch_metrics import list_metrics, put_metric_data
from lambdad.services.service import Perform, Service

OPERATIONS: Final[Mapping[str, Perform[CloudWatch]]] = {
    "GetMetricData": get_metric_data,
    "GetMetricStatistics": get_metric_statistics,
    "ListMetrics": list_metrics,
    "PutMetricData": put_metric_data,
}


def cloudwatch(backend: CloudWatch) -> Service[CloudWatch]:
    not_built = InvalidParameterValueException.not_built
    return Service("cloudwatch", backend, OPERATIONS, ValidationError.of, not_built, large=("GetMetricData",))
