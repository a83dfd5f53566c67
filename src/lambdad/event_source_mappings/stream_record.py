"""Records, shards and what is read of them at once: what streams of every kind have. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lambdad.store.stream_checkpoints import Checkpoint


@dataclass(frozen=True, slots=True)
class StreamRecord:
    sequence: str
    key: str
    """Records with the same one keep their order."""
    arrived_at: float
    """Seconds since the epoch."""
    document: bytes
    """As events have it, JSON."""
    wanted: bool = True
    """The mapping's filters let it through."""


@dataclass(frozen=True, slots=True)
class Shard:
    id: str
    parents: tuple[str, ...] = ()
    closed: bool = False
    """Nothing more is written to it."""


@dataclass(frozen=True, slots=True)
class Page:
    records: Sequence[StreamRecord]
    following: str | None
    """The next iterator; None: the shard has come to its end."""
    latest: bool
    """There was no more when it was read."""


class ShardGone(Exception):
    """The shard, or all of its stream, is no more."""


class IteratorExpired(Exception):
    """Another one is to be had for the same place."""


class PlaceTrimmed(Exception):
    """What comes after the place is no longer kept from there on: go on with the oldest that is."""


class StreamSource(Protocol):
    """One stream, as a mapping reads it. All but `event_arn` and the like raise AwsError."""

    arn: str
    event_arn: str
    """As events name it."""
    most: int
    """Records that one read may bring."""
    batch_info: str
    """What failures' documents call what they say of the batch."""

    @property
    def own(self) -> bool:
        """This server has it itself, and hears when it is written."""

    async def shards(self) -> list[Shard]: ...

    async def iterator(self, shard: str, place: Checkpoint) -> str:
        """Raises ShardGone, PlaceTrimmed."""

    async def read(self, shard: str, iterator: str, most: int) -> Page:
        """Raises ShardGone, IteratorExpired, PlaceTrimmed."""

    def arrival(self, moment: float) -> str:
        """As failures' documents have it."""


def startable(shards: Sequence[Shard], ended: set[str], started: set[str]) -> list[Shard]:
    """Those whose parents are done with: a key's records are in its shard's parent first."""
    open_parents = {shard.id for shard in shards} - ended
    return [
        shard
        for shard in shards
        if shard.id not in ended and shard.id not in started and not open_parents.intersection(shard.parents)
    ]
