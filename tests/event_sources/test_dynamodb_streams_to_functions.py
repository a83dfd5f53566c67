"""Tables' streams invoke functions: events, places, order, failures, filters; with boto3 against the running server."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from functions import new_name
from refusals import invalid, refused
from server import Server
from stream_mappings import Mapped, Stream, data_of, queue_of
from wait import wait_for

Make = Callable[..., Mapped]
FAILS = """
if any(one['dynamodb']['Keys']['id']['S'] == 'bad' for one in event['Records']):
    raise ValueError('bad')
"""


class Table:
    def __init__(self, server: Server, view: str = "NEW_AND_OLD_IMAGES") -> None:
        self.dynamodb = server.client("dynamodb")
        self.name = new_name("table")
        made = self.dynamodb.create_table(
            TableName=self.name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": view},
        )
        self.arn: str = made["TableDescription"]["LatestStreamArn"]

    def put(self, key: str, **more: Any) -> None:
        self.dynamodb.put_item(TableName=self.name, Item={"id": {"S": key}, **more})

    def update(self, key: str, number: int) -> None:
        self.dynamodb.update_item(
            TableName=self.name,
            Key={"id": {"S": key}},
            UpdateExpression="SET n = :n",
            ExpressionAttributeValues={":n": {"N": str(number)}},
        )

    def delete(self, key: str) -> None:
        self.dynamodb.delete_item(TableName=self.name, Key={"id": {"S": key}})


@pytest.fixture
def table(server: Server) -> Table:
    return Table(server)


def test_changes_become_aws_events(table: Table, mapped: Make) -> None:
    one = mapped(table)
    table.put("testId0", should_fail={"BOOL": False}, data={"B": b"foobar"})
    table.put("testId0", should_fail={"BOOL": False}, data={"B": b"foobar"})
    table.update("testId0", 12)
    table.update("new", 1)
    table.delete("testId0")
    table.delete("never there")
    records = one.records(4)
    keys = {"id": {"S": "testId0"}}
    item = {**keys, "should_fail": {"BOOL": False}, "data": {"B": "Zm9vYmFy"}}
    inserted = records[0]
    assert isinstance(inserted["dynamodb"].pop("ApproximateCreationDateTime"), int)
    assert len(inserted.pop("eventID")) == 32
    number = inserted["dynamodb"].pop("SequenceNumber")
    assert inserted == {
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "Keys": keys,
            "NewImage": item,
            "SizeBytes": 9 + 9 + 12 + 10,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": table.arn,
    }
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "INSERT", "REMOVE"]
    changed, made, removed = (record["dynamodb"] for record in records[1:])
    assert (changed["OldImage"], changed["NewImage"]) == (item, {**item, "n": {"N": "12"}})
    assert made["NewImage"] == {"id": {"S": "new"}, "n": {"N": "1"}}, "one change, though it was made and updated"
    assert (removed["OldImage"], "NewImage" in removed) == ({**item, "n": {"N": "12"}}, False)
    assert int(number) < int(changed["SequenceNumber"]) < int(removed["SequenceNumber"])


def test_statements_are_changes_too(table: Table, mapped: Make) -> None:
    one, execute = mapped(table), table.dynamodb.execute_statement
    execute(Statement=f"INSERT INTO \"{table.name}\" VALUE {{'id': 'a', 'n': 1}}")
    execute(Statement=f"UPDATE \"{table.name}\" SET n = n + 1 SET of = {{'parts': [TRUE, -2.5]}} WHERE id = 'a'")
    execute(Statement=f'UPDATE "{table.name}" REMOVE of WHERE id = ?', Parameters=[{"S": "a"}])
    execute(Statement=f"DELETE FROM \"{table.name}\" WHERE id = 'a'")
    records = one.records(4)
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "MODIFY", "REMOVE"]
    first, second = (record["dynamodb"]["NewImage"] for record in records[1:3])
    plain = {"id": {"S": "a"}, "n": {"N": "2"}}
    assert first == {**plain, "of": {"M": {"parts": {"L": [{"BOOL": True}, {"N": "-2.5"}]}}}}
    assert (records[1]["dynamodb"]["OldImage"]["n"], second) == ({"N": "1"}, plain)


def test_latest_begins_where_the_mapping_was_made(table: Table, mapped: Make) -> None:
    table.put("before")
    one = mapped(table, StartingPosition="LATEST")
    table.put("after")
    (record,) = one.records(1)
    assert record["dynamodb"]["Keys"] == {"id": {"S": "after"}}
    one.update("Disabled", Enabled=False)
    table.put("meanwhile")
    one.update("Enabled", Enabled=True)
    (record,) = one.records(1)
    assert record["dynamodb"]["Keys"] == {"id": {"S": "meanwhile"}}


def test_items_keep_their_order(table: Table, mapped: Make) -> None:
    one = mapped(table, BatchSize=2, ParallelizationFactor=4)
    for number in range(5):
        for key in "abcd":
            table.update(key, number)
    records = one.records(20)
    for key in "abcd":
        own = [record["dynamodb"]["NewImage"]["n"]["N"] for record in records
               if record["dynamodb"]["Keys"]["id"]["S"] == key]  # fmt: skip
        assert own == ["0", "1", "2", "3", "4"]


def test_filters_see_the_record(table: Table, mapped: Make) -> None:
    pattern = {"eventName": ["MODIFY"], "dynamodb": {"NewImage": {"n": {"N": [{"anything-but": ["1"]}]}}}}
    one = mapped(table, FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    for number in range(3):
        table.update("a", number)
    (record,) = one.records(1)
    assert record["dynamodb"]["NewImage"]["n"] == {"N": "2"}


def test_what_fails_is_told_to_a_topic(server: Server, table: Table, mapped: Make) -> None:
    url, queue = queue_of(server)
    sns = server.client("sns")
    topic = sns.create_topic(Name=new_name("failed"))["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})
    destination = {"OnFailure": {"Destination": topic}}
    one = mapped(table, FAILS, MaximumRetryAttempts=1, DestinationConfig=destination)
    table.put("bad")
    table.put("good")
    records = one.records(3)
    (message,) = server.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    document = json.loads(message["Body"])
    info = document["DDBStreamBatchInfo"]
    assert datetime.strptime(info.pop("approximateArrivalOfFirstRecord"), "%Y-%m-%dT%H:%M:%SZ")
    assert datetime.strptime(info.pop("approximateArrivalOfLastRecord"), "%Y-%m-%dT%H:%M:%SZ")
    assert info.pop("shardId").startswith("shardId-")
    assert info.pop("batchSize") in (1, 2)
    assert info.pop("endSequenceNumber")
    assert info == {"startSequenceNumber": records[0]["dynamodb"]["SequenceNumber"], "streamArn": table.arn}
    assert document["requestContext"]["condition"] == "RetryAttemptsExhausted"
    wait_for(lambda: one.mapping()["LastProcessingResult"] in ("OK", "PROBLEM: Function call failed"))


@pytest.mark.parametrize(("enabled", "view"), [(True, {}), (False, {"StreamViewType": "KEYS_ONLY"})])
def test_a_stream_has_a_view_if_it_is_enabled(server: Server, enabled: bool, view: dict[str, str]) -> None:
    dynamodb, wanted = server.client("dynamodb"), {"StreamEnabled": enabled, **view}
    code, status, message = refused(
        dynamodb.create_table,
        TableName=new_name("t"),
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification=wanted,
    )
    assert (code, status) == ("ValidationException", 400)
    assert message.startswith("One or more parameter values were invalid: a stream that is")


def test_a_stream_that_is_enabled_again_is_another(table: Table, mapped: Make, server: Server) -> None:
    """The way to change the view. The first one's records can be read, and are, though it is disabled."""
    one, dynamodb, streams = mapped(table), table.dynamodb, server.client("dynamodbstreams")
    on = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    words = f"Table already has an enabled stream: TableName: {table.name}"
    assert refused(dynamodb.update_table, TableName=table.name, StreamSpecification=on)[::2] == (
        "ValidationException",
        words,
    )
    table.put("first")
    dynamodb.update_table(TableName=table.name, StreamSpecification={"StreamEnabled": False})
    again = refused(dynamodb.update_table, TableName=table.name, StreamSpecification={"StreamEnabled": False})
    assert again[::2] == ("ValidationException", f"Table has no stream to disable: TableName: {table.name}")
    table.put("unseen")
    made = dynamodb.update_table(TableName=table.name, StreamSpecification=on)["TableDescription"]
    assert made["LatestStreamArn"] != table.arn
    other = Mapped(server, made["LatestStreamArn"])
    table.put("second")
    (old,), (new,) = one.records(1), other.records(1)
    assert (old["dynamodb"]["Keys"]["id"]["S"], new["dynamodb"]["Keys"]["id"]["S"]) == ("first", "second")
    assert ("NewImage" in old["dynamodb"], "NewImage" in new["dynamodb"]) == (True, False)
    described = [
        streams.describe_stream(StreamArn=arn)["StreamDescription"] for arn in (table.arn, new["eventSourceARN"])
    ]
    assert [(found["StreamStatus"], found["StreamViewType"]) for found in described] == [
        ("DISABLED", "NEW_AND_OLD_IMAGES"),
        ("ENABLED", "KEYS_ONLY"),
    ]
    assert "EndingSequenceNumber" in described[0]["Shards"][0]["SequenceNumberRange"]
    listed = streams.list_streams(TableName=table.name)["Streams"]
    assert [found["StreamArn"] for found in listed] == [table.arn, made["LatestStreamArn"]]
    other.delete()


@pytest.fixture
def other(server: Server, tmp_path: Path) -> Iterator[Server]:
    """Its streams are the first one's."""
    endpoints = [f"--endpoint={service}={server.url}" for service in ("kinesis", "dynamodbstreams")]
    own = Server(tmp_path / "data", "--companion", "off", *endpoints)
    yield own.start()
    assert own.stop() == 0


def test_streams_elsewhere_are_asked_now_and_then(server: Server, other: Server, table: Table) -> None:
    """Nobody tells this server that they were written."""
    stream = Stream(server)
    ones = [Mapped(other, arn) for arn in (stream.arn, table.arn)]
    for number in range(2):
        stream.put(str(number))
        table.put(str(number))
        (record,), (change,) = (one.records(1) for one in ones)
        assert (data_of([record]), change["dynamodb"]["Keys"]) == ([str(number)], {"id": {"S": str(number)}})


def test_a_stream_that_is_not_there(server: Server, table: Table) -> None:
    other = table.arn.replace(table.name, "no-such-table")
    for arn in (other, f"{table.arn}0"):
        given = {"FunctionName": "any", "StartingPosition": "LATEST", "EventSourceArn": arn}
        assert refused(server.client().create_event_source_mapping, **given)[0] == "InvalidParameterValueException"
    one = Mapped(server, table.arn)
    given = {"FunctionName": one.function, "StartingPosition": "LATEST", "EventSourceArn": other}
    assert refused(one.client.create_event_source_mapping, **given) == invalid(f"Stream not found: {other}")
    one.delete()
