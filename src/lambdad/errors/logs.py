"""What Amazon CloudWatch Logs answers.

AWS: docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/CommonErrors.html and the Errors section of each operation.
"""

from collections.abc import Sequence

from lambdad.errors.base import ServiceError, detected


class _LogsError(ServiceError):
    status = 400
    kind = None


class InvalidParameterException(_LogsError):
    @classmethod
    def of(cls, violations: Sequence[str]) -> "InvalidParameterException":
        return cls(detected(violations))

    @classmethod
    def group_and_identifier(cls) -> "InvalidParameterException":
        return cls("LogGroup name and LogGroup ARN are mutually exclusive parameters.")

    @classmethod
    def no_group(cls) -> "InvalidParameterException":
        return cls("Please provide either a logGroupName or a logGroupIdentifier.")

    @classmethod
    def token(cls) -> "InvalidParameterException":
        return cls("The specified nextToken is invalid.")

    @classmethod
    def prefix_and_order(cls) -> "InvalidParameterException":
        return cls("Cannot order by LastEventTime with a logStreamNamePrefix.")

    @classmethod
    def names_and_prefix(cls) -> "InvalidParameterException":
        return cls("LogStreamNames and LogStreamNamePrefix are mutually exclusive parameters.")

    @classmethod
    def prefix_and_pattern(cls) -> "InvalidParameterException":
        return cls("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")

    @classmethod
    def pattern(cls) -> "InvalidParameterException":
        return cls("Invalid filter pattern")

    @classmethod
    def order(cls) -> "InvalidParameterException":
        return cls("Log events in a single PutLogEvents request must be in chronological order.")

    @classmethod
    def span(cls) -> "InvalidParameterException":
        return cls("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")

    @classmethod
    def size(cls, size: int, limit: int) -> "InvalidParameterException":
        return cls(f"Upload too large: {size} bytes exceeds limit of {limit}")

    @classmethod
    def retention(cls) -> "InvalidParameterException":
        return cls("Invalid retention value")

    @classmethod
    def destination(cls) -> "InvalidParameterException":
        return cls("PutSubscriptionFilter operation cannot work with destinationArn for vendor other than lambda here")

    @classmethod
    def may_not_invoke(cls) -> "InvalidParameterException":
        return cls(
            "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your "
            "function."
        )

    @classmethod
    def reserved(cls) -> "InvalidParameterException":
        return cls("Log groups starting with AWS/ are reserved for AWS.")

    @classmethod
    def system_tags(cls) -> "InvalidParameterException":
        return cls("aws: prefixed tag key names are not allowed for external use.")

    @classmethod
    def newest_first(cls) -> "InvalidParameterException":
        return cls("startFromHead can be false only if startTime is on or after 2024-01-01T00:00:00Z.")

    @classmethod
    def metric(cls) -> "InvalidParameterException":
        return cls("metricName and metricNamespace must be specified together.")

    @classmethod
    def arn(cls) -> "InvalidParameterException":
        return cls("The specified ARN is not that of a log group.")


class ResourceNotFound(_LogsError):
    @property
    def code(self) -> str:
        return "ResourceNotFoundException"

    @classmethod
    def group(cls) -> "ResourceNotFound":
        return cls("The specified log group does not exist.")

    @classmethod
    def stream(cls) -> "ResourceNotFound":
        return cls("The specified log stream does not exist.")

    @classmethod
    def subscription(cls) -> "ResourceNotFound":
        return cls("The specified subscription filter does not exist.")

    @classmethod
    def export_task(cls) -> "ResourceNotFound":
        return cls("The specified export task does not exist.")

    @classmethod
    def anomaly_detector(cls) -> "ResourceNotFound":
        return cls("The specified anomaly detector does not exist.")


class ResourceAlreadyExistsException(_LogsError):
    @classmethod
    def group(cls) -> "ResourceAlreadyExistsException":
        return cls("The specified log group already exists")

    @classmethod
    def stream(cls) -> "ResourceAlreadyExistsException":
        return cls("The specified log stream already exists")


class LimitExceededException(_LogsError):
    @classmethod
    def resources(cls) -> "LimitExceededException":
        return cls("Resource limit exceeded.")


class TooManyTagsException(_LogsError):
    @classmethod
    def of(cls, most: int) -> "TooManyTagsException":
        return cls(f"A resource can have no more than {most} tags.")


class ServiceUnavailableException(_LogsError):
    status = 503

    @classmethod
    def disk(cls) -> "ServiceUnavailableException":
        return cls("The service cannot complete the request: the log events cannot be written.")


class NotBuilt(_LogsError):
    @property
    def code(self) -> str:
        return "InvalidParameterException"

    @classmethod
    def operation(cls, name: str) -> "NotBuilt":
        return cls(f"lambdad does not offer {name} of CloudWatch Logs.")
