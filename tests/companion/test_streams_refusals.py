"""Kinesis: requests that cannot be are the caller's mistake, and change nothing."""

from collections.abc import Iterator
from typing import Any

import pytest

from functions import new_name
from refusals import refused
from server import Server


@pytest.fixture(scope="module")
def kinesis(aws: Server) -> Any:
    return aws.client("kinesis", parameter_validation=False)


@pytest.fixture(scope="module")
def stream(kinesis: Any) -> Iterator[str]:
    name = new_name("k")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    yield name
    kinesis.delete_stream(StreamName=name)


@pytest.mark.parametrize(
    ("record", "code", "words"),
    [
        ({"Data": b"x" * 1_048_577}, "ValidationException", "length less than or equal to 1048576"),
        ({"PartitionKey": "k" * 257}, "ValidationException", "'partitionKey' failed to satisfy constraint"),
        ({"PartitionKey": ""}, "ValidationException", "'partitionKey' failed to satisfy constraint"),
        ({"ExplicitHashKey": "abc"}, "ValidationException", "'explicitHashKey' failed to satisfy constraint"),
        ({"ExplicitHashKey": str(2**128)}, "InvalidArgumentException", f"Specified value was {2**128}"),
    ],
)
def test_records(kinesis: Any, stream: str, record: dict[str, Any], code: str, words: str) -> None:
    record = {"Data": b"x", "PartitionKey": "k", **record}
    for answer in (
        refused(kinesis.put_record, StreamName=stream, **record),
        refused(kinesis.put_records, StreamName=stream, Records=[{"Data": b"x", "PartitionKey": "k"}, record]),
    ):
        assert answer[:2] == (code, 400)
        assert words.rpartition("'")[2] in answer[2]
    first = kinesis.get_shard_iterator(
        StreamName=stream, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )
    assert kinesis.get_records(ShardIterator=first["ShardIterator"])["Records"] == []


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ({"ShardIteratorType": "AT_SEQUENCE_NUMBER"}, "InvalidArgumentException"),
        ({"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": "abc"}, "ValidationException"),
        ({"ShardIteratorType": "AT_TIMESTAMP"}, "InvalidArgumentException"),
        ({"ShardIteratorType": "NOWHERE"}, "InvalidArgumentException"),
    ],
)
def test_places(kinesis: Any, stream: str, place: dict[str, str], code: str) -> None:
    answer = refused(kinesis.get_shard_iterator, StreamName=stream, ShardId="shardId-000000000000", **place)
    assert answer[:2] == (code, 400)


@pytest.mark.parametrize("iterator", ["junk", "", "YTpiOmM="])
def test_iterators(kinesis: Any, iterator: str) -> None:
    assert refused(kinesis.get_records, ShardIterator=iterator)[:2] == ("InvalidArgumentException", 400)


def test_no_stream_is_named(kinesis: Any) -> None:
    assert refused(kinesis.put_record, Data=b"x", PartitionKey="k")[:2] == ("InvalidArgumentException", 400)
