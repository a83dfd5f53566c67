"""What services beside Lambda answer to a request that names nothing of theirs, or cannot be read.

AWS: docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CommonErrors.html
"""

from collections.abc import Mapping

from lambdad.errors.base import ServiceError


class UnknownTargetException(ServiceError):
    """Protocols that name the operation in a header or path."""

    status = 400
    kind = None

    @property
    def code(self) -> str:
        return "UnknownOperationException"

    @property
    def members(self) -> Mapping[str, str]:
        return {"__type": self.code}


class InvalidAction(ServiceError):
    """The query protocol."""

    status = 400
    kind = None

    @classmethod
    def of(cls, action: str) -> "InvalidAction":
        return cls(f"Could not find operation {action}")


class MalformedInput(ServiceError):
    """The query protocol."""

    status = 400
    kind = None

    @classmethod
    def form(cls) -> "MalformedInput":
        return cls("The form cannot be read.")

    @classmethod
    def compressed(cls) -> "MalformedInput":
        return cls("The body is not what its Content-Encoding says.")

    @classmethod
    def value(cls, text: str, kind: str) -> "MalformedInput":
        return cls(f"{text!r} is not a {kind}.")

    @classmethod
    def place(cls, what: str) -> "MalformedInput":
        """Fields whose names do not fit together."""
        return cls(f"Unexpected field: {what}")


class InternalFailure(ServiceError):
    """Details are in the server's log, under the request id."""

    status = 500
    kind = None

    @classmethod
    def unknown(cls) -> "InternalFailure":
        return cls("The request processing has failed because of an unknown error, exception or failure.")
