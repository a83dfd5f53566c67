"""What becomes of a batch of Kafka records that failed. Pure.

AWS: docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lambdad.event_source_mappings.kafka_event import KafkaRecord

_WITH_DESTINATION: Final = 10
"""Retries where there is somewhere to put what fails, and no limit was named."""
EXHAUSTED: Final = "RetryAttemptsExhausted"
TOO_OLD: Final = "RecordAgeExceeded"


@dataclass(frozen=True, slots=True)
class Retries:
    most: int | None
    """After the first attempt; None: without end."""
    oldest: int | None
    """Seconds."""
    bisect: bool

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Retries":
        most = settings.get("MaximumRetryAttempts", -1)
        oldest = settings.get("MaximumRecordAgeInSeconds", -1)
        if most < 0 and ((settings.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination"):
            most = _WITH_DESTINATION
        return cls(
            most if most >= 0 else None,
            oldest if oldest >= 0 else None,
            bool(settings.get("BisectBatchOnFunctionError")),
        )

    def fresh(self, records: Sequence[KafkaRecord], now: float) -> list[KafkaRecord]:
        """Those that are not too old. `now` in seconds since the epoch."""
        if self.oldest is None:
            return list(records)
        return [record for record in records if now - record.timestamp / 1000 <= self.oldest]

    def given_up(self, attempts: int) -> bool:
        return self.most is not None and attempts > self.most

    def halves(self, records: Sequence[KafkaRecord]) -> list[list[KafkaRecord]]:
        """What is tried next, in this order."""
        if not self.bisect or len(records) < 2:
            return [list(records)]
        middle = (len(records) + 1) // 2
        return [list(records[:middle]), list(records[middle:])]
