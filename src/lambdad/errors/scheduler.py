"""What Amazon EventBridge Scheduler answers.

AWS: docs.aws.amazon.com/scheduler/latest/APIReference/CommonErrors.html and the Errors section of each operation.
"""

from collections.abc import Sequence

from lambdad.errors.base import ServiceError, detected


class _SchedulerError(ServiceError):
    status = 400
    kind = None
    message_member = "Message"


class InvalidSchedulerRequest(_SchedulerError):
    @property
    def code(self) -> str:
        return "ValidationException"

    @classmethod
    def of(cls, violations: Sequence[str]) -> "InvalidSchedulerRequest":
        return cls(detected(violations))

    @classmethod
    def expression(cls, text: str) -> "InvalidSchedulerRequest":
        return cls(f"Invalid Schedule Expression {text}.")

    @classmethod
    def timezone(cls, name: str) -> "InvalidSchedulerRequest":
        return cls(f"Invalid Schedule Expression Timezone {name}.")

    @classmethod
    def window_missing(cls) -> "InvalidSchedulerRequest":
        return cls("MaximumWindowInMinutes must be provided when FlexibleTimeWindowMode is set to FLEXIBLE.")

    @classmethod
    def window_not_wanted(cls) -> "InvalidSchedulerRequest":
        return cls("MaximumWindowInMinutes must not be provided when FlexibleTimeWindowMode is set to OFF.")

    @classmethod
    def start_too_early(cls) -> "InvalidSchedulerRequest":
        return cls("The StartDate you specify cannot be earlier than 5 minutes ago.")

    @classmethod
    def end_before_start(cls) -> "InvalidSchedulerRequest":
        return cls("The StartDate you specify must come before the EndDate.")

    @classmethod
    def end_is_past(cls) -> "InvalidSchedulerRequest":
        return cls("The EndDate you specify must be in the future.")

    @classmethod
    def target_arn(cls) -> "InvalidSchedulerRequest":
        return cls("Provided Arn is not in correct format.")

    @classmethod
    def target_service(cls, service: str) -> "InvalidSchedulerRequest":
        return cls(f"{service} is not a supported service for a target.")

    @classmethod
    def other_account(cls, arn: str) -> "InvalidSchedulerRequest":
        return cls(f"{arn} belongs to another account: lambdad's schedules reach only their own.")

    @classmethod
    def action(cls, service: str, action: str) -> "InvalidSchedulerRequest":
        return cls(f"{service}:{action} is not a supported action for a target.")

    @classmethod
    def parameters_missing(cls, member: str, service: str) -> "InvalidSchedulerRequest":
        return cls(f"{member} must be provided for a target of the service {service}.")

    @classmethod
    def parameters_not_wanted(cls, member: str, service: str) -> "InvalidSchedulerRequest":
        return cls(f"{member} must not be provided for a target of the service {service}.")

    @classmethod
    def input(cls, reason: str) -> "InvalidSchedulerRequest":
        return cls(f"Invalid RequestJson provided. Reason {reason}.")

    @classmethod
    def missing_fields(cls, names: Sequence[str]) -> "InvalidSchedulerRequest":
        return cls.input(f"Request payload is missing the following field(s): {', '.join(names)}")

    @classmethod
    def input_size(cls, most: int) -> "InvalidSchedulerRequest":
        return cls(f"The Input of a target must not be larger than {most} bytes.")

    @classmethod
    def dead_letter_queue(cls) -> "InvalidSchedulerRequest":
        return cls("A FIFO queue is not supported as a dead-letter queue.")

    @classmethod
    def default_group(cls) -> "InvalidSchedulerRequest":
        return cls("The default schedule group cannot be deleted.")

    @classmethod
    def tags(cls, most: int) -> "InvalidSchedulerRequest":
        return cls(f"A schedule group must not have more than {most} tags.")

    @classmethod
    def not_built(cls, operation: str) -> "InvalidSchedulerRequest":
        return cls(f"lambdad does not offer {operation} of EventBridge Scheduler.")


class RequestExpired(_SchedulerError):
    """Nobody is answered this: a dead-letter queue is told."""

    @classmethod
    def of_age(cls, seconds: int) -> "RequestExpired":
        return cls(f"It was due more than {seconds} seconds ago.")


class ScheduleConflict(_SchedulerError):
    status = 409

    @property
    def code(self) -> str:
        return "ConflictException"

    @classmethod
    def schedule(cls, name: str) -> "ScheduleConflict":
        return cls(f"Schedule {name} already exists.")

    @classmethod
    def group(cls, name: str) -> "ScheduleConflict":
        return cls(f"Schedule group {name} already exists.")

    @classmethod
    def group_deleting(cls, name: str) -> "ScheduleConflict":
        return cls(f"Schedule group {name} is being deleted.")


class ScheduleNotFound(_SchedulerError):
    status = 404

    @property
    def code(self) -> str:
        return "ResourceNotFoundException"

    @classmethod
    def schedule(cls, name: str) -> "ScheduleNotFound":
        return cls(f"Schedule {name} does not exist.")

    @classmethod
    def group(cls, name: str) -> "ScheduleNotFound":
        return cls(f"Schedule group {name} does not exist.")


class SchedulerQuotaExceeded(_SchedulerError):
    status = 402

    @property
    def code(self) -> str:
        return "ServiceQuotaExceededException"

    @classmethod
    def schedules(cls, most: int) -> "SchedulerQuotaExceeded":
        return cls(f"The maximum number of schedules ({most}) has been reached.")

    @classmethod
    def groups(cls, most: int) -> "SchedulerQuotaExceeded":
        return cls(f"The maximum number of schedule groups ({most}) has been reached.")
