"""What Application Auto Scaling answers.

AWS: docs.aws.amazon.com/autoscaling/application/APIReference/CommonErrors.html and the Errors section of each operation.
"""

from collections.abc import Mapping, Sequence

from lambdad.errors.base import ServiceError, detected


class _ScalingError(ServiceError):
    status = 400
    kind = None


class InvalidScalingRequest(_ScalingError):
    @property
    def code(self) -> str:
        return "ValidationException"

    @classmethod
    def of(cls, violations: Sequence[str]) -> "InvalidScalingRequest":
        return cls(detected(violations))

    @classmethod
    def unsupported(cls) -> "InvalidScalingRequest":
        return cls("Unsupported service namespace, resource type or scalable dimension")

    @classmethod
    def other_namespace(cls, namespace: str) -> "InvalidScalingRequest":
        return cls(
            f"lambdad scales Lambda itself; for {namespace} it needs its companion (pip install 'lambdad[services]')."
        )

    @classmethod
    def no_resource(cls, resource: str) -> "InvalidScalingRequest":
        return cls(f"Lambda function doesn't exist: {resource}")

    @classmethod
    def bounds_missing(cls) -> "InvalidScalingRequest":
        return cls("MinCapacity and MaxCapacity must be specified when a new scalable target is registered")

    @classmethod
    def bounds_swapped(cls) -> "InvalidScalingRequest":
        return cls("Maximum capacity cannot be less than minimum capacity")

    @classmethod
    def negative(cls) -> "InvalidScalingRequest":
        return cls("Minimum and maximum capacity cannot be less than 0")

    @classmethod
    def policy_type(cls, kind: str) -> "InvalidScalingRequest":
        return cls(f"{kind} is not supported for the scalable dimension lambda:function:ProvisionedConcurrency")

    @classmethod
    def configuration_missing(cls) -> "InvalidScalingRequest":
        return cls(
            "TargetTrackingScalingPolicyConfiguration is required for a policy of the type TargetTrackingScaling"
        )

    @classmethod
    def one_metric(cls) -> "InvalidScalingRequest":
        return cls("Specify either a predefined or a customized metric, and not both")

    @classmethod
    def predefined(cls, name: str) -> "InvalidScalingRequest":
        return cls(f"Predefined metric type {name} is not supported for the scalable dimension of this target")

    @classmethod
    def customized(cls) -> "InvalidScalingRequest":
        return cls("A customized metric has a MetricName, a Namespace and a Statistic, or Metrics")

    @classmethod
    def target_value(cls) -> "InvalidScalingRequest":
        return cls("TargetValue must be greater than 0")

    @classmethod
    def cooldown(cls) -> "InvalidScalingRequest":
        return cls("A cooldown cannot be less than 0")

    @classmethod
    def alarms(cls, why: str) -> "InvalidScalingRequest":
        return cls(f"The alarms of the policy cannot be made: {why}")

    @classmethod
    def schedule_missing(cls) -> "InvalidScalingRequest":
        return cls("Schedule and ScalableTargetAction must be specified for a new scheduled action")

    @classmethod
    def schedule(cls, text: str) -> "InvalidScalingRequest":
        return cls(f"Schedule expression is invalid: {text}")

    @classmethod
    def timezone(cls, name: str) -> "InvalidScalingRequest":
        return cls(f"Timezone is invalid: {name}")

    @classmethod
    def never(cls) -> "InvalidScalingRequest":
        return cls("The schedule must come to pass in the future, before its end time")

    @classmethod
    def times_swapped(cls) -> "InvalidScalingRequest":
        return cls("EndTime must be after StartTime")

    @classmethod
    def no_bounds(cls) -> "InvalidScalingRequest":
        return cls("ScalableTargetAction must specify MinCapacity, MaxCapacity or both")

    @classmethod
    def not_built(cls, operation: str) -> "InvalidScalingRequest":
        return cls(f"lambdad does not offer {operation} of Application Auto Scaling for Lambda.")


class ObjectNotFoundException(_ScalingError):
    @classmethod
    def target(cls, resource: str) -> "ObjectNotFoundException":
        return cls(f"No scalable target registered for {_about(resource)}")

    @classmethod
    def policy(cls, resource: str, name: str) -> "ObjectNotFoundException":
        return cls(f"No scaling policy found for {_about(resource)}, policy name: {name}")

    @classmethod
    def action(cls, resource: str, name: str) -> "ObjectNotFoundException":
        return cls(f"No scheduled action found for {_about(resource)}, scheduled action name: {name}")


def _about(resource: str) -> str:
    dimension = "lambda:function:ProvisionedConcurrency"
    return f"service namespace: lambda, resource ID: {resource}, scalable dimension: {dimension}"


class InvalidNextTokenException(_ScalingError):
    @classmethod
    def of_request(cls) -> "InvalidNextTokenException":
        return cls("The next token supplied was invalid")


class ScalingLimitExceeded(_ScalingError):
    @property
    def code(self) -> str:
        return "LimitExceededException"

    @classmethod
    def of(cls, what: str, most: int) -> "ScalingLimitExceeded":
        return cls(f"The maximum number of {what} ({most}) has been reached")


class NoSuchScalableTarget(_ScalingError):
    def __init__(self, arn: str) -> None:
        super().__init__(f"The resource doesn't exist: {arn}")
        self._arn = arn

    @property
    def code(self) -> str:
        return "ResourceNotFoundException"

    @property
    def members(self) -> Mapping[str, str]:
        return {"ResourceName": self._arn}


class TooManyTagsException(_ScalingError):
    @classmethod
    def of(cls, most: int) -> "TooManyTagsException":
        return cls(f"A scalable target must not have more than {most} tags")
