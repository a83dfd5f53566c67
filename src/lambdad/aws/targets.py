"""Where what became of an event goes: queues, topics, event buses, buckets.

AWS: docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html (destinations),
…/invocation-async-retain-records.html#invocation-dlq (the message attributes of dead-letter queues)
"""

from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from lambdad.aws.clients import Clients, NoEndpoint, Own
from lambdad.ids import new_uuid
from lambdad.store.deliveries import Delivery

_AT_ONCE: Final = 32
_THROTTLES: Final = frozenset(
    {"Throttling", "ThrottlingException", "RequestThrottled", "SlowDown", "TooManyRequestsException"}
)


class TargetRefused(Exception):
    """It will not be otherwise when it is tried again."""


class TargetUnavailable(Exception):
    """Out of reach, or too busy."""


class AwsTargets:
    """`close` when the server ends."""

    def __init__(self, endpoints: Mapping[str, str], own: Own) -> None:
        """`endpoints`: URL by service."""
        self._clients = Clients(endpoints, own, _AT_ONCE)

    async def send(self, delivery: Delivery) -> None:
        """Raises TargetRefused, TargetUnavailable."""
        parts = delivery.target.split(":", 5)
        service, region = parts[2], parts[3] or delivery.key.region
        send = _SENDERS.get(service)
        if send is None:
            raise TargetRefused(f"{service} is no service that takes it")
        try:
            endpoint = self._clients.endpoint(service)
            account = parts[4] or delivery.key.account
            await self._clients.call(
                service, account, region, lambda client: _explained(send, client, delivery, endpoint)
            )
        except NoEndpoint as error:
            raise TargetRefused(str(error)) from error

    def close(self) -> None:
        self._clients.close()


def _explained(send: Callable[[Any, Delivery, str], None], client: Any, delivery: Delivery, endpoint: str) -> None:
    """In a thread: the client's own errors in ours."""
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

    try:
        send(client, delivery, endpoint)
    except ParamValidationError as error:
        raise TargetRefused(str(error)) from error
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
        if status >= 500 or error.response["Error"]["Code"] in _THROTTLES:
            raise TargetUnavailable(str(error)) from error
        raise TargetRefused(str(error)) from error
    except BotoCoreError as error:
        raise TargetUnavailable(str(error)) from error


def _to_queue(client: Any, delivery: Delivery, endpoint: str) -> None:
    if delivery.kind == "queue":
        _message_to_queue(client, delivery, endpoint)
        return
    account, name = delivery.target.split(":")[4:6]
    client.send_message(
        QueueUrl=f"{endpoint}/{account}/{name}",
        MessageBody=delivery.body.decode(),
        MessageAttributes=_attributes(delivery),
        MessageSystemAttributes=_trace_of(delivery),
    )


def _trace_of(delivery: Delivery) -> dict[str, Any]:
    """Loops are found by it."""
    return {"AWSTraceHeader": {"DataType": "String", "StringValue": delivery.context["trace_id"]}}


def _message_to_queue(client: Any, delivery: Delivery, endpoint: str) -> None:
    """What another service sends there."""
    account, name = delivery.target.split(":")[4:6]
    order = {"MessageGroupId": delivery.context["group"], "MessageDeduplicationId": delivery.context["deduplication"]}
    client.send_message(
        QueueUrl=f"{endpoint}/{account}/{name}",
        MessageBody=delivery.body.decode(),
        MessageAttributes=_decoded(orjson.loads(delivery.context["attributes"])),
        MessageSystemAttributes=_trace_of(delivery),
        **{member: value for member, value in order.items() if value},
    )


def _decoded(attributes: dict[str, dict[str, str]]) -> dict[str, Any]:
    """The client encodes binary values itself."""
    return {
        name: {member: b64decode(value) if member == "BinaryValue" else value for member, value in attribute.items()}
        for name, attribute in attributes.items()
    }


def _to_topic(client: Any, delivery: Delivery, endpoint: str) -> None:
    subject = {"Subject": delivery.context["subject"]} if delivery.kind == "alarm" else {}
    attributes = _attributes(delivery)
    client.publish(TopicArn=delivery.target, Message=delivery.body.decode(), MessageAttributes=attributes, **subject)


def _attributes(delivery: Delivery) -> dict[str, Any]:
    """Of a dead letter; a destination's record says everything itself."""
    if delivery.kind != "dead_letter":
        return {}
    return {
        "RequestID": {"DataType": "String", "StringValue": delivery.request_id},
        "ErrorCode": {"DataType": "Number", "StringValue": delivery.context["error_code"]},
        "ErrorMessage": {"DataType": "String", "StringValue": delivery.context["error_message"]},
    }


def _to_event_bus(client: Any, delivery: Delivery, endpoint: str) -> None:
    outcome = "Success" if delivery.context["condition"] == "Success" else "Failure"
    entry = {
        "Source": "lambda",
        "DetailType": f"Lambda Function Invocation Result - {outcome}",
        "Detail": delivery.body.decode(),
        "EventBusName": delivery.target,
        "Resources": [delivery.target, delivery.context["function_arn"]],
    }
    answer = client.put_events(Entries=[entry])
    if answer.get("FailedEntryCount"):
        raise TargetRefused(str(answer["Entries"]))


def _to_bucket(client: Any, delivery: Delivery, endpoint: str) -> None:
    now = datetime.fromtimestamp(delivery.begun_at, UTC)
    key = f"aws/lambda/async/{delivery.key.name}/{now:%Y/%m/%d}/{now:%Y-%m-%dT%H.%M.%S}-{new_uuid()}"
    client.put_object(Bucket=delivery.target.split(":", 5)[5], Key=key, Body=delivery.body)


_SENDERS: Final[dict[str, Callable[[Any, Delivery, str], None]]] = {
    "sqs": _to_queue,
    "sns": _to_topic,
    "events": _to_event_bus,
    "s3": _to_bucket,
}
