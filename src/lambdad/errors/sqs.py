"""What Amazon SQS answers.

AWS: docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html and the Errors section of each operation.
`query_code` is what the query protocol called an error; clients of the JSON protocol still look for it.
"""

from lambdad.errors.base import ServiceError

_LEGACY = "AWS.SimpleQueueService."


class _SqsError(ServiceError):
    status = 400
    kind = None


class InvalidParameterValue(_SqsError):
    @classmethod
    def value(cls, value: object, parameter: str, reason: str) -> "InvalidParameterValue":
        return cls(f"Value {value} for parameter {parameter} is invalid. Reason: {reason}")

    @classmethod
    def between(cls, value: int, parameter: str, least: int, most: int) -> "InvalidParameterValue":
        return cls.value(value, parameter, f"Must be between {least} and {most}, if provided.")

    @classmethod
    def delay(cls, value: int) -> "InvalidParameterValue":
        return cls.value(value, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")

    @classmethod
    def wait_time(cls, value: int) -> "InvalidParameterValue":
        return cls.value(value, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")

    @classmethod
    def queue_type(cls, value: object, parameter: str) -> "InvalidParameterValue":
        return cls.value(value, parameter, "The request include parameter that is not valid for this queue type.")

    @classmethod
    def too_long(cls, most: int) -> "InvalidParameterValue":
        return cls(f"One or more parameters are invalid. Reason: Message must be shorter than {most} bytes.")

    @classmethod
    def queue_name(cls) -> "InvalidParameterValue":
        return cls("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")

    @classmethod
    def fifo_queue_name(cls) -> "InvalidParameterValue":
        return cls(
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with "
            ".fifo suffix and be 1 to 80 in length"
        )

    @classmethod
    def no_deduplication(cls) -> "InvalidParameterValue":
        return cls(
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
        )

    @classmethod
    def fifo_id(cls, value: str, parameter: str) -> "InvalidParameterValue":
        reason = f"{parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length."
        return cls.value(value, parameter, reason)

    @classmethod
    def expired_handle(cls, handle: str) -> "InvalidParameterValue":
        return cls.value(handle, "ReceiptHandle", "The receipt handle has expired.")

    @classmethod
    def not_available(cls, handle: str) -> "InvalidParameterValue":
        reason = "Message does not exist or is not available for visibility timeout change."
        return cls.value(handle, "ReceiptHandle", reason)

    @classmethod
    def total_visibility(cls, value: int) -> "InvalidParameterValue":
        reason = "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]."
        return cls.value(value, "VisibilityTimeout", reason)

    @classmethod
    def redrive(cls, policy: str, reason: str) -> "InvalidParameterValue":
        return cls.value(policy, "RedrivePolicy", reason)

    @classmethod
    def redrive_allow(cls, policy: str, reason: str) -> "InvalidParameterValue":
        return cls.value(policy, "RedriveAllowPolicy", f"Amazon SQS can't create the redrive allow policy. {reason}")

    @classmethod
    def unknown_action(cls, action: str) -> "InvalidParameterValue":
        reason = "Please refer to the appropriate WSDL for a list of valid actions."
        return cls.value(f"SQS:{action}", "ActionName", reason)

    @classmethod
    def owners_action(cls, action: str) -> "InvalidParameterValue":
        reason = "Only the queue owner is allowed to invoke this action."
        return cls.value(f"SQS:{action}", "ActionName", reason)

    @classmethod
    def tags(cls, queue: str) -> "InvalidParameterValue":
        return cls(f"Too many tags added for queue {queue}.")

    @classmethod
    def message_attribute(cls, message: str) -> "InvalidParameterValue":
        return cls(message)

    @classmethod
    def system_attribute_name(cls, name: str) -> "InvalidParameterValue":
        return cls(f"Message system attribute name '{name}' is invalid.")

    @classmethod
    def system_attribute_type(cls, name: str) -> "InvalidParameterValue":
        return cls(
            f"The message system attribute '{name}' is reserved for AWS X-Ray trace header. The type must be 'String'."
        )

    @classmethod
    def token(cls, token: str) -> "InvalidParameterValue":
        return cls(f"Invalid or expired next token. {token}".rstrip())

    @classmethod
    def move(cls, message: str) -> "InvalidParameterValue":
        return cls(message)


class MissingParameter(_SqsError):
    @classmethod
    def of(cls, name: str) -> "MissingParameter":
        return cls(f"The request must contain the parameter {name}.")


class InvalidMessageContents(_SqsError):
    @classmethod
    def characters(cls) -> "InvalidMessageContents":
        return cls(
            "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | "
            "#x10000 to #x10FFFF"
        )


class InvalidAttributeName(_SqsError):
    @classmethod
    def unknown(cls, name: str) -> "InvalidAttributeName":
        return cls(f"Unknown Attribute {name}.")


class InvalidAttributeValue(_SqsError):
    @classmethod
    def of(cls, name: str) -> "InvalidAttributeValue":
        return cls(f"Invalid value for the parameter {name}.")


class QueueDoesNotExist(_SqsError):
    query_code = _LEGACY + "NonExistentQueue"

    @classmethod
    def queue(cls) -> "QueueDoesNotExist":
        return cls("The specified queue does not exist.")


class QueueNameExists(_SqsError):
    query_code = "QueueAlreadyExists"

    @classmethod
    def with_other(cls, attribute: str) -> "QueueNameExists":
        return cls(f"A queue already exists with the same name and a different value for attribute {attribute}")


class InvalidAddress(_SqsError):
    @classmethod
    def url(cls, url: str) -> "InvalidAddress":
        return cls(f"The address {url} is not valid for this endpoint.")


class ReceiptHandleIsInvalid(_SqsError):
    @classmethod
    def of(cls, handle: str) -> "ReceiptHandleIsInvalid":
        return cls(f'The input receipt handle "{handle}" is not a valid receipt handle.')


class MessageNotInflight(_SqsError):
    query_code = _LEGACY + "MessageNotInflight"

    @classmethod
    def of(cls) -> "MessageNotInflight":
        return cls("The specified message isn't in flight.")


class OverLimit(_SqsError):
    status = 403

    @classmethod
    def actions(cls, given: int) -> "OverLimit":
        return cls(f"{given} Actions were found, maximum allowed is 7.")


class UnsupportedOperation(_SqsError):
    query_code = _LEGACY + "UnsupportedOperation"

    @classmethod
    def of(cls, message: str) -> "UnsupportedOperation":
        return cls(message)


class EmptyBatchRequest(_SqsError):
    query_code = _LEGACY + "EmptyBatchRequest"

    @classmethod
    def of(cls, entry: str) -> "EmptyBatchRequest":
        return cls(f"There should be at least one {entry} in the request.")


class TooManyEntriesInBatchRequest(_SqsError):
    query_code = _LEGACY + "TooManyEntriesInBatchRequest"

    @classmethod
    def of(cls, given: int) -> "TooManyEntriesInBatchRequest":
        return cls(f"Maximum number of entries per request are 10. You have sent {given}.")


class BatchEntryIdsNotDistinct(_SqsError):
    query_code = _LEGACY + "BatchEntryIdsNotDistinct"

    @classmethod
    def of(cls, entry_id: str) -> "BatchEntryIdsNotDistinct":
        return cls(f"Id {entry_id} repeated.")


class InvalidBatchEntryId(_SqsError):
    query_code = _LEGACY + "InvalidBatchEntryId"

    @classmethod
    def of(cls) -> "InvalidBatchEntryId":
        return cls(
            "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 "
            "letters long."
        )


class BatchRequestTooLong(_SqsError):
    query_code = _LEGACY + "BatchRequestTooLong"

    @classmethod
    def of(cls, most: int, given: int) -> "BatchRequestTooLong":
        return cls(f"Batch requests cannot be longer than {most} bytes. You have sent {given} bytes.")


class TaskNotFound(_SqsError):
    """`ResourceNotFoundException`, of message move tasks."""

    status = 404

    @property
    def code(self) -> str:
        return "ResourceNotFoundException"

    @classmethod
    def queue(cls) -> "TaskNotFound":
        return cls("The resource that you specified for the SourceArn parameter doesn't exist.")

    @classmethod
    def destination(cls) -> "TaskNotFound":
        return cls("The resource that you specified for the DestinationArn parameter doesn't exist.")

    @classmethod
    def task(cls) -> "TaskNotFound":
        return cls("Task does not exist.")
