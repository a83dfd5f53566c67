"""Streams of Kinesis invoke functions: events, places, batches, failures, windows, shards; by boto3 and the running server."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from functions import new_name
from metric_reading import Reading
from refusals import invalid, refused
from server import Server
from stream_mappings import Mapped, Stream, data_of, queue_of
from wait import wait_for

Make = Callable[..., Mapped]
FAILS_ON_BAD = """
import base64
if any(base64.b64decode(one['kinesis']['data']) == b'bad' for one in event['Records']):
    raise ValueError('bad')
"""


@pytest.fixture
def stream(server: Server) -> Stream:
    return Stream(server)


def test_a_record_becomes_aws_event(server: Server, stream: Stream, mapped: Make) -> None:
    (number,) = stream.put(b"hello", key="test_1")
    one = mapped(stream)
    (record,) = one.records(1)
    arrived = record["kinesis"].pop("approximateArrivalTimestamp")
    assert isinstance(arrived, float)
    assert abs(arrived - datetime.now(UTC).timestamp()) < 120
    assert record == {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "test_1",
            "sequenceNumber": number,
            "data": "aGVsbG8=",
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000000:{number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::000000000000:role/lambda-role",
        "awsRegion": "us-east-1",
        "eventSourceARN": stream.arn,
    }
    assert (len(number), number[:4]) == (56, "4959")
    wait_for(lambda: one.mapping()["LastProcessingResult"] == "OK")
    reading = Reading(server.client("cloudwatch"))
    wait_for(lambda: reading.count("IteratorAge", FunctionName=one.function) == 1)


def test_where_reading_begins(stream: Stream, mapped: Make) -> None:
    stream.put("before")
    latest = mapped(stream, StartingPosition="LATEST")
    stream.put("after")
    now = datetime.now(UTC)
    stream.put("later")
    everything = mapped(stream)
    since = mapped(stream, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=now)
    assert data_of(everything.records(3)) == ["before", "after", "later"]
    assert data_of(latest.records(2)) == ["after", "later"]
    assert data_of(since.records(1))[-1] == "later"


def test_batches_and_their_windows(stream: Stream, mapped: Make) -> None:
    stream.put(*map(str, range(25)))
    sized = mapped(stream, BatchSize=10)
    batches = sized.told.all(lambda events: sum(len(event["Records"]) for event in events) == 25)
    assert [len(event["Records"]) for event in batches] == [10, 10, 5]
    gathered = mapped(stream, StartingPosition="LATEST", BatchSize=3, MaximumBatchingWindowInSeconds=300)
    for value in ("a", "b", "c"):
        stream.put(value)
    assert data_of(gathered.told.next()["Records"]) == ["a", "b", "c"]


def test_what_fails_is_split_tried_again_and_told_of(server: Server, stream: Stream, mapped: Make) -> None:
    url, arn = queue_of(server)
    numbers = stream.put("a", "bad", "c", "d")
    one = mapped(
        stream,
        FAILS_ON_BAD,
        MaximumRetryAttempts=1,
        BisectBatchOnFunctionError=True,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    batches = one.told.all(lambda events: events and data_of(events[-1]["Records"])[-1:] == ["d"] and len(events) > 1)
    assert [data_of(event["Records"]) for event in batches] == [
        ["a", "bad", "c", "d"],
        ["a", "bad"],
        ["a"],
        ["bad"],
        ["bad"],
        ["c", "d"],
    ]
    (message,) = server.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    document = json.loads(message["Body"])
    info, context = document["KinesisBatchInfo"], document["requestContext"]
    for moment in (document.pop("timestamp"), info.pop("approximateArrivalOfFirstRecord")):
        assert datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S.%fZ")
    assert info.pop("approximateArrivalOfLastRecord")
    assert context.pop("requestId")
    assert document == {
        "requestContext": {
            "functionArn": f"arn:aws:lambda:us-east-1:000000000000:function:{one.function}",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 2,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "KinesisBatchInfo": {
            "shardId": "shardId-000000000000",
            "startSequenceNumber": numbers[1],
            "endSequenceNumber": numbers[1],
            "batchSize": 1,
            "streamArn": stream.arn,
        },
    }


def test_a_bucket_is_told_with_the_event(server: Server, stream: Stream, mapped: Make) -> None:
    s3, bucket = server.client("s3"), new_name("bucket")
    s3.create_bucket(Bucket=bucket)
    stream.put("bad")
    destination = {"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}}
    one = mapped(stream, FAILS_ON_BAD, MaximumRetryAttempts=0, DestinationConfig=destination)
    wait_for(lambda: s3.list_objects_v2(Bucket=bucket).get("Contents"))
    (found,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert found["Key"].startswith(f"aws/lambda/{one.uuid}/shardId-000000000000/2")
    document = json.loads(s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read())
    assert document["payload"] == one.told.next()
    assert document["KinesisBatchInfo"]["batchSize"] == 1
    assert one.mapping()["LastProcessingResult"] == "PROBLEM: Function call failed"


REPORTS = """
import base64
failed = [one['kinesis']['sequenceNumber'] for one in event['Records']
          if base64.b64decode(one['kinesis']['data']).startswith(b'bad')]
return {'batchItemFailures': [{'itemIdentifier': one} for one in reversed(failed)]}
"""


def test_what_is_reported_is_tried_from_the_lowest_on(server: Server, stream: Stream, mapped: Make) -> None:
    url, arn = queue_of(server)
    stream.put("a", "bad-1", "c", "bad-2")
    one = mapped(
        stream,
        REPORTS,
        MaximumRetryAttempts=2,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    batches = [data_of(one.told.next()["Records"]) for _ in range(3)]
    assert batches == [["a", "bad-1", "c", "bad-2"], ["bad-1", "c", "bad-2"], ["bad-1", "c", "bad-2"]]
    (message,) = server.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    document = json.loads(message["Body"])
    assert document["responseContext"]["functionError"] is None
    assert (document["requestContext"]["approximateInvokeCount"], document["KinesisBatchInfo"]["batchSize"]) == (3, 3)


def test_what_is_dropped_is_counted(server: Server, stream: Stream, mapped: Make) -> None:
    stream.put("a", "bad", '{"kind": "other"}')
    one = mapped(
        stream,
        FAILS_ON_BAD,
        MaximumRetryAttempts=1,
        FilterCriteria={"Filters": [{"Pattern": json.dumps({"data": {"kind": ["other"]}})}]},
        MetricsConfig={"Metrics": ["EventCount"]},
    )
    reading, counted = Reading(server.client("cloudwatch")), {"EventSourceMappingUUID": one.uuid}
    names = ("PolledEventCount", "FilteredOutEventCount", "InvokedEventCount", "FailedInvokeEventCount")
    wait_for(lambda: reading.sum("InvokedEventCount", **counted) == 1)
    assert [reading.sum(name, **counted) for name in names] == [3, 2, 1, 0]
    assert reading.values("DroppedEventCount", **counted) == []
    one.update("Enabled", FilterCriteria={"Filters": []})
    stream.put("c", "bad")
    wait_for(lambda: reading.sum("DroppedEventCount", **counted) == 2)
    assert [reading.sum(name, **counted) for name in names] == [5, 2, 5, 4]
    assert reading.values("DeletedEventCount", **counted) == []


def test_filters_see_data_as_json(stream: Stream, mapped: Make) -> None:
    pattern = json.dumps({"data": {"kind": ["wanted"]}})
    one = mapped(stream, FilterCriteria={"Filters": [{"Pattern": pattern}]})
    other = mapped(stream, FilterCriteria={"Filters": [{"Pattern": json.dumps({"partitionKey": ["b"]})}]})
    stream.put('{"kind": "other"}', "no json", b"\xff", '{"kind": "wanted"}')
    stream.put("of b, and no json", key="b")
    assert data_of(one.records(1)) == ['{"kind": "wanted"}']
    assert data_of(other.records(1)) == ["of b, and no json"]


WAITS_FOR_A_QUEUE = """
import time
from urllib.error import HTTPError
headers['X-Amz-Target'] = 'AmazonSQS.GetQueueUrl'
asked = json.dumps({'QueueName': '%s'}).encode()
for _ in range(1000):
    try:
        urllib.request.urlopen(urllib.request.Request(os.environ['AWS_ENDPOINT_URL'], asked, headers), timeout=120).read()
        break
    except HTTPError:
        time.sleep(0.03)
"""


def test_several_batches_of_a_shard_keep_the_order_of_keys(server: Server, stream: Stream, mapped: Make) -> None:
    keys = [f"key-{number}" for number in range(8)]
    for number in range(3):
        for key in keys:
            stream.put(f"{key}.{number}", key=key)
    gate = new_name("gate")
    one = mapped(stream, WAITS_FOR_A_QUEUE % gate, BatchSize=1, ParallelizationFactor=8)
    values = data_of(one.records(2))  # none of them has ended
    assert all(value.endswith(".0") for value in values)
    server.client("sqs").create_queue(QueueName=gate)
    values += data_of(one.records(22))
    for key in keys:
        assert [value for value in values if value.startswith(f"{key}.")] == [f"{key}.{number}" for number in range(3)]


ADDS = """
state = event['state']
state['values'] = state.get('values', []) + [one['kinesis']['partitionKey'] for one in event['Records']]
return {'state': state}
"""


def test_a_tumbling_window_has_state_until_its_end(stream: Stream, mapped: Make) -> None:
    one = mapped(stream, ADDS, BatchSize=1, TumblingWindowInSeconds=2)
    stream.put("1", key="a")
    stream.put("2", key="b")
    events = one.told.all(
        lambda events: (
            sum(event["isFinalInvokeForWindow"] for event in events)
            and sum(len(event["Records"]) for event in events) == 2
            and events[-1]["isFinalInvokeForWindow"]
        )
    )
    seen: dict[str, list[str]] = {}
    for event in events:
        assert event["shardId"] == "shardId-000000000000"
        assert event["eventSourceARN"] == stream.arn
        assert event["isWindowTerminatedEarly"] is False
        start, end = (datetime.strptime(event["window"][name], "%Y-%m-%dT%H:%M:%SZ") for name in ("start", "end"))
        assert ((end - start).total_seconds(), start.timestamp() % 2) == (2, 0)
        so_far = seen.setdefault(event["window"]["start"], [])
        assert event["state"] == ({"values": so_far} if so_far else {})
        so_far += [record["kinesis"]["partitionKey"] for record in event["Records"]]
        assert event["isFinalInvokeForWindow"] == (not event["Records"])
    assert [value for values in seen.values() for value in values] == ["a", "b"]


def test_shards_that_split_and_merge(server: Server, mapped: Make) -> None:
    """What was put before comes before, by key: children wait for their parents."""
    stream = Stream(server)
    keys = [f"key-{number}" for number in range(6)]

    def put(number: int) -> None:
        for key in keys:
            stream.put(f"{key}.{number}", key=key)

    put(0)
    half = str(2**127)
    stream.kinesis.split_shard(StreamName=stream.name, ShardToSplit="shardId-000000000000", NewStartingHashKey=half)
    put(1)
    one = mapped(stream, BatchSize=2)
    values = data_of(one.records(12))
    stream.kinesis.merge_shards(
        StreamName=stream.name, ShardToMerge="shardId-000000000001", AdjacentShardToMerge="shardId-000000000002"
    )
    put(2)
    values += data_of(one.records(6))
    for key in keys:
        assert [value for value in values if value.startswith(f"{key}.")] == [f"{key}.{number}" for number in range(3)]
    assert len(values) == 18, "and nothing twice"


def test_disabled_enabled_and_changed(stream: Stream, mapped: Make) -> None:
    one = mapped(stream)
    stream.put("first")
    assert data_of(one.records(1)) == ["first"]
    one.update("Disabled", Enabled=False)
    stream.put("second", "third")
    one.update("Enabled", Enabled=True, BatchSize=1)
    assert [data_of(one.told.next()["Records"]) for _ in range(2)] == [["second"], ["third"]]
    assert one.told.nothing()


def test_what_runs_while_a_mapping_changes_comes_once(server: Server, stream: Stream, mapped: Make) -> None:
    gate = new_name("gate")
    one = mapped(stream, WAITS_FOR_A_QUEUE % gate, BatchSize=1)
    stream.put("first", "second", "third")
    values = data_of(one.told.next()["Records"])
    one.update("Enabled", BatchSize=2)
    server.client("sqs").create_queue(QueueName=gate)
    assert values + data_of(one.records(2)) == ["first", "second", "third"]
    one.update("Disabled", Enabled=False)
    assert one.told.nothing()


def test_a_throttled_function_gets_its_records_later(stream: Stream, mapped: Make) -> None:
    one = mapped(stream, MaximumRetryAttempts=0)
    one.client.put_function_concurrency(FunctionName=one.function, ReservedConcurrentExecutions=0)
    stream.put("x")
    wait_for(lambda: one.mapping()["LastProcessingResult"].startswith("PROBLEM"))
    one.client.delete_function_concurrency(FunctionName=one.function)
    assert data_of(one.records(1)) == ["x"]


def test_a_stream_that_is_not_there(server: Server, stream: Stream, mapped: Make) -> None:
    one = mapped(stream)
    answer = one.client.create_event_source_mapping
    given = {"FunctionName": one.function, "StartingPosition": "LATEST", "EventSourceArn": f"{stream.arn}-not"}
    assert refused(answer, **given) == invalid(f"Stream not found: {stream.arn}-not")


def test_a_consumer_s_records_and_one_that_is_not_there(stream: Stream, mapped: Make) -> None:
    names = [new_name("consumer") for _ in range(2)]
    arn, other = (
        stream.kinesis.register_stream_consumer(StreamARN=stream.arn, ConsumerName=name)["Consumer"]["ConsumerARN"]
        for name in names
    )
    assert re.fullmatch(re.escape(f"{stream.arn}/consumer/{names[0]}") + r":\d{10}", arn)
    stream.put("x")
    stream.arn = arn
    one = mapped(stream)
    (record,) = one.records(1)
    assert record["eventSourceARN"] == arn
    stream.kinesis.deregister_stream_consumer(StreamARN=arn.partition("/consumer/")[0], ConsumerName=names[1])
    given = {"FunctionName": one.function, "StartingPosition": "LATEST", "EventSourceArn": other}
    assert refused(one.client.create_event_source_mapping, **given) == invalid(f"Stream not found: {other}")
    found = stream.kinesis.describe_stream_consumer(ConsumerARN=arn)["ConsumerDescription"]
    assert (found["ConsumerName"], found["ConsumerARN"]) == (names[0], arn)
