"""What a protocol is to a service: requests in, answers out."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

from lambdad.errors import ServiceError
from lambdad.http.exchange import Exchange
from lambdad.protocols.context import Members
from lambdad.protocols.model import Operation

Body = bytes | AsyncGenerator[bytes, None]
"""A stream's comes piece by piece."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: Body


class Codec(Protocol):
    """Of one service model."""

    def read(self, exchange: Exchange) -> tuple[Operation, Members]:
        """Raises ServiceError: it names no operation, or cannot be read."""

    def answer(self, operation: Operation, members: Members, request_id: str) -> Answer: ...

    def refusal(self, error: ServiceError, request_id: str) -> Answer: ...
