"""What every error has, and the one for our own failures."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self


class ServiceError(Exception):
    """A refused request. The class name is the error code."""

    status: ClassVar[int]
    """HTTP status."""
    kind: ClassVar[str | None] = "User"
    """The `Type` member of the body; None: the body has none."""
    message_member: ClassVar[str] = "message"
    """AWS spells it `message` or `Message`, by exception."""
    query_code: ClassVar[str | None] = None
    """What the query protocol calls it, where that is another name."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.has_type = True

    def without_type(self) -> Self:
        """Some wordings of an exception that has a `Type` come without it."""
        self.has_type = False
        return self

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


class ServiceException(ServiceError):
    """An internal failure: its details are in the server's log, under the request id."""

    status = 500
    kind = "Service"
    message_member = "Message"

    @classmethod
    def internal(cls) -> "ServiceException":
        return cls("An error occurred and the request cannot be processed.")


def detected(violations: Sequence[str]) -> str:
    """Constraints of a service's model that a request violates, all of them at once: `protocols/violations.py` words each."""
    plural = "s" if len(violations) > 1 else ""
    return f"{len(violations)} validation error{plural} detected: {'; '.join(violations)}"
