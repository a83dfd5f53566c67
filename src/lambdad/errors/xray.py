"""What AWS X-Ray answers.

AWS: docs.aws.amazon.com/xray/latest/api/CommonErrors.html and the Errors section of each operation.
"""

from collections.abc import Sequence

from lambdad.errors.base import ServiceError


class _XRayError(ServiceError):
    status = 400
    kind = None
    message_member = "Message"


class InvalidRequestException(_XRayError):
    @classmethod
    def of(cls, violations: Sequence[str]) -> "InvalidRequestException":
        plural = "s" if len(violations) > 1 else ""
        return cls(f"{len(violations)} validation error{plural} detected: {'; '.join(violations)}")

    @classmethod
    def not_built(cls, operation: str) -> "InvalidRequestException":
        return cls(f"lambdad does not perform {operation} of X-Ray.")

    @classmethod
    def filter(cls, what: str) -> "InvalidRequestException":
        return cls(f"The filter expression is invalid: {what}")

    @classmethod
    def span(cls) -> "InvalidRequestException":
        return cls("StartTime must be before EndTime.")

    @classmethod
    def token(cls) -> "InvalidRequestException":
        return cls("The NextToken is invalid.")

    @classmethod
    def too_many(cls, member: str, limit: int) -> "InvalidRequestException":
        return cls(f"{member} must not have more than {limit} members.")

    @classmethod
    def required(cls, member: str) -> "InvalidRequestException":
        return cls(f"{member} is required.")

    @classmethod
    def either(cls, one: str, other: str) -> "InvalidRequestException":
        return cls(f"Specify one of {one} and {other}.")

    @classmethod
    def rule_exists(cls, name: str) -> "InvalidRequestException":
        return cls(f"Sampling rule {name} already exists.")

    @classmethod
    def no_rule(cls, name: str) -> "InvalidRequestException":
        return cls(f"Sampling rule {name} does not exist.")

    @classmethod
    def default_rule(cls) -> "InvalidRequestException":
        return cls(
            "The Default sampling rule can neither be made nor deleted, and only its rate and reservoir changed."
        )

    @classmethod
    def version(cls) -> "InvalidRequestException":
        return cls("The version of a sampling rule must be 1.")

    @classmethod
    def group_exists(cls, name: str) -> "InvalidRequestException":
        return cls(f"Group {name} already exists.")

    @classmethod
    def no_group(cls, name: str) -> "InvalidRequestException":
        return cls(f"Group {name} does not exist.")

    @classmethod
    def default_group(cls) -> "InvalidRequestException":
        return cls("The Default group can not be changed.")


class RuleLimitExceededException(_XRayError):
    @classmethod
    def rules(cls, limit: int) -> "RuleLimitExceededException":
        return cls(f"There are {limit} sampling rules already.")


class ResourceNotFoundException(_XRayError):
    status = 404

    @classmethod
    def arn(cls, arn: str) -> "ResourceNotFoundException":
        return cls(f"{arn} does not exist.")


class TooManyTagsException(_XRayError):
    @classmethod
    def tags(cls, limit: int) -> "TooManyTagsException":
        return cls(f"A resource has no more than {limit} tags.")
