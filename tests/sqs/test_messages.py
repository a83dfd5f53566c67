"""Messages: sent, received, hidden, deleted, in batches, of standard and FIFO queues, with boto3."""

import concurrent.futures
import hashlib
import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from functions import new_name
from server import Server
from wait import wait_for


@pytest.fixture(scope="module")
def sqs(server: Server) -> Any:
    return server.client("sqs")


def make(sqs: Any, **attributes: str) -> str:
    fifo = attributes.get("FifoQueue") == "true"
    return sqs.create_queue(QueueName=new_name("q") + (".fifo" if fifo else ""), Attributes=attributes)["QueueUrl"]


def fifo(sqs: Any, **attributes: str) -> str:
    return make(sqs, FifoQueue="true", **{"ContentBasedDeduplication": "true", **attributes})


def receive(sqs: Any, url: str, most: int = 10, **more: Any) -> list[dict[str, Any]]:
    return sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=most, **more).get("Messages", [])


def bodies(messages: list[dict[str, Any]]) -> list[str]:
    return [message["Body"] for message in messages]


def refused(call: Any, **arguments: Any) -> tuple[str, str]:
    """(code, message)"""
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def counts(sqs: Any, url: str) -> tuple[int, int, int]:
    """(visible, in flight, delayed)"""
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    names = (
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    )
    return tuple(int(found[name]) for name in names)  # type: ignore[return-value]


def test_a_message_comes_as_it_was_sent(sqs: Any) -> None:
    url = make(sqs)
    attributes = {
        "text": {"DataType": "String", "StringValue": "grün"},
        "number": {"DataType": "Number.int", "StringValue": "-12"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793"}}
    # botocore checks all three digests of what it sends and receives
    sent = sqs.send_message(
        QueueUrl=url, MessageBody="héllo\t😀", MessageAttributes=attributes, MessageSystemAttributes=trace
    )
    assert sent["MD5OfMessageBody"] == hashlib.md5("héllo\t😀".encode()).hexdigest()
    assert "SequenceNumber" not in sent
    (message,) = receive(sqs, url, MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"])
    assert message["Body"] == "héllo\t😀"
    assert message["MessageId"] == sent["MessageId"]
    assert message["MessageAttributes"] == attributes
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert message["Attributes"]["AWSTraceHeader"] == trace["AWSTraceHeader"]["StringValue"]
    assert int(message["Attributes"]["SentTimestamp"]) <= int(message["Attributes"]["ApproximateFirstReceiveTimestamp"])


def test_a_receiver_gets_the_attributes_it_asks_for(sqs: Any) -> None:
    url = make(sqs, VisibilityTimeout="0")
    values = {name: {"DataType": "String", "StringValue": name} for name in ("a.one", "a.two", "b")}
    sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes=values)
    for wanted, names in ((["a.*"], {"a.one", "a.two"}), (["b", "c"], {"b"}), (["All"], set(values))):
        (message,) = receive(sqs, url, MessageAttributeNames=wanted)
        assert message["MessageAttributes"].keys() == names
        assert "Attributes" not in message
    (message,) = receive(sqs, url, AttributeNames=["SenderId"])
    assert "MessageAttributes" not in message
    assert message["Attributes"].keys() == {"SenderId"}


def test_a_message_is_hidden_until_its_time_is_over(sqs: Any) -> None:
    url = make(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="x")
    (message,) = receive(sqs, url, VisibilityTimeout=4)
    assert counts(sqs, url) == (0, 1, 0)
    assert receive(sqs, url) == []
    (again,) = receive(sqs, url, WaitTimeSeconds=20, AttributeNames=["All"])
    assert again["MessageId"] == message["MessageId"]
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])
    assert counts(sqs, url) == (0, 0, 0)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])  # again: nothing happens


def test_visibility_is_changed(sqs: Any) -> None:
    url = make(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="x")
    (message,) = receive(sqs, url)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    gone = refused(
        sqs.change_message_visibility, QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=5
    )
    assert gone[0] == "InvalidParameterValue"
    assert gone[1].endswith("is not available for visibility timeout change.")
    (message,) = receive(sqs, url)
    code, text = refused(
        sqs.change_message_visibility, QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=43200
    )
    assert code == "InvalidParameterValue"
    assert "Total VisibilityTimeout" in text


def test_long_polling_ends_when_a_message_comes(sqs: Any, server: Server) -> None:
    url = make(sqs, ReceiveMessageWaitTimeSeconds="20")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(receive, server.client("sqs"), url)
        sqs.send_message(QueueUrl=url, MessageBody="x")
        assert bodies(waiting.result(120)) == ["x"]


def test_a_poller_that_goes_takes_no_message(sqs: Any, server: Server) -> None:
    impatient = server.client("sqs", read_timeout=1, retries={"total_max_attempts": 1})
    url = make(sqs)
    with pytest.raises(ReadTimeoutError):
        receive(impatient, url, WaitTimeSeconds=20)
    sqs.send_message(QueueUrl=url, MessageBody="x")
    assert bodies(receive(sqs, url, WaitTimeSeconds=20)) == ["x"]


def test_a_delayed_message(sqs: Any) -> None:
    url = make(sqs, DelaySeconds="900")
    sqs.send_message(QueueUrl=url, MessageBody="late")
    sqs.send_message(QueueUrl=url, MessageBody="soon", DelaySeconds=4)
    assert receive(sqs, url) == []
    assert counts(sqs, url) == (0, 0, 2)
    assert bodies(receive(sqs, url, WaitTimeSeconds=20)) == ["soon"]


def test_a_purged_queue_is_empty(sqs: Any) -> None:
    url = make(sqs)
    for _ in range(3):
        entries = [{"Id": str(number), "MessageBody": "x"} for number in range(10)]
        assert len(sqs.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == 10
    assert counts(sqs, url) == (30, 0, 0)
    receive(sqs, url)
    sqs.purge_queue(QueueUrl=url)
    assert counts(sqs, url) == (0, 0, 0)
    sqs.send_message(QueueUrl=url, MessageBody="new")
    assert bodies(receive(sqs, url)) == ["new"]


def test_a_new_queue_of_an_old_name_is_empty(sqs: Any) -> None:
    name = new_name("q")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x")
    (message,) = receive(sqs, url)
    sqs.delete_queue(QueueUrl=url)
    assert refused(sqs.send_message, QueueUrl=url, MessageBody="x")[0] == "AWS.SimpleQueueService.NonExistentQueue"
    sqs.create_queue(QueueName=name)
    assert counts(sqs, url) == (0, 0, 0)
    handle = message["ReceiptHandle"]
    assert refused(sqs.delete_message, QueueUrl=url, ReceiptHandle=handle) == (
        "ReceiptHandleIsInvalid",
        f'The input receipt handle "{handle}" is not a valid receipt handle.',
    )


def test_batches_succeed_and_fail_entry_by_entry(sqs: Any) -> None:
    url = make(sqs)
    trace = {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793"}
    answer = sqs.send_message_batch(
        QueueUrl=url,
        Entries=[
            {"Id": "good", "MessageBody": "x"},
            {"Id": "bad", "MessageBody": "\x01"},
            {"Id": "late", "MessageBody": "x", "DelaySeconds": 901},
            {"Id": "traced", "MessageBody": "x", "MessageSystemAttributes": {"Trace": trace}},
        ],
    )
    assert [entry["Id"] for entry in answer["Successful"]] == ["good"]
    assert [(entry["Id"], entry["Code"], entry["SenderFault"]) for entry in answer["Failed"]] == [
        ("bad", "InvalidMessageContents", True),
        ("late", "InvalidParameterValue", True),
        ("traced", "InvalidParameterValue", True),
    ]
    (message,) = receive(sqs, url)
    handle = message["ReceiptHandle"]
    changed = sqs.change_message_visibility_batch(
        QueueUrl=url,
        Entries=[
            {"Id": "a", "ReceiptHandle": handle, "VisibilityTimeout": 60},
            {"Id": "b", "ReceiptHandle": "nonsense", "VisibilityTimeout": 60},
        ],
    )
    assert [entry["Id"] for entry in changed["Successful"]] == ["a"]
    assert [(entry["Id"], entry["Code"]) for entry in changed["Failed"]] == [("b", "ReceiptHandleIsInvalid")]
    deleted = sqs.delete_message_batch(
        QueueUrl=url, Entries=[{"Id": "a", "ReceiptHandle": handle}, {"Id": "b", "ReceiptHandle": "nonsense"}]
    )
    assert [entry["Id"] for entry in deleted["Successful"]] == ["a"]
    assert [entry["Id"] for entry in deleted["Failed"]] == ["b"]
    assert counts(sqs, url) == (0, 0, 0)


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([], "EmptyBatchRequest"),
        ([{"Id": str(number), "MessageBody": "x"} for number in range(11)], "TooManyEntriesInBatchRequest"),
        ([{"Id": "a", "MessageBody": "x"}] * 2, "BatchEntryIdsNotDistinct"),
        ([{"Id": "a b", "MessageBody": "x"}], "InvalidBatchEntryId"),
        ([{"Id": str(number), "MessageBody": "x" * 600_000} for number in range(2)], "BatchRequestTooLong"),
    ],
)
def test_batches_that_are_refused(sqs: Any, entries: list[dict[str, str]], code: str) -> None:
    url = make(sqs)
    assert refused(sqs.send_message_batch, QueueUrl=url, Entries=entries)[0] == f"AWS.SimpleQueueService.{code}"
    assert counts(sqs, url) == (0, 0, 0)


WRONG = [
    ({"MessageBody": ""}, "MissingParameter", "The request must contain the parameter MessageBody."),
    ({"MessageBody": "\x00"}, "InvalidMessageContents", "Invalid characters found."),
    ({"MessageBody": "x" * 1025}, "InvalidParameterValue", "Message must be shorter than 1024 bytes."),
    ({"MessageBody": "x", "DelaySeconds": 901}, "InvalidParameterValue", "DelaySeconds must be >= 0 and <= 900."),
    ({"MessageBody": "x", "MessageDeduplicationId": "a"}, "InvalidParameterValue", "not valid for this queue type"),
    ({"MessageBody": "x", "MessageAttributes": {"a": {"DataType": "Text", "StringValue": "x"}}},
     "InvalidParameterValue", "supported type prefixes is Binary, Number, and String"),
    ({"MessageBody": "x", "MessageAttributes": {"a": {"DataType": "Number", "StringValue": "many"}}},
     "InvalidParameterValue", "to a number"),
    ({"MessageBody": "x", "MessageAttributes": {"a": {"DataType": "String", "StringValue": ""}}},
     "InvalidParameterValue", "non-empty value"),
    ({"MessageBody": "x", "MessageAttributes": {"a": {"DataType": "String", "BinaryValue": b"x"}}},
     "InvalidParameterValue", "must use field 'String'"),
    ({"MessageBody": "x", "MessageAttributes": {"AWS.a": {"DataType": "String", "StringValue": "x"}}},
     "InvalidParameterValue", "reserved"),
    ({"MessageBody": "x", "MessageAttributes": {str(n): {"DataType": "String", "StringValue": "x"} for n in range(11)}},
     "InvalidParameterValue", "[11] exceeds the allowed maximum [10]"),
    ({"MessageBody": "x", "MessageSystemAttributes": {"SenderId": {"DataType": "String", "StringValue": "me"}}},
     "InvalidParameterValue", "Message system attribute name 'SenderId' is invalid."),
    ({"MessageBody": "x", "MessageSystemAttributes": {"AWSTraceHeader": {"DataType": "Number", "StringValue": "1"}}},
     "InvalidParameterValue", "The message system attribute 'AWSTraceHeader' is reserved for AWS X-Ray trace header. "
     "The type must be 'String'."),
]  # fmt: skip


@pytest.mark.parametrize(("given", "code", "words"), WRONG)
def test_messages_that_are_refused(sqs: Any, given: dict[str, Any], code: str, words: str) -> None:
    url = make(sqs, MaximumMessageSize="1024")
    refused_with, message = refused(sqs.send_message, QueueUrl=url, **given)
    assert refused_with == code
    assert words in message
    assert counts(sqs, url) == (0, 0, 0)


@pytest.mark.parametrize(
    "given",
    [{"MaxNumberOfMessages": 11}, {"MaxNumberOfMessages": 0}, {"WaitTimeSeconds": 21}, {"VisibilityTimeout": 43201}],
)
def test_receives_that_are_refused(sqs: Any, given: dict[str, int]) -> None:
    code, message = refused(sqs.receive_message, QueueUrl=make(sqs), **given)
    assert code == "InvalidParameterValue"
    assert next(iter(given)) in message


# --- Dead-letter queues -----------------------------------------------------------------------------------------------


def arn(sqs: Any, url: str) -> str:
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def with_dead_letters(sqs: Any, dead: str, most: int, **more: str) -> str:
    policy = json.dumps({"deadLetterTargetArn": arn(sqs, dead), "maxReceiveCount": most})
    return make(sqs, RedrivePolicy=policy, VisibilityTimeout="0", **more)


@pytest.mark.parametrize("kind", ["standard", "fifo"])
def test_what_was_received_too_often_is_put_aside_and_back(sqs: Any, kind: str) -> None:
    settings = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if kind == "fifo" else {}
    order = {"MessageGroupId": "g"} if kind == "fifo" else {}
    dead = make(sqs, **settings)
    url = with_dead_letters(sqs, dead, 2, **settings)
    sqs.send_message(QueueUrl=url, MessageBody="poison", **order)
    assert [bodies(receive(sqs, url)) for _ in range(2)] == [["poison"], ["poison"]]
    assert receive(sqs, url) == []
    assert counts(sqs, url) == (0, 0, 0)
    (message,) = receive(sqs, dead, AttributeNames=["All"], VisibilityTimeout=0)
    assert message["Body"] == "poison"
    assert message["Attributes"]["DeadLetterQueueSourceArn"] == arn(sqs, url)

    task = sqs.start_message_move_task(SourceArn=arn(sqs, dead))["TaskHandle"]
    assert task
    wait_for(lambda: counts(sqs, url)[0] == 1)
    wait_for(lambda: sqs.list_message_move_tasks(SourceArn=arn(sqs, dead))["Results"][0]["Status"] == "COMPLETED")
    (done,) = sqs.list_message_move_tasks(SourceArn=arn(sqs, dead), MaxResults=10)["Results"]
    assert done["ApproximateNumberOfMessagesMoved"] == 1
    assert "TaskHandle" not in done
    (message,) = receive(sqs, url, AttributeNames=["All"])
    assert "DeadLetterQueueSourceArn" not in message["Attributes"]


def test_moving_is_cancelled(sqs: Any) -> None:
    dead, elsewhere = make(sqs), make(sqs)
    with_dead_letters(sqs, dead, 1)
    entries = [{"Id": str(number), "MessageBody": "x"} for number in range(10)]
    sqs.send_message_batch(QueueUrl=dead, Entries=entries)
    started = sqs.start_message_move_task(
        SourceArn=arn(sqs, dead), DestinationArn=arn(sqs, elsewhere), MaxNumberOfMessagesPerSecond=1
    )
    twice = refused(sqs.start_message_move_task, SourceArn=arn(sqs, dead))
    assert twice[0] == "AWS.SimpleQueueService.UnsupportedOperation"
    wait_for(lambda: counts(sqs, elsewhere)[0] >= 1)
    moved = sqs.cancel_message_move_task(TaskHandle=started["TaskHandle"])["ApproximateNumberOfMessagesMoved"]
    assert 1 <= moved < 10
    assert counts(sqs, dead)[0] + counts(sqs, elsewhere)[0] == 10
    assert sqs.list_message_move_tasks(SourceArn=arn(sqs, dead))["Results"][0]["Status"] == "CANCELLED"
    assert refused(sqs.cancel_message_move_task, TaskHandle=started["TaskHandle"])[0] == "ResourceNotFoundException"
    assert refused(sqs.cancel_message_move_task, TaskHandle="nonsense")[0] == "InvalidParameterValue"
    assert refused(sqs.start_message_move_task, SourceArn=arn(sqs, elsewhere))[0] == "InvalidParameterValue"
    nowhere = "arn:aws:sqs:us-east-1:000000000000:no-such-queue"
    assert refused(sqs.start_message_move_task, SourceArn=nowhere)[0] == "ResourceNotFoundException"


# --- FIFO -------------------------------------------------------------------------------------------------------------


def send(sqs: Any, url: str, body: str, group: str, **more: Any) -> dict[str, Any]:
    return sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group, **more)


def test_a_group_is_received_in_order_and_by_one_at_a_time(sqs: Any) -> None:
    url = fifo(sqs)
    numbers = [send(sqs, url, f"{group}{n}", group)["SequenceNumber"] for n in range(3) for group in "ab"]
    assert numbers == sorted(numbers)
    first = receive(sqs, url, most=2)
    assert bodies(first) == ["a0", "a1"]
    rest = receive(sqs, url)
    assert bodies(rest) == ["b0", "b1", "b2"], "a's third waits for its first two"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first[0]["ReceiptHandle"])
    assert receive(sqs, url) == []
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=first[1]["ReceiptHandle"], VisibilityTimeout=0)
    again = receive(sqs, url, AttributeNames=["All"])
    assert bodies(again) == ["a1", "a2"]
    assert again[0]["Attributes"]["MessageGroupId"] == "a"
    assert again[0]["Attributes"]["SequenceNumber"] == numbers[2]
    stale = refused(sqs.delete_message, QueueUrl=url, ReceiptHandle=first[1]["ReceiptHandle"])
    assert stale[0] == "InvalidParameterValue"
    assert stale[1].endswith("The receipt handle has expired.")


def test_a_message_is_not_taken_twice_within_five_minutes(sqs: Any) -> None:
    url = fifo(sqs)
    one = send(sqs, url, "same", "a")
    two = send(sqs, url, "same", "b")
    assert (one["MessageId"], one["SequenceNumber"]) == (two["MessageId"], two["SequenceNumber"])
    send(sqs, url, "same", "a", MessageDeduplicationId=str(uuid.uuid4()))
    assert bodies(receive(sqs, url)) == ["same", "same"]


def test_deduplication_by_group(sqs: Any) -> None:
    url = fifo(sqs, DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId")
    send(sqs, url, "same", "a")
    send(sqs, url, "same", "b")
    send(sqs, url, "same", "b")
    assert bodies(receive(sqs, url)) == ["same", "same"]


def test_fifo_messages_that_are_refused(sqs: Any) -> None:
    url = make(sqs, FifoQueue="true")
    assert refused(sqs.send_message, QueueUrl=url, MessageBody="x") == (
        "MissingParameter",
        "The request must contain the parameter MessageGroupId.",
    )
    code, message = refused(sqs.send_message, QueueUrl=url, MessageBody="x", MessageGroupId="a")
    assert code == "InvalidParameterValue"
    assert "ContentBasedDeduplication" in message
    wrong = {"MessageGroupId": "a", "MessageDeduplicationId": "a"}
    assert (
        refused(sqs.send_message, QueueUrl=url, MessageBody="x", DelaySeconds=5, **wrong)[0] == "InvalidParameterValue"
    )
    wrong = {"MessageGroupId": "a b", "MessageDeduplicationId": "a"}
    assert refused(sqs.send_message, QueueUrl=url, MessageBody="x", **wrong)[0] == "InvalidParameterValue"


def test_many_receivers_get_each_message_once(sqs: Any, server: Server) -> None:
    url = make(sqs)
    for start in range(0, 200, 10):
        entries = [{"Id": str(n), "MessageBody": str(start + n)} for n in range(10)]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)

    def drain(_: int) -> list[str]:
        client, got = server.client("sqs"), []
        while messages := receive(client, url):
            got += bodies(messages)
            for message in messages:
                client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return got

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        received = [body for part in pool.map(drain, range(8)) for body in part]
    assert sorted(received, key=int) == [str(number) for number in range(200)]
    assert counts(sqs, url) == (0, 0, 0)
