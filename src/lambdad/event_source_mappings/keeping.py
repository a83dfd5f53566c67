"""What pollers keep of their work, and where: results, places in streams, what is to be delivered."""

from collections.abc import Callable
from dataclasses import dataclass

from lambdad.event_source_mappings.results import Results
from lambdad.store.database import Database
from lambdad.store.deliveries import Deliveries
from lambdad.store.event_source_mappings import EventSourceMappings
from lambdad.store.stream_checkpoints import StreamCheckpoints


@dataclass(frozen=True, slots=True)
class Stores:
    mappings: EventSourceMappings
    checkpoints: StreamCheckpoints
    deliveries: Deliveries
    wake: Callable[[], None]
    """Something is to be delivered."""

    @classmethod
    def of(
        cls, database: Database, mappings: EventSourceMappings, deliveries: Deliveries, wake: Callable[[], None]
    ) -> "Stores":
        return cls(mappings, StreamCheckpoints(database, deliveries), deliveries, wake)


@dataclass(frozen=True, slots=True)
class Keeping:
    """Of one mapping."""

    results: Results
    deliveries: Deliveries
    wake: Callable[[], None]
