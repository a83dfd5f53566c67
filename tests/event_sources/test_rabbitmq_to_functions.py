"""Queues of a real RabbitMQ server invoke functions: events, batches, failures, filters, crashes of either side."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aio_pika
import pytest

from free_ports import free_ports
from functions import create, new_name
from neighbours import Neighbours
from rabbitmq_server import RabbitMqServer
from server import Server
from wait import wait_for

BROKER = "arn:aws:mq:us-east-1:000000000000:broker:demo:b-0a1b2c3d-0a1b-4c2d-8e3f-0a1b2c3d4e5f"
PRINTS = """
import json
def handler(event, context):
    print('event', json.dumps(event))
"""
FAILS_ONCE = """
import base64, json
def handler(event, context):
    print('event', json.dumps(event))
    (messages,) = event['rmqMessagesByQueue'].values()
    if not messages[0]['redelivered']:
        raise ValueError('not yet')
"""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMqServer]:
    running = RabbitMqServer(tmp_path_factory.mktemp("rabbitmq"), free_ports(3), new_name("node"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def neighbours() -> Iterator[Neighbours]:
    started = Neighbours()
    yield started
    started.stop()


def arguments(broker: RabbitMqServer, neighbours: Neighbours) -> list[str]:
    return ["--broker", f"{BROKER}={broker.address}", "--endpoint", f"secretsmanager={neighbours.url}"]


@pytest.fixture(scope="module")
def secret(neighbours: Neighbours) -> str:
    value = json.dumps({"username": "guest", "password": "guest"})
    arn: str = neighbours.client("secretsmanager").create_secret(Name=new_name("broker"), SecretString=value)["ARN"]
    return arn


@pytest.fixture(scope="module")
def knowing(
    broker: RabbitMqServer, neighbours: Neighbours, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server that knows where the broker is."""
    running = Server(tmp_path_factory.mktemp("mq") / "data", *arguments(broker, neighbours))
    yield running.start()
    assert running.stop() == 0


class Mapped:
    """A queue, and a function that its messages invoke."""

    def __init__(self, server: Server, broker: RabbitMqServer, secret: str, source: str, **settings: Any) -> None:
        self.server = server
        self.client = server.client()
        self.queue = new_name("queue")
        self._broker = broker
        self.do(lambda channel: channel.declare_queue(self.queue, durable=True))
        self.function = create(self.client, source)
        self.mapping = self.client.create_event_source_mapping(
            FunctionName=self.function,
            EventSourceArn=BROKER,
            Queues=[self.queue],
            SourceAccessConfigurations=[{"Type": "BASIC_AUTH", "URI": secret}],
            **settings,
        )["UUID"]

    def do(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        """On a channel of the broker's."""

        async def connected() -> Any:
            async with await aio_pika.connect(self._broker.address) as connection:
                return await work(await connection.channel())

        return asyncio.run(asyncio.wait_for(connected(), 30))

    def send(self, *bodies: bytes, **properties: Any) -> None:
        async def publish(channel: Any) -> None:
            for body in bodies:
                await channel.default_exchange.publish(aio_pika.Message(body, **properties), self.queue)

        self.do(publish)

    def left(self) -> int:
        """Messages that are ready for somebody else."""
        count: int = self.do(
            lambda channel: channel.declare_queue(self.queue, passive=True)
        ).declaration_result.message_count
        return count

    def events(self) -> list[dict[str, Any]]:
        lines = self.server.function_log(self.function)
        return [json.loads(line.removeprefix("event ")) for line in lines if line.startswith("event ")]

    def messages(self) -> list[dict[str, Any]]:
        return [one for event in self.events() for ones in event["rmqMessagesByQueue"].values() for one in ones]

    def bodies(self) -> list[bytes]:
        return [base64.b64decode(one["data"]) for one in self.messages()]

    def delete(self) -> None:
        self.client.delete_event_source_mapping(UUID=self.mapping)


@pytest.fixture
def mapped(knowing: Server, broker: RabbitMqServer, secret: str) -> Iterator[Any]:
    made: list[Mapped] = []

    def make(source: str = PRINTS, **settings: Any) -> Mapped:
        made.append(Mapped(knowing, broker, secret, source, **settings))
        return made[-1]

    yield make
    for one in made:
        one.delete()


def test_a_message_becomes_aws_event(mapped: Any) -> None:
    one = mapped()
    one.send(
        b'{"a": 1}',
        content_type="application/json",
        headers={"text": "vé", "number": 7},
        priority=3,
        expiration=60,
        correlation_id="c1",
        timestamp=datetime(2026, 1, 9, 13, 5, 7, tzinfo=UTC),
        delivery_mode=2,
        message_id="m1",
    )
    wait_for(one.events)
    (event,) = one.events()
    (record,) = event.pop("rmqMessagesByQueue")[f"{one.queue}::/"]
    assert event == {"eventSource": "aws:rmq", "eventSourceArn": BROKER}
    properties = record.pop("basicProperties")
    assert record == {"redelivered": False, "data": base64.b64encode(b'{"a": 1}').decode()}
    assert properties == {
        "contentType": "application/json",
        "contentEncoding": None,
        "headers": {"text": {"bytes": [118, -61, -87]}, "number": 7},
        "deliveryMode": 2,
        "priority": 3,
        "correlationId": "c1",
        "replyTo": None,
        "expiration": "60000",
        "messageId": "m1",
        "timestamp": "Jan 9, 2026, 1:05:07 PM",
        "type": None,
        "userId": None,
        "appId": None,
        "clusterId": None,
        "bodySize": 8,
    }
    wait_for(lambda: one.left() == 0)


def test_batches_are_bounded_and_in_order(mapped: Any) -> None:
    one = mapped(BatchSize=7, MaximumBatchingWindowInSeconds=1)
    sent = [str(number).encode() for number in range(30)]
    one.send(*sent)
    wait_for(lambda: len(one.bodies()) == 30)
    assert one.bodies() == sent
    sizes = [len(ones) for event in one.events() for ones in event["rmqMessagesByQueue"].values()]
    assert max(sizes) == 7


def test_what_fails_goes_back_to_the_queue(mapped: Any) -> None:
    one = mapped(FAILS_ONCE)
    one.send(b"again")
    wait_for(lambda: len(one.messages()) == 2)
    assert [message["redelivered"] for message in one.messages()] == [False, True]
    wait_for(lambda: one.left() == 0)


def test_filters_see_json(mapped: Any) -> None:
    pattern = json.dumps({"data": {"kind": ["wanted"]}})
    one = mapped(FilterCriteria={"Filters": [{"Pattern": pattern}]})
    one.send(b'{"kind": "other"}', b"no json", b"\xff", b'{"kind": "wanted"}')
    wait_for(one.events)
    assert one.bodies() == [b'{"kind": "wanted"}']
    wait_for(lambda: one.left() == 0)


def test_a_disabled_mapping_leaves_messages_where_they_are(mapped: Any) -> None:
    one = mapped()
    one.send(b"first")
    wait_for(one.events)
    one.client.update_event_source_mapping(UUID=one.mapping, Enabled=False)
    wait_for(lambda: one.client.get_event_source_mapping(UUID=one.mapping)["State"] == "Disabled")
    wait_for(lambda: (one.send(b"second"), one.left())[1] > 0)
    one.client.update_event_source_mapping(UUID=one.mapping, Enabled=True)
    wait_for(lambda: b"second" in one.bodies())


def test_a_crash_loses_nothing(tmp_path: Path, broker: RabbitMqServer, neighbours: Neighbours, secret: str) -> None:
    own_server = Server(tmp_path / "data", *arguments(broker, neighbours)).start()
    one = Mapped(own_server, broker, secret, PRINTS, BatchSize=3, MaximumBatchingWindowInSeconds=1)
    sent = [str(number).encode() for number in range(40)]
    one.send(*sent)
    wait_for(lambda: len(one.bodies()) >= 6)
    own_server.kill()
    own_server.start()
    wait_for(lambda: set(one.bodies()) == set(sent))
    assert own_server.stop() == 0
