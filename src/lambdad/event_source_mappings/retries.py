"""What becomes of a batch of a stream's or a topic's records that failed. Pure.

AWS: docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html, …/services-dynamodb-errors.html,
…/kafka-retry-configurations.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

EXHAUSTED: Final = "RetryAttemptsExhausted"
TOO_OLD: Final = "RecordAgeExceeded"


class Aged(Protocol):
    @property
    def arrived_at(self) -> float:
        """Seconds since the epoch."""


R = TypeVar("R", bound=Aged)


@dataclass(frozen=True, slots=True)
class Retries:
    most: int | None
    """After the first attempt; None: without end."""
    oldest: int | None
    """Seconds."""
    bisect: bool

    @classmethod
    def of(cls, settings: Mapping[str, Any], with_destination: int | None = None) -> "Retries":
        """`with_destination`: retries where there is somewhere to put what fails, and no limit was named."""
        most = settings.get("MaximumRetryAttempts", -1)
        oldest = settings.get("MaximumRecordAgeInSeconds", -1)
        unlimited = with_destination if destination_of(settings) else None
        return cls(
            most if most >= 0 else unlimited,
            oldest if oldest >= 0 else None,
            bool(settings.get("BisectBatchOnFunctionError")),
        )

    def by_age(self, records: Sequence[R], now: float) -> tuple[list[R], list[R]]:
        """Those that are not too old, and those that are. `now` in seconds since the epoch."""
        if self.oldest is None:
            return list(records), []
        fresh = [record for record in records if now - record.arrived_at <= self.oldest]
        return fresh, [record for record in records if now - record.arrived_at > self.oldest]

    def given_up(self, attempts: int) -> bool:
        return self.most is not None and attempts > self.most

    def halves(self, records: Sequence[R]) -> list[list[R]]:
        """What is tried next, in this order."""
        if not self.bisect or len(records) < 2:
            return [list(records)]
        middle = (len(records) + 1) // 2
        return [list(records[:middle]), list(records[middle:])]


def destination_of(settings: Mapping[str, Any]) -> str | None:
    """ARN: where what is given up is told of."""
    arn: str | None = ((settings.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    return arn
