"""Application Auto Scaling's targets in the database, with what has been done about them."""

import dataclasses
import itertools
from typing import Any

import apsw
import orjson

from lambdad.resources.scalable_target import Policy, ScalableTarget, ScheduledAction, TargetKey
from lambdad.store.database import Database
from lambdad.store.documents import Documents

_KEPT = 42 * 86_400.0
"""Seconds, as on AWS."""
_MOST_OF_ONE = 1000
"""Activities of one target."""


@dataclasses.dataclass(frozen=True, slots=True)
class ScalingActivity:
    key: TargetKey
    started_at: float
    members: dict[str, Any]
    """As DescribeScalingActivities answers, but for what the key says."""
    id: int = 0


class ScalableTargets(Documents[TargetKey, ScalableTarget]):
    table = "scalable_targets"

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._numbers = itertools.count(1)

    def load(self) -> None:
        super().load()
        ((highest,),) = self._database.read("SELECT max(id) FROM scaling_activities")
        self._numbers = itertools.count((highest or 0) + 1)

    def insert_activity(self, connection: apsw.Connection, activity: ScalingActivity) -> None:
        """In the transaction of what it tells of."""
        key = activity.key
        place = (key.account, key.region, key.name)
        connection.execute(
            "INSERT INTO scaling_activities (id, account, region, resource, started_at, document) VALUES (?, ?, ?, ?, ?, ?)",
            (next(self._numbers), *place, activity.started_at, orjson.dumps(activity.members).decode()),
        )
        connection.execute(
            "DELETE FROM scaling_activities WHERE account = ? AND region = ? AND resource = ? AND (started_at < ? OR id <= "
            "coalesce((SELECT id FROM scaling_activities WHERE account = ? AND region = ? AND resource = ? "
            "ORDER BY id DESC LIMIT 1 OFFSET ?), 0))",
            (*place, activity.started_at - _KEPT, *place, _MOST_OF_ONE),
        )

    async def append_activity(self, activity: ScalingActivity) -> None:
        """Of nothing that is committed with it."""
        await self._database.write(lambda connection: self.insert_activity(connection, activity))

    async def activities(
        self, account: str, region: str, resource: str | None, before: int | None, most: int
    ) -> list[ScalingActivity]:
        """The newest first; `before`: those with smaller ids."""

        def read(connection: apsw.Connection) -> list[ScalingActivity]:
            rows = connection.execute(
                "SELECT id, account, region, resource, started_at, document FROM scaling_activities WHERE account = ? "
                "AND region = ? AND (? IS NULL OR resource = ?) AND (? IS NULL OR id < ?) ORDER BY id DESC LIMIT ?",
                (account, region, resource, resource, before, before, most),
            )
            return [
                ScalingActivity(TargetKey(account, region, resource), started_at, orjson.loads(document), number)
                for number, account, region, resource, started_at, document in rows
            ]

        return await self._database.write(read)

    def _read(self, account: str, region: str, name: str, document: Any) -> tuple[TargetKey, ScalableTarget]:
        key = TargetKey(account, region, name)
        document["policies"] = {name: Policy(**one) for name, one in document["policies"].items()}
        document["actions"] = {name: ScheduledAction(**one) for name, one in document["actions"].items()}
        return key, ScalableTarget(key=key, **document)

    def _document_of(self, value: ScalableTarget) -> Any:
        document = dataclasses.asdict(value)
        del document["key"]
        return document
