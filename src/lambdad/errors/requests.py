"""A request that is refused for what it is, whatever it is about."""

from collections.abc import Mapping, Sequence

from lambdad.errors.base import ServiceError, detected
from lambdad.errors.json_syntax import jackson


class ValidationException(ServiceError):
    """Constraints of the model that a request violates, all of them at once: `api/violations.py` words each."""

    status = 400
    kind = None

    @classmethod
    def of(cls, violations: Sequence[str]) -> "ValidationException":
        return cls(detected(violations))


class OtherServiceException(ServiceError):
    """Ours: a request signed for another service than Lambda came here."""

    status = 400

    @classmethod
    def of(cls, service: str) -> "OtherServiceException":
        return cls(
            f"lambdad does not serve {service}. AWS's other services come with the extra `services` "
            "(pip install 'lambdad[services]'), unless lambdad was started with --companion off."
        )

    @classmethod
    def not_built(cls, what: str) -> "OtherServiceException":
        """`what`: in the companion's words."""
        return cls(f"Neither lambdad nor its companion serves it: {what}")

    @property
    def members(self) -> Mapping[str, str]:
        return {"__type": self.code}  # where the JSON protocols but Lambda's have it


class ServiceUnavailable(ServiceError):
    """Ours: the process that has AWS's other services cannot be asked."""

    status = 503

    @classmethod
    def not_started(cls) -> "ServiceUnavailable":
        return cls("The process of AWS's other services did not start: lambdad's log says why.")

    @classmethod
    def no_answer(cls) -> "ServiceUnavailable":
        return cls("The process of AWS's other services did not answer: lambdad's log says why.")

    @classmethod
    def full(cls) -> "ServiceUnavailable":
        return cls("AWS's other services hold as much as they may: delete something, or raise --companion-memory-mb.")

    @classmethod
    def ending(cls) -> "ServiceUnavailable":
        return cls("lambdad is ending.")


class InvalidRequestContentException(ServiceError):
    status = 400

    @classmethod
    def payload(cls, payload: bytes, position: int, reason: str) -> "InvalidRequestContentException":
        """Where and why orjson stopped, in bytes and in its words."""
        why = jackson(payload, position, reason)
        return cls(f"Could not parse request body into json: Could not parse payload into json: {why}")

    @classmethod
    def body(cls, body: bytes, position: int, reason: str) -> "InvalidRequestContentException":
        return cls(f"Could not parse request body into json: {jackson(body, position, reason)}")

    @classmethod
    def client_context(cls) -> "InvalidRequestContentException":
        return cls("Client context must be a valid Base64-encoded JSON object.")


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

    @classmethod
    def zipped(cls, limit: int) -> "RequestEntityTooLargeException":
        return cls(f"Zipped size must be smaller than {limit} bytes")

    @classmethod
    def decompressed(cls, limit: int) -> "RequestEntityTooLargeException":
        return cls(f"Request must be smaller than {limit} bytes when it is decompressed")


class UnknownOperationException(ServiceError):
    status = 404
    kind = None
    message_member = "Message"

    @classmethod
    def path(cls) -> "UnknownOperationException":
        return cls("The requested operation is not recognized by the service.")


class Unauthorized(ServiceError):
    """A request whose signature does not hold (`aws/sigv4.py` knows why); the code is the failure's."""

    status = 403
    kind = None

    def __init__(self, code: str, message: str, status: int = 403) -> None:
        super().__init__(message)
        self._code = code
        self.answer_status = status

    @property
    def code(self) -> str:
        return self._code


class BadRequestException(ServiceError):
    """A request that no function URL takes."""

    status = 400
    kind = None
    message_member = "Message"

    @classmethod
    def upgrade(cls) -> "BadRequestException":
        return cls("Function URLs do not support protocol upgrades such as WebSocket.")

    @classmethod
    def target(cls) -> "BadRequestException":
        return cls("The request target is not a path, or names another host than the Host header.")


class LengthRequiredException(ServiceError):
    status = 411
    kind = None
    message_member = "Message"

    @classmethod
    def chunked(cls) -> "LengthRequiredException":
        return cls("Function URLs do not support chunked requests: send a Content-Length.")
