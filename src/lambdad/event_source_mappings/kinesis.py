"""A stream of Kinesis, as a mapping reads it.

AWS: docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html (the event), docs.aws.amazon.com/kinesis/latest/APIReference
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from lambdad.event_source_mappings.batch_failures import milliseconds
from lambdad.event_source_mappings.filters import Filters
from lambdad.event_source_mappings.stream_client import StreamClient
from lambdad.event_source_mappings.stream_record import Page, Shard, StreamRecord
from lambdad.store.stream_checkpoints import Checkpoint


class KinesisStream:
    most = 10_000
    batch_info = "KinesisBatchInfo"

    def __init__(self, arn: str, client: StreamClient, filters: Filters, role: Callable[[], str]) -> None:
        """`role`: the function's, whose name reading is done in."""
        self.event_arn = arn
        self.arn = arn.partition("/consumer/")[0]
        self._region = arn.split(":")[3]
        self._client = client
        self._filters = filters
        self._role = role

    @property
    def own(self) -> bool:
        return self._client.own

    async def shards(self) -> list[Shard]:
        found: list[Shard] = []
        more: str | None = None
        while True:
            source = {"NextToken": more} if more else {"StreamARN": self.arn}
            answer = await self._client.call("ListShards", **source)
            found += [_shard(one) for one in answer["Shards"]]
            more = answer.get("NextToken")
            if not more:
                return found

    async def iterator(self, shard: str, place: Checkpoint) -> str:
        where: dict[str, Any]
        if place.after is not None:
            where = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": place.after}
        elif place.since is not None:
            where = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": place.since}
        else:
            where = {"ShardIteratorType": "TRIM_HORIZON"}
        answer = await self._client.of_shard("GetShardIterator", StreamARN=self.arn, ShardId=shard, **where)
        iterator: str = answer["ShardIterator"]
        return iterator

    async def read(self, shard: str, iterator: str, most: int) -> Page:
        answer = await self._client.of_shard("GetRecords", ShardIterator=iterator, Limit=most, StreamARN=self.arn)
        role = self._role()
        records = [self._record(shard, one, role) for one in answer["Records"]]
        return Page(records, answer.get("NextShardIterator"), not answer.get("MillisBehindLatest"))

    def _record(self, shard: str, given: Mapping[str, Any], role: str) -> StreamRecord:
        sequence, arrived = given["SequenceNumber"], given["ApproximateArrivalTimestamp"]
        kinesis = {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": given["PartitionKey"],
            "sequenceNumber": sequence,
            "data": given["Data"],
            "approximateArrivalTimestamp": arrived,
        }
        document = {
            "kinesis": kinesis,
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{shard}:{sequence}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": role,
            "awsRegion": self._region,
            "eventSourceARN": self.event_arn,
        }
        wanted = not self._filters or self._filters.match(filtered_document(kinesis))
        return StreamRecord(sequence, given["PartitionKey"], float(arrived), orjson.dumps(document), wanted)

    def arrival(self, moment: float) -> str:
        return milliseconds(moment)


def _shard(given: Mapping[str, Any]) -> Shard:
    parents = [given.get("ParentShardId"), given.get("AdjacentParentShardId")]
    closed = "EndingSequenceNumber" in given["SequenceNumberRange"]
    return Shard(given["ShardId"], tuple(one for one in parents if one), closed)


def filtered_document(kinesis: Mapping[str, Any]) -> dict[str, Any]:
    """What filters look at: the record's own part, its data as JSON. Data that is none stays text."""
    try:
        return {**kinesis, "data": orjson.loads(base64.b64decode(kinesis["data"]))}
    except ValueError:  # JSONDecodeError is one
        return dict(kinesis)
