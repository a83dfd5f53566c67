"""The calls by which targets of rules and schedules are given their input: one for each service that can be a target.

AWS: docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html. Functions are not among them: they are ours, and have a
queue of their own; what an event bus is given says `event_entries.py`, and a queue `queue_messages.py`.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import orjson

from lambdad.store.deliveries import Delivery

_DAY: Final = 86_400
Call = Callable[[Any, Delivery, Mapping[str, Any]], None]
"""(client, delivery, the target's parameters)."""


def call_target(client: Any, delivery: Delivery, endpoint: str) -> None:
    call = CALLS[delivery.target.split(":", 3)[2]]
    call(client, delivery, orjson.loads(delivery.context["parameters"]))


def _publish(client: Any, delivery: Delivery, parameters: Mapping[str, Any]) -> None:
    client.publish(TopicArn=delivery.target, Message=delivery.body.decode())


def _put_record_of_stream(client: Any, delivery: Delivery, parameters: Mapping[str, Any]) -> None:
    key = parameters.get("PartitionKey") or delivery.request_id
    client.put_record(StreamName=_name_of(delivery), Data=delivery.body, PartitionKey=key[:256])


def _put_record_of_firehose(client: Any, delivery: Delivery, parameters: Mapping[str, Any]) -> None:
    client.put_record(DeliveryStreamName=_name_of(delivery), Record={"Data": delivery.body})


def _start_execution(client: Any, delivery: Delivery, parameters: Mapping[str, Any]) -> None:
    client.start_execution(stateMachineArn=delivery.target, input=delivery.body.decode())


def _put_log_event(client: Any, delivery: Delivery, parameters: Mapping[str, Any]) -> None:
    """Into one stream for each sender and day."""
    group = delivery.target.split(":", 6)[6].removesuffix(":*")
    stream = str(uuid5(NAMESPACE_URL, f"{delivery.context['sender']} {delivery.begun_at // _DAY}"))
    event = {"timestamp": int(delivery.begun_at * 1000), "message": delivery.body.decode()}
    with suppress(client.exceptions.ResourceAlreadyExistsException):
        client.create_log_stream(logGroupName=group, logStreamName=stream)
    client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[event])


def _name_of(delivery: Delivery) -> str:
    return delivery.target.rpartition("/")[2]


CALLS: Final[Mapping[str, Call]] = {
    "firehose": _put_record_of_firehose,
    "kinesis": _put_record_of_stream,
    "logs": _put_log_event,
    "sns": _publish,
    "states": _start_execution,
}
"""By what ARNs call the service."""
CLIENTS: Final[Mapping[str, str]] = {"states": "stepfunctions"}
"""What the SDK calls it, where that is another name."""
