"""DynamoDB Streams: streams are listed in pages, and places and iterators that cannot be are the caller's mistake."""

from typing import Any

import pytest

from functions import new_name
from refusals import refused
from server import Server


@pytest.fixture(scope="module")
def streams(aws: Server) -> Any:
    return aws.client("dynamodbstreams", parameter_validation=False)


@pytest.fixture(scope="module")
def arns(aws: Server) -> list[str]:
    dynamodb = aws.client("dynamodb")
    made = [
        dynamodb.create_table(
            TableName=new_name("streamed"),
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        )
        for _ in range(3)
    ]
    return sorted(one["TableDescription"]["LatestStreamArn"] for one in made)


def test_a_list_has_pages(streams: Any, arns: list[str]) -> None:
    everything = [one["StreamArn"] for one in streams.list_streams()["Streams"]]
    found: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = streams.list_streams(Limit=2, **after)
        assert len(page["Streams"]) <= 2
        found += [one["StreamArn"] for one in page["Streams"]]
        if "LastEvaluatedStreamArn" not in page:
            break
        after = {"ExclusiveStartStreamArn": page["LastEvaluatedStreamArn"]}
    assert found == everything
    assert set(arns) <= set(found)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ({"ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": "x" * 30}, "Invalid SequenceNumber"),
        ({"ShardIteratorType": "AFTER_SEQUENCE_NUMBER"}, "Invalid SequenceNumber"),
        ({"ShardIteratorType": "NOWHERE"}, "Member must satisfy enum value set"),
        ({"ShardIteratorType": "LATEST", "StreamArn": "zz"}, "Invalid StreamArn"),
    ],
)
def test_places(streams: Any, arns: list[str], place: dict[str, str], words: str) -> None:
    asked = {"StreamArn": arns[0], "ShardId": "shardId-00000001541626099285-f35f62ef", **place}
    code, status, message = refused(streams.get_shard_iterator, **asked)
    assert (code, status) == ("ValidationException", 400)
    assert words in message


def test_iterators_and_limits(streams: Any, arns: list[str]) -> None:
    for iterator in ("zz", f"{arns[0]}|1|zz", f"{arns[0]}|1|W10="):
        code, status, message = refused(streams.get_records, ShardIterator=iterator)
        assert (code, status, message) == ("ValidationException", 400, f"Invalid ShardIterator: {iterator}")
    for limit in (0, 101):
        assert refused(streams.list_streams, Limit=limit)[:2] == ("ValidationException", 400)
