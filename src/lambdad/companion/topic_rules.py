"""What SNS refuses and moto does not: subscriptions that cannot be, messages that are none.

AWS: docs.aws.amazon.com/sns/latest/api/API_Publish.html, …/API_SetSubscriptionAttributes.html
"""

import json
import re
from typing import Any

from moto.sns import models, responses
from moto.sns.exceptions import InvalidParameterValue, SNSInvalidParameter

_LARGEST = 262_144
_PARTS = 6
"""Of an ARN."""
_ENDPOINT = ":endpoint/"
"""In the ARN of a phone's application, which can be published to like a topic."""
_NAMES = {"sqs": "SQS", "lambda": "Lambda"}
_ENDPOINTS = {name: re.compile(rf"arn:[^:]+:{name}:[^:]+:\d+:\S+") for name in _NAMES}
"""Of subscriptions, by protocol."""
_PROTOCOLS = ("http", "https", "email", "email-json", "sms", "sqs", "application", "lambda", "firehose")
_CHOICES = {
    "FilterPolicyScope": ("MessageAttributes", "MessageBody"),
    "RawMessageDelivery": ("true", "false", True, False),
}
"""moto has read some of them by now."""
_DOCUMENTS = ("FilterPolicy", "RedrivePolicy", "DeliveryPolicy")


def install() -> None:
    """In moto's place."""
    backend = models.SNSBackend
    subscribe, publish, publish_batch = backend.subscribe, backend.publish, backend.publish_batch
    set_attribute = backend.set_subscription_attributes

    def subscribed(self: Any, topic_arn: str, endpoint: str, protocol: str) -> Any:
        _check_topic(topic_arn)
        if protocol not in _PROTOCOLS:
            raise SNSInvalidParameter(
                f"Invalid parameter: Amazon SNS does not support this protocol string: {protocol}"
            )
        if protocol in ("http", "https") and not (endpoint or "").startswith(f"{protocol}://"):
            raise SNSInvalidParameter("Invalid parameter: Endpoint must match the specified protocol")
        if protocol.startswith("email") and "@" not in (endpoint or ""):
            raise SNSInvalidParameter("Invalid parameter: Email address")
        if protocol in _ENDPOINTS and not _ENDPOINTS[protocol].fullmatch(endpoint or ""):
            raise SNSInvalidParameter(f"Invalid parameter: {_NAMES[protocol]} endpoint ARN")
        if protocol == "sqs" and endpoint.endswith(".fifo") and not self.get_topic(topic_arn).fifo_topic:
            why = "Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"
            raise SNSInvalidParameter(f"Invalid parameter: Invalid parameter: {why}")
        return subscribe(self, topic_arn, endpoint, protocol)

    def attribute_set(self: Any, arn: str, name: str, value: Any) -> None:
        if name in _DOCUMENTS and value:
            _check_document(name, value)
        _check_choice(name, value)
        set_attribute(self, arn, name, value)

    def published(self: Any, message: str, arn: str | None = None, *given: Any, **named: Any) -> Any:
        if not message:
            raise InvalidParameterValue("Invalid parameter: Empty message")
        if len(message.encode()) > _LARGEST:
            raise InvalidParameterValue("Invalid parameter: Message too long")
        if named.get("message_structure") == "json":
            _check_structure(message)
        if not named.get("phone_number") and _ENDPOINT not in (arn or ""):
            _check_topic(arn)
            self.get_topic(arn)
        return publish(self, message, arn, *given, **named)

    def batch_published(self: Any, topic_arn: str, publish_batch_request_entries: list[dict[str, Any]]) -> Any:
        successful, failed = publish_batch(self, topic_arn, publish_batch_request_entries)
        answered = {one["Id"] for one in (*successful, *failed)}
        silent = [one for one in publish_batch_request_entries if one["Id"] not in answered]
        return successful, [*failed, *map(_failed, silent)]

    backend.subscribe, backend.publish, backend.publish_batch = subscribed, published, batch_published
    backend.set_subscription_attributes = attribute_set
    responses.SNSResponse.subscribe = _whole_or_not_at_all(responses.SNSResponse.subscribe)
    responses.SNSResponse.set_subscription_attributes = _checked(responses.SNSResponse.set_subscription_attributes)


def _whole_or_not_at_all(subscribe: Any) -> Any:
    """moto makes a subscription, and then looks at its attributes: one that is refused for them goes again."""

    def answer(response: Any) -> Any:
        subscriptions = response.backend.subscriptions
        asked = tuple(response._get_param(name) for name in ("TopicArn", "Endpoint", "Protocol"))
        before, made = set(subscriptions), False
        try:
            answered = subscribe(response)
            made = True
            return answered
        finally:
            for arn, one in list(subscriptions.items()):
                if not made and arn not in before and (one.topic.arn, one.endpoint, one.protocol) == asked:
                    response.backend.unsubscribe(arn)

    return answer


def _checked(set_attributes: Any) -> Any:
    """moto reads what is neither true nor false as false."""

    def answer(response: Any) -> Any:
        _check_choice(response._get_param("AttributeName"), response._get_param("AttributeValue"))
        return set_attributes(response)

    return answer


def _check_choice(name: str, value: Any) -> None:
    if name in _CHOICES and value not in _CHOICES[name]:
        raise SNSInvalidParameter(f"Invalid parameter: {name}: Invalid value [{value}].")


def _check_topic(arn: str | None) -> None:
    """Is it an ARN at all?"""
    if not arn:
        raise SNSInvalidParameter("Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter")
    parts = arn.split(":")
    if len(parts) < _PARTS:
        why = f"An ARN must have at least {_PARTS} elements, not {len(parts)}"
        raise SNSInvalidParameter(f"Invalid parameter: TopicArn Reason: {why}")
    if parts[0] != "arn" or parts[2] != "sns":
        raise SNSInvalidParameter("Invalid parameter: TopicArn")


def _check_structure(message: str) -> None:
    """A message for each protocol, and one for the rest."""
    try:
        messages = json.loads(message)
    except ValueError:
        messages = None
    if not isinstance(messages, dict):
        raise SNSInvalidParameter("Invalid parameter: Message Structure - JSON message body failed to parse")
    if not isinstance(messages.get("default"), str):
        raise SNSInvalidParameter("Invalid parameter: Message Structure - No default entry in JSON message body")


def _check_document(name: str, text: str) -> None:
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise SNSInvalidParameter(f"Invalid parameter: {name}: failed to parse JSON.")
    if name == "RedrivePolicy" and ":sqs:" not in str(document.get("deadLetterTargetArn")):
        raise SNSInvalidParameter("Invalid parameter: RedrivePolicy: deadLetterTargetArn is not the ARN of a queue.")


def _failed(entry: dict[str, Any]) -> dict[str, Any]:
    """moto is silent about entries that failed in a way it does not know."""
    return {"Id": entry["Id"], "Code": "InternalError", "Message": "It was not published.", "SenderFault": False}
