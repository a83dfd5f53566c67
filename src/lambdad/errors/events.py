"""What Amazon EventBridge answers.

AWS: docs.aws.amazon.com/eventbridge/latest/APIReference/CommonErrors.html and the Errors section of each operation. What is
wrong with a pattern: `event_patterns.py`.
"""

from collections.abc import Sequence
from typing import Self

from lambdad.errors.base import ServiceError, detected


class _EventsError(ServiceError):
    status = 400
    kind = None


class ValidationException(_EventsError):
    @classmethod
    def of(cls, violations: Sequence[str]) -> Self:
        return cls(detected(violations))

    @classmethod
    def entries_size(cls) -> Self:
        return cls("Total size of the entries in the request is over the limit.")

    @classmethod
    def default_bus(cls) -> Self:
        return cls("Cannot delete event bus default.")

    @classmethod
    def bus_has_rules(cls, name: str) -> Self:
        return cls(f"Event bus {name} can't be deleted since it has rules.")

    @classmethod
    def bus_name(cls) -> Self:
        return cls("Event bus name must not contain '/'.")

    @classmethod
    def neither_pattern_nor_schedule(cls) -> Self:
        return cls("Parameter(s) EventPattern or ScheduleExpression must be specified.")

    @classmethod
    def schedule(cls) -> Self:
        return cls("Parameter ScheduleExpression is not valid.")

    @classmethod
    def schedule_of_custom_bus(cls) -> Self:
        return cls("ScheduleExpression is supported only on the default event bus.")

    @classmethod
    def pattern_size(cls, name: str, limit: int) -> Self:
        return cls(f"Parameter EventPattern for rule {name} exceeds limit of {limit}.")

    @classmethod
    def rule_has_targets(cls) -> Self:
        return cls("Rule can't be deleted since it has targets.")

    @classmethod
    def token(cls) -> Self:
        return cls("Token is not valid.")

    @classmethod
    def arn(cls, text: str) -> Self:
        return cls(f"Parameter {text} is not valid. Reason: Provided Arn is not in correct format.")

    @classmethod
    def inputs(cls, target: str) -> Self:
        return cls(f"Only one of Input, InputPath, or InputTransformer must be provided for target {target}.")

    @classmethod
    def input_json(cls, target: str) -> Self:
        return cls(f"JSON syntax error in input for target {target}.")

    @classmethod
    def input_path(cls, target: str) -> Self:
        return cls(f"InputPath for target {target} is invalid.")

    @classmethod
    def placeholder(cls, target: str, name: str) -> Self:
        return cls(f"InputTemplate for target {target} contains invalid placeholder {name}.")

    @classmethod
    def json_placeholder(cls, target: str, name: str) -> Self:
        return cls(f"InputTemplate for target {target} contains placeholder {name} valid only for JSON template.")

    @classmethod
    def unsupported_parameters(cls, name: str, target: str) -> Self:
        return cls(f"Parameter(s) {name} not supported for target: {target}.")

    @classmethod
    def missing_parameters(cls, name: str, target: str) -> Self:
        return cls(f"Parameter(s) {name} must be specified for target: {target}.")

    @classmethod
    def dead_letter_service(cls, service: str) -> Self:
        return cls(f"{service} is not supported as a dead letter resource.")

    @classmethod
    def dead_letter_fifo(cls) -> Self:
        return cls("SQS FIFO is not supported by Dead Letter Queues.")

    @classmethod
    def one_filter(cls, operation: str) -> Self:
        return cls(f"At most one filter is allowed for {operation}. Use either : State, EventSourceArn, or NamePrefix.")

    @classmethod
    def test_event(cls, what: str) -> Self:
        return cls(f"Parameter Event is not valid. Reason: {what}.")

    @classmethod
    def replay_source(cls, reason: str) -> Self:
        return cls(f"Parameter EventSourceArn is not valid. Reason: {reason}.")

    @classmethod
    def replay_destination(cls, reason: str) -> Self:
        return cls(f"Parameter Destination.Arn is not valid. Reason: {reason}.")

    @classmethod
    def replay_times(cls) -> Self:
        return cls("Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.")

    @classmethod
    def permission(cls) -> Self:
        return cls("Parameters Principal, Action and StatementId must be specified unless a Policy is.")

    @classmethod
    def policy(cls) -> Self:
        return cls("Parameter Policy is not valid.")

    @classmethod
    def not_built(cls, operation: str) -> Self:
        return cls(f"lambdad has no {operation}.")


class ResourceNotFoundException(_EventsError):
    @classmethod
    def bus(cls, name: str) -> Self:
        return cls(f"Event bus {name} does not exist.")

    @classmethod
    def rule(cls, name: str, bus: str) -> Self:
        return cls(f"Rule {name} does not exist on EventBus {bus}.")

    @classmethod
    def archive(cls, name: str) -> Self:
        return cls(f"Archive {name} does not exist.")

    @classmethod
    def replay(cls, name: str) -> Self:
        return cls(f"Replay {name} does not exist.")

    @classmethod
    def statement(cls) -> Self:
        return cls("Statement with the provided id does not exist.")


class ResourceAlreadyExistsException(_EventsError):
    @classmethod
    def of(cls, kind: str, name: str) -> Self:
        return cls(f"{kind} {name} already exists.")


class IllegalStatusException(_EventsError):
    @classmethod
    def replay(cls, name: str) -> Self:
        return cls(f"Replay {name} is not in a valid state for this operation.")


class LimitExceededException(_EventsError):
    @classmethod
    def resources(cls) -> Self:
        return cls("The requested resource exceeds the maximum number allowed.")


class PolicyLengthExceededException(_EventsError):
    @classmethod
    def of(cls) -> Self:
        return cls("Policy length exceeded.")


class ThrottlingException(_EventsError):
    @classmethod
    def rate(cls) -> Self:
        return cls("Rate exceeded")


class AccessDeniedException(_EventsError):
    @classmethod
    def bus(cls, account: str, arn: str) -> Self:
        return cls(f"User: arn:aws:iam::{account}:root is not authorized to access another account's resource: {arn}")


class EntryError(Exception):
    """What is wrong with one entry of several: it is told in the answer, and the others are taken."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @classmethod
    def missing(cls, parameter: str) -> Self:
        return cls(
            "InvalidArgument", f"Parameter {parameter} is not valid. Reason: {parameter} is a required argument."
        )

    @classmethod
    def detail(cls) -> Self:
        return cls("MalformedDetail", "Detail is malformed.")

    @classmethod
    def source(cls) -> Self:
        return cls("NotAuthorizedForSourceException", "Not authorized for the source.")

    @classmethod
    def bus_policy(cls, account: str, arn: str) -> Self:
        return cls(
            "AccessDeniedException",
            f"User: arn:aws:iam::{account}:root is not authorized to perform: events:PutEvents on resource: {arn} "
            "because no resource-based policy allows the events:PutEvents action",
        )
