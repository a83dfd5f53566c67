"""What SNS refuses and moto does not: topics and subscriptions that cannot be, messages that are none.

AWS: docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html, …/API_Publish.html, …/API_SetSubscriptionAttributes.html,
docs.aws.amazon.com/sns/latest/dg/fifo-message-delivery.html
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import camelcase_to_underscores
from moto.sns import models, responses
from moto.sns.exceptions import InvalidParameterValue, SNSInvalidParameter
from moto.sns.utils import make_arn_for_topic

from lambdad.errors.filter_policies import InvalidFilterPolicy
from lambdad.resources.filter_policy import ATTRIBUTES, check_filter_policy

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
_ATTRIBUTES = ("FilterPolicy", "RedrivePolicy", "DeliveryPolicy", "SubscriptionRoleArn", *_CHOICES)
_DOCUMENTS = ("RedrivePolicy", "DeliveryPolicy")
_SUBSCRIBING = "Attributes Reason: "
"""What SNS says of attributes when they come with a subscription."""
_UNSAID = {
    "ContentBasedDeduplication": False,
    "FifoTopic": False,
    "FilterPolicyScope": ATTRIBUTES,
    "RawMessageDelivery": False,
    "SignatureVersion": "1",
    "TracingConfig": "PassThrough",
}
"""What attributes are that nobody has set."""


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
        if protocol != "sqs" and self.get_topic(topic_arn).fifo_topic:
            raise SNSInvalidParameter(f"Invalid parameter: Invalid protocol type: {protocol}")
        if protocol in _ENDPOINTS and not _ENDPOINTS[protocol].fullmatch(endpoint or ""):
            raise SNSInvalidParameter(f"Invalid parameter: {_NAMES[protocol]} endpoint ARN")
        if protocol == "sqs" and endpoint.endswith(".fifo") and not self.get_topic(topic_arn).fifo_topic:
            why = "Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"
            raise SNSInvalidParameter(f"Invalid parameter: Invalid parameter: {why}")
        return subscribe(self, topic_arn, endpoint, protocol)

    def attribute_set(self: Any, arn: str, name: str, value: Any) -> None:
        held = self.subscriptions[arn].attributes if arn in self.subscriptions else {}
        _check_attribute(name, value, held)
        if name == "FilterPolicyScope" and held.get("FilterPolicy"):
            _check_attribute("FilterPolicy", held["FilterPolicy"], {**held, name: value})
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
    backend._validate_filter_policy = lambda *given, **named: None  # it refuses what AWS takes
    response = responses.SNSResponse
    response.create_topic = _the_same_or_none(response.create_topic)
    response.subscribe = _once_and_whole(response.subscribe)
    response.set_subscription_attributes = _checked(response.set_subscription_attributes)


def _the_same_or_none(create_topic: Any) -> Any:
    """moto answers with the topic of that name, whatever it is like."""

    def answer(response: Any) -> Any:
        arn = make_arn_for_topic(response.current_account, response._get_param("Name"), response.region)
        topic = response.backend.topics.get(arn)
        if topic is not None:
            asked = response._get_param("Attributes", {})
            held = {name: getattr(topic, camelcase_to_underscores(name), None) for name in asked}
            if _differs(asked, held):
                why = "Attributes Reason: Topic already exists with different attributes"
                raise SNSInvalidParameter(f"Invalid parameter: {why}")
            if not response._get_tags().items() <= topic._tags.items():
                raise SNSInvalidParameter("Invalid parameter: Tags Reason: Topic already exists with different tags")
        return create_topic(response)

    return answer


def _once_and_whole(subscribe: Any) -> Any:
    """moto makes a subscription, or takes the one that is there, and then looks at the attributes. Here they come first."""

    def answer(response: Any) -> Any:
        topic = response._get_param("TopicArn")
        _check_topic(topic)
        response.backend.get_topic(topic)
        asked = response._get_param("Attributes", {})
        for name, value in asked.items():
            _check_attribute(name, value, asked, _SUBSCRIBING)
        subscription = (topic, response._get_param("Endpoint"), response._get_param("Protocol"))
        there = response.backend._find_subscription(*subscription)
        if there is None:
            return subscribe(response)
        if _differs(asked, there.attributes):
            why = f"{_SUBSCRIBING}Subscription already exists with different attributes"
            raise SNSInvalidParameter(f"Invalid parameter: {why}")
        return ActionResult({"SubscriptionArn": response.backend.subscribe(*subscription).arn})

    return answer


def _checked(set_attributes: Any) -> Any:
    """moto reads what is neither true nor false as false."""

    def answer(response: Any) -> Any:
        _check_choice(response._get_param("AttributeName"), response._get_param("AttributeValue"))
        return set_attributes(response)

    return answer


def _differs(asked: Mapping[str, Any], held: Mapping[str, Any]) -> bool:
    """What is not asked for may be anything."""
    return any(_plain(value) != _plain(held.get(name) or _UNSAID.get(name, "")) for name, value in asked.items())


def _plain(value: Any) -> Any:
    """moto has read some attributes and not others."""
    if value in ("true", "false"):
        return value == "true"
    if isinstance(value, str) and value.startswith("{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _check_attribute(name: str, value: Any, beside: Mapping[str, Any], where: str = "") -> None:
    """`beside`: the other attributes of the subscription. `where`: SNS says what it is that is wrong with them."""
    if name not in _ATTRIBUTES:
        raise SNSInvalidParameter(f"Invalid parameter: {where}AttributeName")
    if name in _DOCUMENTS and value:
        _check_document(name, value, where)
    if name == "FilterPolicy" and value:
        try:
            check_filter_policy(value, beside.get("FilterPolicyScope") or ATTRIBUTES)
        except InvalidFilterPolicy as error:
            raise SNSInvalidParameter(f"Invalid parameter: {where}{error.reason}") from error
    _check_choice(name, value, where)


def _check_choice(name: str, value: Any, where: str = "") -> None:
    if name in _CHOICES and value not in _CHOICES[name]:
        raise SNSInvalidParameter(f"Invalid parameter: {where}{name}: Invalid value [{value}].")


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


def _check_document(name: str, text: str, where: str) -> None:
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise SNSInvalidParameter(f"Invalid parameter: {where}{name}: failed to parse JSON.")
    if name == "RedrivePolicy" and ":sqs:" not in str(document.get("deadLetterTargetArn")):
        why = "RedrivePolicy: deadLetterTargetArn is not the ARN of a queue."
        raise SNSInvalidParameter(f"Invalid parameter: {where}{why}")


def _failed(entry: dict[str, Any]) -> dict[str, Any]:
    """moto is silent about entries that failed in a way it does not know."""
    return {"Id": entry["Id"], "Code": "InternalError", "Message": "It was not published.", "SenderFault": False}
