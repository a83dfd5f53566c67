"""What CloudWatch refuses, and in which words.

AWS: docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CommonErrors.html and the Errors section of each operation.
"""

from collections.abc import Sequence
from enum import Enum

from lambdad.errors.base import ServiceError, detected

_NULL = "Value null at '"


class _CloudWatchError(ServiceError):
    status = 400
    kind = None


class NameFlaw(Enum):
    """Why a name cannot be one: as it is said of data, and of alarms."""

    NON_ASCII = ("contains non-ASCII characters", "must not contain Non-ASCII characters")
    CONTROL = ("contains ASCII control characters", "must not contain ASCII control characters")
    BLANK = ("contains only whitespace", "must contain a character that is not whitespace")
    COLON = ("begins with a colon", "must not begin with a colon")


class ValidationError(_CloudWatchError):
    @classmethod
    def of(cls, violations: Sequence[str]) -> ServiceError:
        """What is missing is said in other words than what is wrong."""
        first = violations[0]
        if first.startswith(_NULL):
            name = first[len(_NULL) :].partition("'")[0]
            return MissingRequiredParameterException.of(name[:1].upper() + name[1:])
        return cls(detected(violations))

    @classmethod
    def span(cls) -> "ValidationError":
        return cls("The parameter StartTime must be less than the parameter EndTime.")

    @classmethod
    def query(cls, number: int, what: str) -> "ValidationError":
        return cls(f"The parameter MetricDataQueries.member.{number} is invalid: {what}")

    @classmethod
    def expression(cls, name: str, what: str) -> "ValidationError":
        return cls(f"Error in expression '{name}': {what}")

    @classmethod
    def too_many_queries(cls, limit: int) -> "ValidationError":
        return cls(f"The collection MetricDataQueries must not have a size greater than {limit}.")

    @classmethod
    def period(cls) -> "ValidationError":
        return cls("Metrics Period must be 1, 5, 10, 20, 30 or a multiple of 60")

    @classmethod
    def statistic(cls, name: str) -> "ValidationError":
        return cls(f"The value {name} for parameter Stat is not supported.")

    @classmethod
    def alarm(cls, what: str) -> "ValidationError":
        return cls(what)

    @classmethod
    def name(cls, parameter: str, flaw: NameFlaw) -> "ValidationError":
        return cls(f"{parameter} {flaw.value[1]}.")

    @classmethod
    def tags(cls, limit: int) -> "ValidationError":
        return cls(f"An alarm must not have more than {limit} tags.")


class InvalidParameterValueException(_CloudWatchError):
    @classmethod
    def value(cls, value: object, parameter: str) -> "InvalidParameterValueException":
        return cls(f"The value {value} for parameter {parameter} is invalid.")

    @classmethod
    def name(cls, parameter: str, flaw: NameFlaw) -> "InvalidParameterValueException":
        return cls(f"The value for parameter {parameter} {flaw.value[0]}.")

    @classmethod
    def size(cls, parameter: str, limit: int) -> "InvalidParameterValueException":
        return cls(f"The collection {parameter} must not have a size greater than {limit}.")

    @classmethod
    def too_old(cls, parameter: str) -> "InvalidParameterValueException":
        return cls(f"The parameter {parameter} must specify a time within the last two weeks.")

    @classmethod
    def too_new(cls, parameter: str) -> "InvalidParameterValueException":
        return cls(f"The parameter {parameter} must specify a time no more than two hours in the future.")

    @classmethod
    def sizes(cls, one: str, other: str) -> "InvalidParameterValueException":
        return cls(f"The parameters {one} and {other} must be of the same size.")

    @classmethod
    def period(cls) -> "InvalidParameterValueException":
        return cls("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.")

    @classmethod
    def next_token(cls) -> "InvalidParameterValueException":
        return cls("Request parameter NextToken is not valid.")

    @classmethod
    def not_built(cls, operation: str) -> "InvalidParameterValueException":
        return cls(f"lambdad does not perform {operation} of CloudWatch.")


class InvalidParameterCombinationException(_CloudWatchError):
    @classmethod
    def both(cls, one: str, other: str) -> "InvalidParameterCombinationException":
        return cls(f"The parameters {one} and {other} are mutually exclusive and you have specified both.")

    @classmethod
    def span(cls) -> "InvalidParameterCombinationException":
        return cls("The parameter StartTime must be less than the parameter EndTime.")

    @classmethod
    def datapoints(cls, number: int, limit: int) -> "InvalidParameterCombinationException":
        return cls(
            f"You have requested up to {number:,} datapoints, which exceeds the limit of {limit:,}. You may reduce the "
            "datapoints requested by increasing Period, or decreasing the time range."
        )


class MissingRequiredParameterException(_CloudWatchError):
    @classmethod
    def of(cls, parameter: str) -> "MissingRequiredParameterException":
        return cls(f"The parameter {parameter} is required.")


class InvalidNextToken(_CloudWatchError):
    @classmethod
    def of_request(cls) -> "InvalidNextToken":
        return cls("The next token specified is invalid.")


class InvalidFormatFault(_CloudWatchError):
    @classmethod
    def reason_data(cls) -> "InvalidFormatFault":
        return cls("StateReasonData was not syntactically valid JSON")


class LimitExceededFault(_CloudWatchError):
    @classmethod
    def metrics(cls, limit: int) -> "LimitExceededFault":
        return cls(f"There are {limit} metrics already; start lambdad with a larger --max-metrics for more.")

    @classmethod
    def alarms(cls, limit: int) -> "LimitExceededFault":
        return cls(f"The maximum number of alarms per region ({limit}) has been reached.")


class ResourceNotFound(_CloudWatchError):
    status = 404

    @classmethod
    def alarm(cls, name: str) -> "ResourceNotFound":
        return cls(f"Alarm {name} does not exist")


class ResourceNotFoundException(_CloudWatchError):
    status = 404

    @classmethod
    def arn(cls, arn: str) -> "ResourceNotFoundException":
        return cls(f"{arn} does not exist")
