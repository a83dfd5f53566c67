"""Queues invoke functions: events, batches, failures, filters, order, scaling; with boto3 against the running server."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions import create, new_name
from metric_reading import Reading
from queues import map_queue
from server import Server
from wait import wait_for

PRINTS = """
import json
def handler(event, context):
    print('event', json.dumps(event))
"""


@pytest.fixture(scope="module")
def sqs(server: Server) -> Any:
    return server.client("sqs")


class Mapped:
    """A queue and the function that it invokes."""

    def __init__(self, server: Server, source: str, *, queue: dict[str, str] | None = None, **mapping: Any) -> None:
        self.server = server
        self.client = server.client()
        self.sqs = server.client("sqs")
        fifo = (queue or {}).get("FifoQueue") == "true"
        self.function = create(self.client, source)
        self.url = self.sqs.create_queue(
            QueueName=new_name("q") + (".fifo" if fifo else ""), Attributes={"VisibilityTimeout": "30", **(queue or {})}
        )["QueueUrl"]
        self.arn = self.attributes()["QueueArn"]
        self.mapping = map_queue(server, self.url, self.function, **mapping)

    def until(self, state: str) -> None:
        wait_for(lambda: self.client.get_event_source_mapping(UUID=self.mapping)["State"] == state)

    def send(self, *bodies: str, **more: Any) -> None:
        for start in range(0, len(bodies), 10):
            entries = [{"Id": str(n), "MessageBody": body, **more} for n, body in enumerate(bodies[start : start + 10])]
            assert "Failed" not in self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries)

    def attributes(self) -> dict[str, str]:
        return self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])["Attributes"]

    def left(self) -> int:
        """Messages in the queue, whether visible or not."""
        found = self.attributes()
        return sum(int(found[f"ApproximateNumberOfMessages{kind}"]) for kind in ("", "NotVisible", "Delayed"))

    def until_empty(self) -> None:
        wait_for(lambda: self.left() == 0)

    def events(self) -> list[dict[str, Any]]:
        lines = self.server.function_log(self.function)
        return [json.loads(line.removeprefix("event ")) for line in lines if line.startswith("event ")]

    def bodies(self) -> list[str]:
        return [record["body"] for event in self.events() for record in event["Records"]]

    def delete(self) -> None:
        self.client.delete_event_source_mapping(UUID=self.mapping)


@pytest.fixture
def mapped(server: Server) -> Iterator[Any]:
    made: list[Mapped] = []

    def make(source: str = PRINTS, **settings: Any) -> Mapped:
        made.append(Mapped(server, source, **settings))
        return made[-1]

    yield make
    for one in made:
        one.delete()


def test_a_message_becomes_aws_event(mapped: Any) -> None:
    one = mapped()
    attributes = {
        "text": {"DataType": "String", "StringValue": "x"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    sent = one.sqs.send_message(QueueUrl=one.url, MessageBody='{"a": 1}', MessageAttributes=attributes)
    wait_for(lambda: one.events())
    (event,) = one.events()
    (record,) = event["Records"]
    assert record.pop("receiptHandle")
    given = record.pop("attributes")
    assert given.keys() == {
        "ApproximateReceiveCount",
        "SentTimestamp",
        "SenderId",
        "ApproximateFirstReceiveTimestamp",
    }
    assert given["ApproximateReceiveCount"] == "1"
    assert record == {
        "messageId": sent["MessageId"],
        "body": '{"a": 1}',
        "messageAttributes": {
            "text": {"stringValue": "x", "stringListValues": [], "binaryListValues": [], "dataType": "String"},
            "bytes": {"binaryValue": "AP8=", "stringListValues": [], "binaryListValues": [], "dataType": "Binary"},
        },
        "md5OfBody": sent["MD5OfMessageBody"],
        "md5OfMessageAttributes": sent["MD5OfMessageAttributes"],
        "eventSource": "aws:sqs",
        "eventSourceARN": one.arn,
        "awsRegion": "us-east-1",
    }
    one.until_empty()


def test_batches_have_their_size(mapped: Any) -> None:
    one = mapped(BatchSize=3)
    one.send(*map(str, range(20)))
    one.until_empty()
    assert sorted(map(int, one.bodies())) == list(range(20))
    assert max(len(event["Records"]) for event in one.events()) <= 3


def test_a_window_gathers_a_larger_batch(mapped: Any) -> None:
    one = mapped(BatchSize=50, MaximumBatchingWindowInSeconds=3)
    one.send(*map(str, range(50)))
    one.until_empty()
    assert sorted(map(int, one.bodies())) == list(range(50))
    assert max(len(event["Records"]) for event in one.events()) > 10


FAILS_ONCE = """
import json
def handler(event, context):
    print('event', json.dumps(event))
    if any(record['attributes']['ApproximateReceiveCount'] == '1' for record in event['Records']):
        raise ValueError('not yet')
"""


def test_a_failed_batch_comes_again(mapped: Any) -> None:
    one = mapped(FAILS_ONCE, queue={"VisibilityTimeout": "5"})
    one.send("x")
    one.until_empty()
    counts = [event["Records"][0]["attributes"]["ApproximateReceiveCount"] for event in one.events()]
    assert counts == ["1", "2"]


def test_what_always_fails_goes_to_the_dead_letter_queue(server: Server, sqs: Any, mapped: Any) -> None:
    dead = sqs.create_queue(QueueName=new_name("dead"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})
    one = mapped(
        "def handler(event, context):\n    raise ValueError('never')\n",
        queue={"VisibilityTimeout": "5", "RedrivePolicy": redrive},
    )
    one.send("poison")
    (message,) = sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=20)["Messages"]
    assert message["Body"] == "poison"


PARTLY = """
import json
def handler(event, context):
    print('event', json.dumps(event))
    return {answer}
"""


@pytest.mark.parametrize(
    ("answer", "again"),
    [
        ("{'batchItemFailures': [{'itemIdentifier': event['Records'][-1]['messageId']}] if len(event['Records']) > 1 "
         "or event['Records'][0]['attributes']['ApproximateReceiveCount'] == '1' else []}", "some"),
        ("{'batchItemFailures': []}", "none"),
        ("{'batchItemFailures': None}", "none"),
        ("{}", "none"),
        ("None", "none"),
        ("''", "none"),
        ("'done'", "all"),
        ("{'batchItemFailures': [{'itemIdentifier': ''}]}", "all"),
        ("{'batchItemFailures': [{'itemIdentifier': None}]}", "all"),
        ("{'batchItemFailures': [{'wrongKey': 'x'}]}", "all"),
        ("{'batchItemFailures': [{'itemIdentifier': 'no such message'}]}", "all"),
    ],
)  # fmt: skip
def test_partial_batches(mapped: Any, answer: str, again: str) -> None:
    one = mapped(
        PARTLY.replace("{answer}", answer),
        BatchSize=10,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        queue={"VisibilityTimeout": "5"},
    )
    one.send("a", "b", "c")
    if again == "none":
        one.until_empty()
        assert sorted(one.bodies()) == ["a", "b", "c"]
    elif again == "all":
        wait_for(lambda: len(one.bodies()) >= 6)
        assert one.left() == 3
    else:
        one.until_empty()
        assert set(one.bodies()) == {"a", "b", "c"}
        assert len(one.bodies()) > 3


def test_what_becomes_of_events_is_counted(mapped: Any, server: Server) -> None:
    """If it is wished: each message that was polled, each attempt, what filters take away, and what is deleted."""
    one = mapped(
        PARTLY.replace(
            "{answer}",
            "{'batchItemFailures': [{'itemIdentifier': record['messageId']} for record in event['Records'] "
            "if record['body'] == '2' and record['attributes']['ApproximateReceiveCount'] == '1']}",
        ),
        FunctionResponseTypes=["ReportBatchItemFailures"],
        FilterCriteria={"Filters": [{"Pattern": json.dumps({"body": ["1", "2"]})}]},
        MetricsConfig={"Metrics": ["EventCount"]},
        queue={"VisibilityTimeout": "5"},
    )
    one.send("1", "2", "3")
    one.until_empty()
    reading, counted = Reading(server.client("cloudwatch")), {"EventSourceMappingUUID": one.mapping}
    wait_for(lambda: reading.sum("DeletedEventCount", **counted) == 3)
    names = ("PolledEventCount", "FilteredOutEventCount", "InvokedEventCount", "FailedInvokeEventCount")
    assert [reading.sum(name, **counted) for name in names] == [4, 1, 3, 1]
    assert reading.values("DroppedEventCount", **counted) == []


def test_nothing_is_counted_unasked(mapped: Any, server: Server) -> None:
    one = mapped()
    one.send("1")
    one.until_empty()
    metrics = server.client("cloudwatch").list_metrics(Namespace="AWS/Lambda", MetricName="PolledEventCount")["Metrics"]
    assert one.mapping not in [pair["Value"] for metric in metrics for pair in metric["Dimensions"]]


FILTERS = [
    ({"body": {"kind": ["order"]}}, '{"kind": "order"}', '{"kind": "invoice"}'),
    ({"body": {"kind": ["order"]}}, '{"kind": "order", "more": [1]}', "no JSON"),
    ({"body": ["plain"]}, "plain", '{"plain": 1}'),
    ({"body": {"price": [{"numeric": [">", 10, "<=", 20]}]}}, '{"price": 20}', '{"price": 10}'),
    ({"body": {"name": [{"anything-but": {"prefix": "test-"}}]}}, '{"name": "real"}', '{"name": "test-1"}'),
    ({"body": {"a": [{"exists": False}]}}, '{"b": 1}', '{"a": 1}'),
    ({"body": {"a": [{"exists": False}]}}, '{"b": 1}', "no JSON"),
    ({"messageAttributes": {"kind": {"stringValue": [{"suffix": "er"}]}}}, "with attribute", "without"),
]


@pytest.mark.parametrize(("pattern", "wanted", "unwanted"), FILTERS)
def test_what_does_not_match_is_deleted(mapped: Any, pattern: dict[str, Any], wanted: str, unwanted: str) -> None:
    one = mapped(FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    attribute = {"MessageAttributes": {"kind": {"DataType": "String", "StringValue": "order"}}}
    one.send(unwanted)
    one.send(wanted, **(attribute if wanted == "with attribute" else {}))
    one.until_empty()
    assert one.bodies() == [wanted]


SLOW = """
import json, time
def handler(event, context):
    time.sleep(0.05)
    print('event', json.dumps(event))
"""


def test_groups_of_a_fifo_queue_stay_in_order(mapped: Any) -> None:
    one = mapped(SLOW, queue={"FifoQueue": "true", "ContentBasedDeduplication": "true"}, BatchSize=2)
    for number in range(8):
        for group in "ab":
            one.sqs.send_message(QueueUrl=one.url, MessageBody=f"{group}{number}", MessageGroupId=group)
    one.until_empty()
    for group in "ab":
        assert [body for body in one.bodies() if body[0] == group] == [f"{group}{number}" for number in range(8)]


def test_a_mapping_is_disabled_and_enabled(mapped: Any) -> None:
    one = mapped()
    one.send("first")
    one.until_empty()
    one.client.update_event_source_mapping(UUID=one.mapping, Enabled=False)
    one.until("Disabled")
    one.send("second")
    assert one.left() == 1
    one.client.update_event_source_mapping(UUID=one.mapping, Enabled=True, BatchSize=1)
    one.until("Enabled")
    one.until_empty()
    assert one.bodies() == ["first", "second"]


def test_a_throttled_function_gets_its_messages_later(mapped: Any) -> None:
    one = mapped(queue={"VisibilityTimeout": "30"})
    one.client.put_function_concurrency(FunctionName=one.function, ReservedConcurrentExecutions=0)
    one.send("x")
    wait_for(lambda: one.attributes()["ApproximateNumberOfMessagesNotVisible"] == "1")
    one.client.delete_function_concurrency(FunctionName=one.function)
    one.until_empty()
    assert one.bodies() == ["x"]


COUNTS = """
import time
def handler(event, context):
    began = time.time()
    time.sleep(0.3)
    print('ran', began, time.time())
"""


def test_no_more_at_once_than_is_allowed(mapped: Any) -> None:
    one = mapped(COUNTS, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2}, queue={"VisibilityTimeout": "60"})
    one.send(*map(str, range(8)))
    one.until_empty()
    lines = [line.split()[1:] for line in one.server.function_log(one.function) if line.startswith("ran ")]
    moments = sorted([(float(began), 1) for began, _ in lines] + [(float(ended), -1) for _, ended in lines])
    at_once = most = 0
    for _, change in moments:
        at_once += change
        most = max(most, at_once)
    assert len(lines) == 8
    assert most == 2


def test_a_queue_that_comes_again_is_found(mapped: Any, sqs: Any) -> None:
    one = mapped()
    one.client.update_event_source_mapping(UUID=one.mapping, Enabled=False)
    one.until("Disabled")
    sqs.delete_queue(QueueUrl=one.url)
    one.client.update_event_source_mapping(UUID=one.mapping, Enabled=True)
    one.until("Enabled")
    sqs.create_queue(QueueName=one.url.rpartition("/")[2])
    sqs.send_message(QueueUrl=one.url, MessageBody="x")
    one.server.wait_for_log(one.function, '"body": "x"')


def test_what_became_of_an_event_goes_to_a_queue_of_ours(server: Server, sqs: Any) -> None:
    client = server.client()
    queue = sqs.create_queue(QueueName=new_name("done"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    function = create(client, "def handler(event, context):\n    return event\n")
    client.put_function_event_invoke_config(
        FunctionName=function, DestinationConfig={"OnSuccess": {"Destination": arn}}
    )
    client.invoke(FunctionName=function, InvocationType="Event", Payload=b'{"a": 1}')
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
    record = json.loads(message["Body"])
    assert record["requestContext"]["condition"] == "Success"
    assert record["responsePayload"] == {"a": 1}
