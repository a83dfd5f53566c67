"""The server is killed while queues and streams are consumed: all of it arrives at least once, and groups and keys in order."""

from typing import Any

from functions import create
from queues import map_queue
from server import Server
from stream_mappings import Stream
from wait import wait_for

# What a function got is told by another queue, which keeps the order; and logged, before the source forgets it.
TELLS = """
import base64, json, os, urllib.request
def handler(event, context):
    for number, record in enumerate(event['Records']):
        body = record['body'] if 'body' in record else base64.b64decode(record['kinesis']['data']).decode()
        print('got', body)
        seen = {'QueueUrl': os.environ['SEEN'], 'MessageBody': body, 'MessageGroupId': 'all',
                'MessageDeduplicationId': f'{context.aws_request_id}-{number}'}
        headers = {'X-Amz-Target': 'AmazonSQS.SendMessage', 'Content-Type': 'application/x-amz-json-1.0',
                   'Authorization': 'AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/sqs/aws4_request'}
        request = urllib.request.Request(os.environ['AWS_ENDPOINT_URL'], json.dumps(seen).encode(), headers)
        urllib.request.urlopen(request, timeout=120).read()
"""
MESSAGES = 60
RECORDS = 30
"""Of each key."""
KEYS = "abcd"
GROUPS = {"standard": "", "in-order.fifo": "ab"}


class Seen:
    """The bodies a function got, in order, each time it got them."""

    def __init__(self, server: Server, function: str, queue: str) -> None:
        self._server, self._function, self._queue = server, function, queue
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

    def logged(self) -> set[str]:
        lines = self._server.function_log(self._function)
        return {line.removeprefix("got ") for line in lines if line.startswith("got ")}


def send(sqs: Any, url: str, numbers: range, groups: str) -> None:
    for number in numbers:
        for group in groups or " ":
            order = {"MessageGroupId": group, "MessageDeduplicationId": f"{group}{number}"} if groups else {}
            sqs.send_message(QueueUrl=url, MessageBody=f"{group.strip()}{number}", **order)


def consumed(server: Server, name: str, attributes: dict[str, str]) -> Seen:
    """A queue with a function that consumes it."""
    url = server.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    function, seen = telling(server, name.removesuffix(".fifo"))
    map_queue(server, url, function, BatchSize=2)
    return seen


def mapped(server: Server, arn: str, name: str, **settings: Any) -> Seen:
    function, seen = telling(server, name)
    server.client().create_event_source_mapping(FunctionName=function, EventSourceArn=arn, **settings)
    return seen


def telling(server: Server, name: str) -> tuple[str, Seen]:
    """A function, and what it has seen."""
    told = f"seen-{name}.fifo"
    seen_url = server.client("sqs").create_queue(QueueName=told, Attributes={"FifoQueue": "true"})["QueueUrl"]
    function = create(server.client(), TELLS, Environment={"Variables": {"SEEN": seen_url}})
    return function, Seen(server, function, told)


def test_every_message_arrives(own_server: Server) -> None:
    own_server.start()
    standard = consumed(own_server, "standard", {"VisibilityTimeout": "2"})
    in_order = consumed(own_server, "in-order.fifo", {"VisibilityTimeout": "2", "FifoQueue": "true"})
    for start in (0, MESSAGES // 2):
        sqs = own_server.client("sqs")
        for name, groups in GROUPS.items():
            url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
            send(sqs, url, range(start, start + MESSAGES // 2), groups)
        wait_for(standard.read)
        own_server.kill()
        own_server.start()
    wait_for(lambda: len(set(standard.read())) == MESSAGES)
    wait_for(lambda: len(set(in_order.read())) == 2 * MESSAGES)
    wait_for(lambda: standard.logged() == set(standard.bodies) and in_order.logged() == set(in_order.bodies))
    for group in "ab":
        firsts = dict.fromkeys(body for body in in_order.bodies if body[0] == group)
        assert list(firsts) == [f"{group}{number}" for number in range(MESSAGES)]


def test_every_record_of_a_stream_arrives(own_server: Server) -> None:
    own_server.start()
    stream = Stream(own_server, shards=2)
    settings = {"StartingPosition": "TRIM_HORIZON", "BatchSize": 2, "ParallelizationFactor": 2}
    seen = mapped(own_server, stream.arn, "stream", **settings)
    for start in (0, RECORDS // 2):
        stream.kinesis = own_server.client("kinesis")
        for key in KEYS:
            stream.put(*(f"{key}{number}" for number in range(start, start + RECORDS // 2)), key=key)
        wait_for(seen.read)
        own_server.kill()
        own_server.start()
    wait_for(lambda: len(set(seen.read())) == len(KEYS) * RECORDS)
    wait_for(lambda: seen.logged() == set(seen.bodies))
    for key in KEYS:
        firsts = dict.fromkeys(body for body in seen.bodies if body[0] == key)
        assert list(firsts) == [f"{key}{number}" for number in range(RECORDS)]
