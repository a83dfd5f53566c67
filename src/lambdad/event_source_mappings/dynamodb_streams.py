"""A table's stream, as a mapping reads it.

AWS: docs.aws.amazon.com/lambda/latest/dg/with-ddb.html (the event), docs.aws.amazon.com/amazondynamodb/latest/APIReference
"""

from collections.abc import Mapping
from typing import Any

import orjson

from lambdad.event_source_mappings.batch_failures import seconds
from lambdad.event_source_mappings.filters import Filters
from lambdad.event_source_mappings.stream_client import StreamClient
from lambdad.event_source_mappings.stream_record import Page, Shard, StreamRecord
from lambdad.store.stream_checkpoints import Checkpoint


class DynamoDbStream:
    most = 1000
    batch_info = "DDBStreamBatchInfo"

    def __init__(self, arn: str, client: StreamClient, filters: Filters) -> None:
        self.arn = self.event_arn = arn
        self._region = arn.split(":")[3]
        self._client = client
        self._filters = filters

    @property
    def own(self) -> bool:
        return self._client.own

    async def shards(self) -> list[Shard]:
        found: list[Shard] = []
        after: str | None = None
        while True:
            answer = await self._client.call("DescribeStream", StreamArn=self.arn, ExclusiveStartShardId=after)
            description = answer["StreamDescription"]
            found += [_shard(one) for one in description["Shards"]]
            after = description.get("LastEvaluatedShardId")
            if after is None:
                return found

    async def iterator(self, shard: str, place: Checkpoint) -> str:
        """There is none that begins at a moment: what came before is passed over by who reads."""
        where = {"ShardIteratorType": "TRIM_HORIZON"}
        if place.after is not None:
            where = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": place.after}
        answer = await self._client.of_shard("GetShardIterator", StreamArn=self.arn, ShardId=shard, **where)
        iterator: str = answer["ShardIterator"]
        return iterator

    async def read(self, shard: str, iterator: str, most: int) -> Page:
        answer = await self._client.of_shard("GetRecords", ShardIterator=iterator, Limit=most)
        records = [self._record(one) for one in answer["Records"]]
        return Page(records, answer.get("NextShardIterator"), not records)

    def _record(self, given: Mapping[str, Any]) -> StreamRecord:
        change = given["dynamodb"]
        arrived = float(change["ApproximateCreationDateTime"])
        keys = orjson.dumps(change["Keys"], option=orjson.OPT_SORT_KEYS).decode()
        user = {"userIdentity": given["userIdentity"]} if "userIdentity" in given else {}
        document = {
            "eventID": given["eventID"],
            "eventName": given["eventName"],
            "eventVersion": given["eventVersion"],
            "eventSource": "aws:dynamodb",
            "awsRegion": self._region,
            "dynamodb": {**change, "ApproximateCreationDateTime": int(arrived)},
            **user,
            "eventSourceARN": self.arn,
        }
        wanted = not self._filters or self._filters.match(document)
        return StreamRecord(change["SequenceNumber"], keys, arrived, orjson.dumps(document), wanted)

    def arrival(self, moment: float) -> str:
        return seconds(moment)


def _shard(given: Mapping[str, Any]) -> Shard:
    parent = given.get("ParentShardId")
    return Shard(given["ShardId"], (parent,) if parent else (), "EndingSequenceNumber" in given["SequenceNumberRange"])
