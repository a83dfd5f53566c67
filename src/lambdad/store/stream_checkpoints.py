"""How far each mapping has come in the shards of its stream.

What is to be told of records that were given up is committed together with the place after them. Rows go with their mapping.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import apsw
import orjson

from lambdad.store.database import Database
from lambdad.store.deliveries import Deliveries, Delivery


@dataclass(frozen=True, slots=True)
class Checkpoint:
    after: str | None = None
    """Sequence number of the last record that is done with; None: of none yet."""
    since: float | None = None
    """Where nothing is done with yet: what came before that moment (seconds since the epoch) is not wanted; None: all is."""
    ended: bool = False
    """All of the shard is done with, and nothing more will come."""
    window: int | None = None
    """When the tumbling window that is open began, and what the function made of it so far, as JSON."""
    state: str = "{}"


class StreamCheckpoints:
    def __init__(self, database: Database, deliveries: Deliveries) -> None:
        self._database = database
        self._deliveries = deliveries

    async def of(self, mapping: str) -> dict[str, Checkpoint]:
        """By shard."""
        rows = await self._database.write(
            lambda connection: list(
                connection.execute("SELECT shard, document FROM stream_checkpoints WHERE mapping = ?", (mapping,))
            )
        )
        return {shard: Checkpoint(**orjson.loads(document)) for shard, document in rows}

    async def save(
        self, mapping: str, checkpoints: Mapping[str, Checkpoint], deliveries: Sequence[Delivery] = ()
    ) -> None:
        """Durable when it returns, with what is to be delivered. Of a mapping that is gone nothing is kept but that."""
        rows = [(shard, orjson.dumps(dataclasses.asdict(one)).decode()) for shard, one in checkpoints.items()]
        numbered = self._deliveries.numbered(deliveries)

        def change(connection: apsw.Connection) -> None:
            for delivery in numbered:
                self._deliveries.insert(connection, delivery)
            if not connection.execute("SELECT 1 FROM event_source_mappings WHERE name = ?", (mapping,)).fetchall():
                return
            for shard, document in rows:
                connection.execute(
                    "INSERT INTO stream_checkpoints (mapping, shard, document) VALUES (?, ?, ?) "
                    "ON CONFLICT (mapping, shard) DO UPDATE SET document = excluded.document",
                    (mapping, shard, document),
                )

        await self._database.write(change)

    async def drop(self, mapping: str, shards: Iterable[str]) -> None:
        """Of shards that are no more."""
        names = [(mapping, shard) for shard in shards]
        await self._database.write(
            lambda connection: connection.executemany(
                "DELETE FROM stream_checkpoints WHERE mapping = ? AND shard = ?", names
            )
        )
