"""SQS across `kill -9`: what was acknowledged is there, in order where order counts; what was deleted is not."""

import concurrent.futures
import threading
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from server import Server

GROUPS = "abc"


def drain(sqs: Any, url: str) -> list[dict[str, Any]]:
    """Everything, deleted as it comes."""
    found = []
    while messages := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2, AttributeNames=["All"]
    ).get("Messages", []):
        found += messages
        entries = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(messages)]
        assert "Failed" not in sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    return found


def test_no_acknowledged_message_is_lost(own_server: Server) -> None:
    own_server.start()
    sqs = own_server.client("sqs")
    standard = sqs.create_queue(QueueName="standard")["QueueUrl"]
    fifo = sqs.create_queue(QueueName="in-order.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    acknowledged: dict[str, list[str]] = {"": [], **{group: [] for group in GROUPS}}
    enough = threading.Event()

    def produce(group: str) -> None:
        client, number = own_server.client("sqs"), 0
        while True:
            body = f"{group}{number}"
            order = {"MessageGroupId": group, "MessageDeduplicationId": body} if group else {}
            try:
                client.send_message(QueueUrl=fifo if group else standard, MessageBody=body, **order)
            except (BotoCoreError, ClientError):
                return  # it was killed: nobody knows of this one
            acknowledged[group].append(body)
            number += 1
            if number == 60:
                enough.set()

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        producers = [pool.submit(produce, group) for group in ("", *GROUPS)]
        assert enough.wait(60)
        own_server.kill()
        for producer in producers:
            producer.result(120)

    own_server.start()
    sqs = own_server.client("sqs")
    standard, fifo = (sqs.get_queue_url(QueueName=name)["QueueUrl"] for name in ("standard", "in-order.fifo"))
    got = [message["Body"] for message in drain(sqs, standard)]
    assert set(acknowledged[""]) <= set(got)
    assert len(got) == len(set(got)) <= len(acknowledged[""]) + 1
    in_order = drain(sqs, fifo)
    for group in GROUPS:
        numbers = [int(one["Body"][1:]) for one in in_order if one["Attributes"]["MessageGroupId"] == group]
        assert numbers == list(range(len(numbers)))
        assert len(numbers) >= len(acknowledged[group])
    # what was sent before the crash is still known: the same again is not taken
    sqs.send_message(QueueUrl=fifo, MessageBody="a0", MessageGroupId="a", MessageDeduplicationId="a0")
    assert drain(sqs, fifo) == []


def test_receives_and_deletions_survive(own_server: Server) -> None:
    own_server.start()
    sqs = own_server.client("sqs")
    url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "3600"}, tags={"a": "b"})["QueueUrl"]
    for body in ("deleted", "in flight", "waiting"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    first, second = (sqs.receive_message(QueueUrl=url)["Messages"][0] for _ in range(2))
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    gone = sqs.create_queue(QueueName="gone")["QueueUrl"]
    sqs.send_message(QueueUrl=gone, MessageBody="x")
    sqs.delete_queue(QueueUrl=gone)
    own_server.kill()
    own_server.start()
    sqs = own_server.client("sqs")
    url = sqs.get_queue_url(QueueName="q")["QueueUrl"]
    assert sqs.list_queues()["QueueUrls"] == [url]
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"a": "b"}
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (found["ApproximateNumberOfMessages"], found["ApproximateNumberOfMessagesNotVisible"]) == ("1", "1")
    (message,) = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert message["Body"] == "waiting"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"])
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert found["ApproximateNumberOfMessagesNotVisible"] == "1"
