"""The server is killed while queues are consumed: every message arrives at least once, and in the order of its group."""

from typing import Any

from functions import create
from server import Server
from wait import wait_for

# What a function got is told by another queue: a kill may take the last lines of its log, a sent message is durable.
TELLS = """
import json, os, urllib.request
def handler(event, context):
    for record in event['Records']:
        seen = {'QueueUrl': os.environ['SEEN'], 'MessageBody': record['body'], 'MessageGroupId': 'all',
                'MessageDeduplicationId': context.aws_request_id + record['messageId']}
        headers = {'X-Amz-Target': 'AmazonSQS.SendMessage', 'Content-Type': 'application/x-amz-json-1.0',
                   'Authorization': 'AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/sqs/aws4_request'}
        request = urllib.request.Request(os.environ['AWS_ENDPOINT_URL'], json.dumps(seen).encode(), headers)
        urllib.request.urlopen(request, timeout=30).read()
"""
MESSAGES = 60
GROUPS = {"standard": "", "in-order.fifo": "ab"}


class Seen:
    """The bodies a function got, in order, each time it got them."""

    def __init__(self, server: Server, queue: str) -> None:
        self._server, self._queue = server, queue
        self.bodies: list[str] = []

    def read(self) -> list[str]:
        """All so far. Kept here once read, as reading takes them out of the queue."""
        sqs = self._server.client("sqs")
        url = sqs.get_queue_url(QueueName=self._queue)["QueueUrl"]
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            self.bodies += [message["Body"] for message in messages]
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return self.bodies


def send(sqs: Any, url: str, numbers: range, groups: str) -> None:
    for number in numbers:
        for group in groups or " ":
            order = {"MessageGroupId": group, "MessageDeduplicationId": f"{group}{number}"} if groups else {}
            sqs.send_message(QueueUrl=url, MessageBody=f"{group.strip()}{number}", **order)


def consumed(server: Server, name: str, attributes: dict[str, str]) -> Seen:
    """A queue with a function that consumes it."""
    client, sqs = server.client(), server.client("sqs")
    told = f"seen-{name.removesuffix('.fifo')}.fifo"
    seen_url = sqs.create_queue(QueueName=told, Attributes={"FifoQueue": "true"})["QueueUrl"]
    sqs.create_queue(QueueName=name, Attributes=attributes)
    function = create(client, TELLS, Environment={"Variables": {"SEEN": seen_url}})
    arn = f"arn:aws:sqs:us-east-1:000000000000:{name}"
    client.create_event_source_mapping(FunctionName=function, EventSourceArn=arn, BatchSize=2)
    return Seen(server, told)


def test_every_message_arrives(own_server: Server) -> None:
    own_server.start()
    standard = consumed(own_server, "standard", {"VisibilityTimeout": "2"})
    in_order = consumed(own_server, "in-order.fifo", {"VisibilityTimeout": "2", "FifoQueue": "true"})
    for start in (0, MESSAGES // 2):
        sqs = own_server.client("sqs")
        for name, groups in GROUPS.items():
            url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
            send(sqs, url, range(start, start + MESSAGES // 2), groups)
        wait_for(standard.read, 60)
        own_server.kill()
        own_server.start()
    wait_for(lambda: len(set(standard.read())) == MESSAGES, 60)
    wait_for(lambda: len(set(in_order.read())) == 2 * MESSAGES, 60)
    for group in "ab":
        firsts = dict.fromkeys(body for body in in_order.bodies if body[0] == group)
        assert list(firsts) == [f"{group}{number}" for number in range(MESSAGES)]
