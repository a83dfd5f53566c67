"""The server is killed while queues are consumed: every message arrives at least once, and in the order of its group."""

import json
from typing import Any

from functions import create
from server import Server
from wait import wait_for

PRINTS = """
import json
def handler(event, context):
    for record in event['Records']:
        print('got', json.dumps([record['body'], record['attributes'].get('SequenceNumber')]))
"""
MESSAGES = 60


def got(server: Server, function: str) -> list[tuple[str, str | None]]:
    lines = [line for line in server.function_log(function) if line.startswith("got ")]
    return [tuple(json.loads(line.removeprefix("got "))) for line in lines]  # type: ignore[misc]


def send(sqs: Any, url: str, numbers: range, groups: str) -> None:
    for number in numbers:
        for group in groups or " ":
            order = {"MessageGroupId": group, "MessageDeduplicationId": f"{group}{number}"} if groups else {}
            sqs.send_message(QueueUrl=url, MessageBody=f"{group.strip()}{number}", **order)


def test_every_message_arrives(own_server: Server) -> None:
    own_server.start()
    client, sqs = own_server.client(), own_server.client("sqs")
    functions = {}
    for name, groups in (("standard", ""), ("in-order.fifo", "ab")):
        attributes = {"VisibilityTimeout": "2", **({"FifoQueue": "true"} if groups else {})}
        sqs.create_queue(QueueName=name, Attributes=attributes)
        functions[name] = create(client, PRINTS)
        arn = f"arn:aws:sqs:us-east-1:000000000000:{name}"
        client.create_event_source_mapping(FunctionName=functions[name], EventSourceArn=arn, BatchSize=2)
    for start in (0, MESSAGES // 2):
        sqs = own_server.client("sqs")
        for name, groups in (("standard", ""), ("in-order.fifo", "ab")):
            url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
            send(sqs, url, range(start, start + MESSAGES // 2), groups)
        wait_for(lambda: got(own_server, functions["standard"]), 60)
        own_server.kill()
        own_server.start()

    def all_of(name: str, number: int) -> bool:
        return len({body for body, _ in got(own_server, functions[name])}) == number

    wait_for(lambda: all_of("standard", MESSAGES), 60)
    wait_for(lambda: all_of("in-order.fifo", 2 * MESSAGES), 60)
    for group in "ab":
        first: dict[str, int] = {}
        for at, (body, _) in enumerate(got(own_server, functions["in-order.fifo"])):
            if body[0] == group:
                first.setdefault(body, at)
        assert list(first) == [f"{group}{number}" for number in range(MESSAGES)]
