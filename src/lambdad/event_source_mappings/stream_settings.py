"""What a mapping says of how its stream is to be worked off. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambdad.event_source_mappings.retries import Retries, destination_of
from lambdad.resources.event_source_mapping import EventSourceMapping, timestamp_of


@dataclass(frozen=True, slots=True)
class StreamSettings:
    size: int
    """Records of a batch, at most."""
    window: float
    """Seconds that a batch is gathered for."""
    lanes: int
    """Batches of one shard at a time."""
    tumbling: int
    """Seconds of a tumbling window; 0: there is none."""
    partial: bool
    retries: Retries
    destination: str | None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "StreamSettings":
        tumbling = settings.get("TumblingWindowInSeconds") or 0
        return cls(
            settings["BatchSize"],
            settings.get("MaximumBatchingWindowInSeconds") or 0,
            1 if tumbling else settings.get("ParallelizationFactor") or 1,
            tumbling,
            "ReportBatchItemFailures" in (settings.get("FunctionResponseTypes") or ()),
            Retries.of(settings),
            destination_of(settings),
        )


def since_of(mapping: EventSourceMapping) -> float | None:
    """The moment (seconds since the epoch) that reading begins with, when it begins; None: with the oldest record there is."""
    position = mapping.settings["StartingPosition"]
    if position == "LATEST":
        return mapping.last_modified  # when it was made, or enabled
    if position == "AT_TIMESTAMP":
        return timestamp_of(mapping.settings["StartingPositionTimestamp"])
    return None
