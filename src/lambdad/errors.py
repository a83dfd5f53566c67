"""Every error the API answers with: one class per exception of the service model, each wording once.

A constructor takes the facts and holds AWS's words; `api/front_door.py` is the only place that turns one into bytes. What a
failed *function* returns is no error here but a value: `environments/failures.py`.
AWS: docs.aws.amazon.com/lambda/latest/api/CommonErrors.html and the Errors section of each operation.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar


class ServiceError(Exception):
    """A refused request. The class name is the error code."""

    status: ClassVar[int]
    """HTTP status."""
    kind: ClassVar[str | None] = "User"
    """The `Type` member of the body; None: the body has none."""
    message_member: ClassVar[str] = "message"
    """AWS spells it `message` or `Message`, by exception."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def code(self) -> str:
        return type(self).__name__

    @property
    def members(self) -> Mapping[str, str]:
        """Further members of the body."""
        return {}

    @property
    def headers(self) -> Sequence[tuple[bytes, bytes]]:
        """Further headers of the answer."""
        return ()


class ValidationException(ServiceError):
    """Constraints of the model that a request violates, all of them at once: `api/violations.py` words each."""

    status = 400
    kind = None

    @classmethod
    def of(cls, violations: Sequence[str]) -> "ValidationException":
        plural = "s" if len(violations) > 1 else ""
        return cls(f"{len(violations)} validation error{plural} detected: {'; '.join(violations)}")


class ResourceNotFoundException(ServiceError):
    status = 404
    message_member = "Message"

    @classmethod
    def function(cls, arn: str) -> "ResourceNotFoundException":
        """`arn` as it was asked for, with the qualifier if there was one."""
        return cls(f"Function not found: {arn}")

    @classmethod
    def region(cls, wanted: str, own: str) -> "ResourceNotFoundException":
        return cls(f"Functions from '{wanted}' are not reachable in this region ('{own}')")


class ResourceConflictException(ServiceError):
    status = 409

    @classmethod
    def function_exists(cls, name: str) -> "ResourceConflictException":
        return cls(f"Function already exist: {name}")

    @classmethod
    def update_in_progress(cls, arn: str) -> "ResourceConflictException":
        return cls(f"The operation cannot be performed at this time. An update is in progress for resource: {arn}")

    @classmethod
    def state(cls, state: str) -> "ResourceConflictException":
        return cls(
            f"The operation cannot be performed at this time. The function is currently in the following state: {state}"
        )


class PreconditionFailedException(ServiceError):
    status = 412

    @classmethod
    def function_revision(cls) -> "PreconditionFailedException":
        return cls(
            "The Revision Id provided does not match the latest Revision Id. "
            "Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
        )


class InvalidParameterValueException(ServiceError):
    status = 400

    @classmethod
    def qualifier_mismatch(cls) -> "InvalidParameterValueException":
        return cls("The derived qualifier from the function name does not match the specified qualifier.")

    @classmethod
    def marker(cls) -> "InvalidParameterValueException":
        return cls("The marker is not one that this list gave out.")

    @classmethod
    def delete_alias(cls) -> "InvalidParameterValueException":
        return cls("Deletion of aliases is not currently supported.")

    @classmethod
    def delete_latest(cls) -> "InvalidParameterValueException":
        return cls("$LATEST version cannot be deleted without deleting the function.")

    @classmethod
    def broken_zip(cls) -> "InvalidParameterValueException":
        return cls("Could not unzip uploaded file. Please check your file, then try to upload again.")

    @classmethod
    def empty_zip(cls) -> "InvalidParameterValueException":
        return cls("Uploaded file must be a non-empty zip")

    @classmethod
    def unzipped_too_large(cls, limit: int) -> "InvalidParameterValueException":
        return cls(f"Unzipped size must be smaller than {limit} bytes")

    @classmethod
    def no_code(cls) -> "InvalidParameterValueException":
        return cls("Please provide a source for function code.")

    @classmethod
    def more_than_zip(cls) -> "InvalidParameterValueException":
        return cls("Please do not provide other FunctionCode parameters when providing a ZipFile.")

    @classmethod
    def image_for_zip(cls) -> "InvalidParameterValueException":
        return cls("Please don't provide ImageUri when updating a function with packageType Zip.")

    @classmethod
    def runtime_and_handler_needed(cls) -> "InvalidParameterValueException":
        return cls("Runtime and Handler are mandatory parameters for functions created with deployment packages.")

    @classmethod
    def images(cls) -> "InvalidParameterValueException":
        return cls(
            "lambdad runs functions from deployment packages (PackageType Zip); container images are not supported."
        )

    @classmethod
    def code_sha_mismatch(cls, given: str, current: str) -> "InvalidParameterValueException":
        return cls(
            f"CodeSHA256 ({given}) is different from current CodeSHA256 in $LATEST ({current}). "
            "Please try again with the CodeSHA256 in $LATEST."
        )

    @classmethod
    def deprecated_runtime(cls, runtime: str) -> "InvalidParameterValueException":
        return cls(
            f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. "
            "We recommend you use a supported runtime while creating or updating functions."
        )

    @classmethod
    def unknown_runtime(cls, runtime: str, known: Sequence[str]) -> "InvalidParameterValueException":
        return cls(
            f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: "
            f"[{', '.join(known)}] or be a valid ARN"
        )

    @classmethod
    def layer_version(cls, arn: str) -> "InvalidParameterValueException":
        return cls(f"Layer version {arn} does not exist.")

    @classmethod
    def layers_elsewhere(cls, region: str) -> "InvalidParameterValueException":
        return cls(f"Layers are not in the same region as the function. Layers are expected to be in region {region}.")

    @classmethod
    def same_layer_twice(cls, one: str, other: str) -> "InvalidParameterValueException":
        return cls(
            "Two different versions of the same layer are not allowed to be referenced in the same function. "
            f"{one} and {other} are versions of the same layer."
        )

    @classmethod
    def too_many_tags(cls) -> "InvalidParameterValueException":
        return cls("Number of tags exceeds resource tag limit.")

    @classmethod
    def half_a_vpc(cls) -> "InvalidParameterValueException":
        return cls("SubnetIds and SecurityIds must coexist or be both empty list.")

    @classmethod
    def log_level_of_text(cls) -> "InvalidParameterValueException":
        return cls(
            'LogLevel is not supported when LogFormat is set to "Text". '
            'Remove LogLevel from your request or change the LogFormat to "Json" and try again.'
        )

    @classmethod
    def master_region_without_all(cls) -> "InvalidParameterValueException":
        return cls("FunctionVersion must be set to ALL when MasterRegion is specified.")

    @classmethod
    def environment_too_large(cls, measured: str) -> "InvalidParameterValueException":
        return cls(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            f"provided exceeded the 4KB limit. String measured: {measured}"
        )

    @classmethod
    def reserved_variables(cls, names: Sequence[str]) -> "InvalidParameterValueException":
        return cls(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(names)}"
        )

    @classmethod
    def s3(cls, code: str, message: str) -> "InvalidParameterValueException":
        return cls(f"Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {message}")

    @classmethod
    def no_s3_endpoint(cls) -> "InvalidParameterValueException":
        return cls("No S3 endpoint is configured: start lambdad with --endpoint s3=URL, or pass the code as ZipFile.")

    @classmethod
    def not_offered(cls, member: str) -> "InvalidParameterValueException":
        return cls(f"lambdad does not support {member}.")

    @classmethod
    def not_built_yet(cls, operation: str) -> "InvalidParameterValueException":
        return cls(f"lambdad does not implement {operation} yet.")


class OtherServiceException(ServiceError):
    """Ours: a request signed for another service than Lambda came here."""

    status = 400

    @classmethod
    def of(cls, service: str) -> "OtherServiceException":
        return cls(f"lambdad serves AWS Lambda; requests for the service {service} belong to another endpoint.")

    @property
    def members(self) -> Mapping[str, str]:
        return {"__type": self.code}  # where the JSON protocols but Lambda's have it


class InvalidRequestContentException(ServiceError):
    status = 400

    @classmethod
    def payload(cls, payload: bytes, position: int) -> "InvalidRequestContentException":
        """`position`: where the JSON parser stopped, in bytes."""
        return cls(
            f"Could not parse request body into json: Could not parse payload into json: {_jackson(payload, position)}"
        )

    @classmethod
    def body(cls, body: bytes, position: int) -> "InvalidRequestContentException":
        return cls(f"Could not parse request body into json: {_jackson(body, position)}")

    @classmethod
    def client_context(cls) -> "InvalidRequestContentException":
        return cls("Client context must be a valid Base64-encoded JSON object.")


def _jackson(data: bytes, position: int) -> str:
    """What AWS's JSON parser (Jackson) says of the byte it stopped at, in its words."""
    before = data[:position]
    line = before.count(b"\n") + 1
    column = position - (before.rfind(b"\n") + 1) + 1
    where = f"\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: {line}, column: {column}]"
    if position >= len(data):
        return f"Unexpected end-of-input{where}"
    byte = data[position]
    if byte >= 0x80 and before.count(b'"') % 2:
        return f"Invalid UTF-8 start byte 0x{byte:02x}{where}"
    shown = f"'{chr(byte)}' (code {byte})" if 32 <= byte < 127 else f"(CTRL-CHAR, code {byte})"
    expected = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
    return f"Unexpected character ({shown}): expected a valid value {expected}{where}"


class SerializationException(ServiceError):
    """A member of the wrong JSON type."""

    status = 400
    kind = None
    message_member = "Message"


class RequestTooLargeException(ServiceError):
    status = 413

    @classmethod
    def invoke(cls, limit: int) -> "RequestTooLargeException":
        return cls(f"Request must be smaller than {limit} bytes for the InvokeFunction operation")


class RequestEntityTooLargeException(ServiceError):
    status = 413
    kind = None

    @classmethod
    def operation(cls, limit: int, operation: str) -> "RequestEntityTooLargeException":
        return cls(f"Request must be smaller than {limit} bytes for the {operation} operation")


class TooManyRequestsException(ServiceError):
    status = 429

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self._reason = reason

    @property
    def members(self) -> Mapping[str, str]:
        return {"Reason": self._reason}

    @classmethod
    def concurrency(cls, reason: str) -> "TooManyRequestsException":
        return cls("Rate Exceeded.", reason)

    @classmethod
    def no_capacity(cls) -> "TooManyRequestsException":
        """This host holds as many environments as it may: AWS has no such case, but this is how it would say it."""
        return cls("Rate Exceeded.", "ConcurrentInvocationLimitExceeded")


class CodeStorageExceededException(ServiceError):
    status = 400

    @classmethod
    def limit(cls) -> "CodeStorageExceededException":
        return cls("Code storage limit exceeded.")


class CodeSigningConfigNotFoundException(ServiceError):
    status = 404
    message_member = "Message"

    @classmethod
    def of(cls, arn: str) -> "CodeSigningConfigNotFoundException":
        return cls(
            "The code signing configuration cannot be found. "
            f"Check that the provided configuration is not deleted: {arn}."
        )


class ServiceException(ServiceError):
    """An internal failure: its details are in the server's log, under the request id."""

    status = 500
    kind = "Service"
    message_member = "Message"

    @classmethod
    def internal(cls) -> "ServiceException":
        return cls("An error occurred and the request cannot be processed.")


class UnknownOperationException(ServiceError):
    status = 404
    kind = None
    message_member = "Message"

    @classmethod
    def path(cls) -> "UnknownOperationException":
        return cls("The requested operation is not recognized by the service.")


class Unauthorized(ServiceError):
    """A request whose signature does not hold (`api/sigv4.py` knows why); the code is the failure's."""

    status = 403
    kind = None

    def __init__(self, code: str, message: str, status: int = 403) -> None:
        super().__init__(message)
        self._code = code
        self.answer_status = status

    @property
    def code(self) -> str:
        return self._code
