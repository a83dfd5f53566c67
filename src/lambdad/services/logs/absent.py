"""Operations that list what nobody can make here: none is the truth. What they name must be there, as on AWS.

AWS: docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeMetricFilters.html and its neighbours
"""

from lambdad.errors.logs import InvalidParameterException, ResourceNotFound
from lambdad.protocols.context import Context, Members
from lambdad.services.logs.backend import Backend, key_of
from lambdad.services.service import Perform


def none_of(member: str) -> Perform[Backend]:
    """The operation that lists them as `member`: of the log groups that a request names, or of all."""

    async def describe(backend: Backend, context: Context, request: Members) -> Members:
        for identifier in _groups_named(request):
            backend.group(key_of(context, identifier))
        if "nextToken" in request:  # nobody was given one
            raise InvalidParameterException.token()
        return {member: []}

    return describe


def _groups_named(request: Members) -> tuple[str, ...]:
    one = request.get("logGroupName") or request.get("logGroupIdentifier") or request.get("filterLogGroupArn")
    return (*request.get("logGroupIdentifiers", ()), *([one] if one else []))


async def describe_metric_filters(backend: Backend, context: Context, request: Members) -> Members:
    if ("metricName" in request) != ("metricNamespace" in request):
        raise InvalidParameterException.metric()
    return await none_of("metricFilters")(backend, context, request)


async def describe_export_tasks(backend: Backend, context: Context, request: Members) -> Members:
    if "taskId" in request:
        raise ResourceNotFound.export_task()
    return await none_of("exportTasks")(backend, context, request)


async def list_anomalies(backend: Backend, context: Context, request: Members) -> Members:
    if "anomalyDetectorArn" in request:
        raise ResourceNotFound.anomaly_detector()
    return await none_of("anomalies")(backend, context, request)
