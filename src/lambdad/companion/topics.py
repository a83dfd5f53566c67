"""What is published to topics goes to functions, queues and dead-letter queues of the server, durably before SNS answers.

AWS: docs.aws.amazon.com/lambda/latest/dg/with-sns.html, docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
"""

import base64
import hashlib
import json
import logging
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from moto.core.utils import iso_8601_datetime_with_milliseconds
from moto.moto_api._internal import mock_random
from moto.sns import models
from moto.sns.exceptions import SNSInvalidParameter

from lambdad.companion import current, topic_rules
from lambdad.companion.outbound import Outside
from lambdad.companion.server_calls import Notice, ServerCalls, ToFunction, ToQueue
from lambdad.companion.signatures import Signatures
from lambdad.companion.web_addresses import WebAddresses
from lambdad.resources.filter_policy import ATTRIBUTES, Published

log = logging.getLogger(__name__)

_PRINCIPAL = "sns.amazonaws.com"
_WEB = ("http", "https")
_TRUSTED = "lambdad_trusted"
"""Of a subscription that no function made: it may lead anywhere, whoever publishes."""
_KEPT = 1000
"""Messages to phones and the like that moto keeps to look at."""


@dataclass(frozen=True, slots=True)
class _Message:
    """As one subscriber is sent it."""

    id: str
    text: str
    subject: str | None
    attributes: dict[str, Any]
    group: str
    deduplication: str


class Topics:
    """`install` puts it in moto's place."""

    def __init__(self, calls: ServerCalls, signatures: Signatures, outside: Outside) -> None:
        self._calls = calls
        self._signatures = signatures
        self._outside = outside
        self._web = WebAddresses()

    def install(self) -> None:
        topic_rules.install()
        subscribe = models.SNSBackend.subscribe

        def subscribed(backend: Any, topic_arn: str, endpoint: str, protocol: str) -> Any:
            if protocol in _WEB and current.inside() and not self._outside.reaches(endpoint):
                raise SNSInvalidParameter("Invalid parameter: Unreachable Endpoint")
            subscription = subscribe(backend, topic_arn, endpoint, protocol)
            if not current.inside():
                setattr(subscription, _TRUSTED, True)
            return subscription

        models.SNSBackend.subscribe = subscribed
        models.Topic.publish = lambda topic, *given, **named: self.publish(topic, *given, **named)

    def publish(
        self,
        topic: Any,
        message: str,
        subject: str | None = None,
        message_attributes: dict[str, Any] | None = None,
        group_id: str | None = None,
        deduplication_id: str | None = None,
        message_structure: str | None = None,
    ) -> str:
        """The message's id. Topic.publish, with the topic itself first."""
        if topic.fifo_topic and not deduplication_id:  # it deduplicates by content, or the request was refused
            deduplication_id = hashlib.sha256(message.encode()).hexdigest()
        whole = _Message(
            str(mock_random.uuid4()), message, subject, message_attributes or {}, group_id or "", deduplication_id or ""
        )
        texts = json.loads(message) if message_structure == "json" else {}
        published = Published(message_attributes)
        notices: list[tuple[Any, _Message, Notice]] = []
        for subscription in topic.sns_backend._get_topic_subscriptions(topic):
            sent = replace(whole, text=_text_for(subscription.protocol, texts) if texts else message)
            if not _is_for(subscription, published, sent.text):
                continue
            if subscription.protocol == "lambda":
                notices.append((subscription, sent, _to_function(subscription, self.event_of(subscription, sent))))
            elif subscription.protocol == "sqs":
                notices.append((subscription, sent, _to_queue(subscription, self.body_of(subscription, sent), sent)))
            else:
                self._publish_elsewhere(subscription, sent)
        if notices:
            self._deliver(notices)
        return whole.id

    def _deliver(self, notices: list[tuple[Any, _Message, Notice]]) -> None:
        refused = self._calls.notify([notice for *_, notice in notices])
        for (subscription, message, notice), why in zip(notices, refused, strict=True):
            if why:
                self._give_up(subscription, message, notice, why)

    def _give_up(self, subscription: Any, message: _Message, notice: Notice, why: str) -> None:
        """To the subscription's dead-letter queue, if it has one: as it was, or what no queue takes so as a notification."""
        log.warning("%s was not delivered to %s: %s", subscription.topic.arn, notice.target, why)
        queue = json.loads(subscription.attributes.get("RedrivePolicy") or "{}").get("deadLetterTargetArn")
        if not queue:
            return
        if isinstance(notice, ToQueue):
            letter = replace(notice, target=queue)
        else:
            letter = ToQueue(queue, notice.body, subscription.topic.arn, subscription.account_id)
        (refused,) = self._calls.notify([letter])
        if refused and letter.attributes:
            letter = replace(letter, body=self.notification_of(subscription, message), attributes={})
            (refused,) = self._calls.notify([letter])
        if refused:
            log.warning("%s: nor did %s take it: %s", subscription.topic.arn, queue, refused)

    def _publish_elsewhere(self, subscription: Any, message: _Message) -> None:
        """To web addresses; messages to phones and the like are kept to look at."""
        if subscription.protocol not in _WEB:
            kept = subscription.topic.sent_notifications
            kept.append((message.id, message.text, message.subject, message.attributes, None))
            del kept[:-_KEPT]
            return
        body = self.body_of(subscription, message)
        notice = ToQueue(subscription.endpoint, body, subscription.topic.arn, subscription.account_id)
        self._web.tell(
            subscription.endpoint,
            body,
            _headers(subscription, message.id),
            anywhere=getattr(subscription, _TRUSTED, False),
            give_up=lambda why: self._give_up(subscription, message, notice, why),
        )

    # --- Documents ----------------------------------------------------------------------------------------------------

    def event_of(self, subscription: Any, message: _Message) -> str:
        """What a function is given."""
        given = self._notification(subscription, message)
        notification = {
            **{name: given[name] for name in ("Type", "MessageId", "TopicArn")},
            "Subject": message.subject,
            **{name: given[name] for name in ("Message", "Timestamp", "SignatureVersion", "Signature")},
            "SigningCertUrl": given["SigningCertURL"],
            "UnsubscribeUrl": given["UnsubscribeURL"],
            "MessageAttributes": _shown(message.attributes),
        }
        record = {
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": subscription.arn,
            "Sns": notification,
        }
        return json.dumps({"Records": [record]})

    def body_of(self, subscription: Any, message: _Message) -> str:
        """What a queue is sent."""
        if subscription.attributes.get("RawMessageDelivery"):
            return message.text
        return self.notification_of(subscription, message)

    def notification_of(self, subscription: Any, message: _Message) -> str:
        notification = self._notification(subscription, message)
        if message.attributes:
            notification["MessageAttributes"] = _shown(message.attributes)
        return json.dumps(notification, indent=2, separators=(",", " : "))

    def _notification(self, subscription: Any, message: _Message) -> dict[str, Any]:
        topic = subscription.topic
        region = topic.sns_backend.region_name
        notification: dict[str, Any] = {"Type": "Notification", "MessageId": message.id, "TopicArn": topic.arn}
        if message.subject is not None:
            notification["Subject"] = message.subject
        notification |= {"Message": message.text, "Timestamp": iso_8601_datetime_with_milliseconds()}
        version = str(getattr(topic, "signature_version", None) or "1")
        notification |= self._signatures.sign(notification, version, region)
        leave = f"Action=Unsubscribe&SubscriptionArn={quote(subscription.arn, safe=':')}"
        return {**notification, "UnsubscribeURL": f"https://sns.{region}.amazonaws.com/?{leave}"}


def _text_for(protocol: str, texts: dict[str, Any]) -> str:
    """What is no text is none for the protocol."""
    text = texts.get(protocol)
    return str(text if text and isinstance(text, str) else texts["default"])


def _is_for(subscription: Any, published: Published, text: str) -> bool:
    policy = subscription.attributes.get("FilterPolicy")
    if not policy:
        return True
    return published.passes(policy, subscription.attributes.get("FilterPolicyScope") or ATTRIBUTES, text)


def _headers(subscription: Any, message_id: str) -> dict[str, str]:
    raw = {"x-amz-sns-rawdelivery": "true"} if subscription.attributes.get("RawMessageDelivery") else {}
    return {
        "x-amz-sns-message-type": "Notification",
        "x-amz-sns-message-id": message_id,
        "x-amz-sns-topic-arn": subscription.topic.arn,
        "x-amz-sns-subscription-arn": subscription.arn,
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
        **raw,
    }


def _to_function(subscription: Any, document: str) -> ToFunction:
    return ToFunction(subscription.endpoint, document, _PRINCIPAL, subscription.topic.arn, subscription.account_id)


def _to_queue(subscription: Any, document: str, message: _Message) -> ToQueue:
    raw = _sent(message.attributes) if subscription.attributes.get("RawMessageDelivery") else {}
    fifo = subscription.endpoint.endswith(".fifo")
    return ToQueue(
        subscription.endpoint,
        document,
        subscription.topic.arn,
        subscription.account_id,
        raw,
        message.group,
        message.deduplication if fifo else "",
    )


def _shown(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: {"Type": one["Type"], "Value": _text(one["Value"])} for name, one in attributes.items()}


def _sent(attributes: dict[str, Any]) -> dict[str, Any]:
    """As SendMessage has them."""
    return {
        name: {
            "DataType": one["Type"],
            "BinaryValue" if one["Type"].startswith("Binary") else "StringValue": _text(one["Value"]),
        }
        for name, one in attributes.items()
    }


def _text(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
