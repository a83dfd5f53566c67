"""What is published to topics goes to functions, queues and dead-letter queues of the server, durably before SNS answers.

AWS: docs.aws.amazon.com/lambda/latest/dg/with-sns.html, docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
"""

import base64
import hashlib
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
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

log = logging.getLogger(__name__)

_PRINCIPAL = "sns.amazonaws.com"
_WEB = ("http", "https")
_AT_ONCE = 4
_TRUSTED = "lambdad_trusted"
"""Of a subscription that no function made: it may lead anywhere, whoever publishes."""
_KEPT = 1000
"""Messages to phones and the like that moto keeps to look at."""


class Topics:
    """`install` puts it in moto's place."""

    def __init__(self, calls: ServerCalls, signatures: Signatures, outside: Outside) -> None:
        self._calls = calls
        self._signatures = signatures
        self._outside = outside
        self._web = ThreadPoolExecutor(_AT_ONCE, "web")
        self._others = models.Subscription.publish

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
        message_id = str(mock_random.uuid4())
        if topic.fifo_topic and not deduplication_id:  # it deduplicates by content, or the request was refused
            deduplication_id = hashlib.sha256(message.encode()).hexdigest()
        notices: list[tuple[Any, Notice]] = []
        for subscription in topic.sns_backend._get_topic_subscriptions(topic):
            matcher = subscription._filter_policy_matcher
            if matcher is not None and not matcher.matches(message_attributes, message):
                continue
            text = message
            if message_structure == "json":
                text = subscription._parse_message_structure(message, subscription.protocol)
            if subscription.protocol == "lambda":
                document = self.event_of(subscription, text, message_id, subject, message_attributes)
                notices.append((subscription, _to_function(subscription, document)))
            elif subscription.protocol == "sqs":
                document = self.body_of(subscription, text, message_id, subject, message_attributes)
                notices.append(
                    (subscription, _to_queue(subscription, document, message_attributes, group_id, deduplication_id))
                )
            else:
                self._publish_elsewhere(subscription, text, message_id, subject, message_attributes)
        if notices:
            self._deliver(notices)
        return message_id

    def _deliver(self, notices: list[tuple[Any, Notice]]) -> None:
        refused = self._calls.notify([notice for _, notice in notices])
        letters: list[Notice] = []
        for (subscription, notice), why in zip(notices, refused, strict=True):
            if not why:
                continue
            log.warning("%s was not delivered to %s: %s", subscription.topic.arn, notice.target, why)
            queue = json.loads(subscription.attributes.get("RedrivePolicy") or "{}").get("deadLetterTargetArn")
            if queue and isinstance(notice, ToQueue):
                letters.append(replace(notice, target=queue))
            elif queue:
                letters.append(ToQueue(queue, notice.body, subscription.topic.arn, subscription.account_id))
        if letters:
            self._calls.notify(letters)

    def _publish_elsewhere(self, subscription: Any, *given: Any) -> None:
        """Web addresses are told beside the request, by moto; messages to phones and the like it keeps to look at."""
        if subscription.protocol not in _WEB:
            kept = subscription.topic.sent_notifications
            kept.append((given[1], given[0], given[2], given[3], None))
            del kept[:-_KEPT]
            return

        def tell() -> None:
            try:
                with current.serving("sns", not getattr(subscription, _TRUSTED, False), ""):
                    self._others(subscription, *given)
            except OSError as error:  # requests' errors are
                log.warning("%s could not be told: %s", subscription.endpoint, error)

        self._web.submit(tell)

    # --- Documents ----------------------------------------------------------------------------------------------------

    def event_of(
        self, subscription: Any, text: str, message_id: str, subject: str | None, attributes: dict[str, Any] | None
    ) -> str:
        """What a function is given."""
        given = self._notification(subscription, text, message_id, subject)
        notification = {
            **{name: given[name] for name in ("Type", "MessageId", "TopicArn")},
            "Subject": subject,
            **{name: given[name] for name in ("Message", "Timestamp", "SignatureVersion", "Signature")},
            "SigningCertUrl": given["SigningCertURL"],
            "UnsubscribeUrl": given["UnsubscribeURL"],
            "MessageAttributes": _shown(attributes),
        }
        record = {
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": subscription.arn,
            "Sns": notification,
        }
        return json.dumps({"Records": [record]})

    def body_of(
        self, subscription: Any, text: str, message_id: str, subject: str | None, attributes: dict[str, Any] | None
    ) -> str:
        """What a queue is sent."""
        if subscription.attributes.get("RawMessageDelivery"):
            return text
        notification = self._notification(subscription, text, message_id, subject)
        if attributes:
            notification["MessageAttributes"] = _shown(attributes)
        return json.dumps(notification, indent=2, separators=(",", " : "))

    def _notification(self, subscription: Any, text: str, message_id: str, subject: str | None) -> dict[str, Any]:
        topic = subscription.topic
        region = topic.sns_backend.region_name
        notification: dict[str, Any] = {"Type": "Notification", "MessageId": message_id, "TopicArn": topic.arn}
        if subject is not None:
            notification["Subject"] = subject
        notification |= {"Message": text, "Timestamp": iso_8601_datetime_with_milliseconds()}
        version = str(getattr(topic, "signature_version", None) or "1")
        notification |= self._signatures.sign(notification, version, region)
        leave = f"Action=Unsubscribe&SubscriptionArn={quote(subscription.arn, safe=':')}"
        return {**notification, "UnsubscribeURL": f"https://sns.{region}.amazonaws.com/?{leave}"}


def _to_function(subscription: Any, document: str) -> ToFunction:
    return ToFunction(subscription.endpoint, document, _PRINCIPAL, subscription.topic.arn, subscription.account_id)


def _to_queue(
    subscription: Any,
    document: str,
    attributes: dict[str, Any] | None,
    group_id: str | None,
    deduplication_id: str | None,
) -> ToQueue:
    raw = _sent(attributes) if subscription.attributes.get("RawMessageDelivery") else {}
    fifo = subscription.endpoint.endswith(".fifo")
    return ToQueue(
        subscription.endpoint,
        document,
        subscription.topic.arn,
        subscription.account_id,
        raw,
        group_id or "",
        (deduplication_id or "") if fifo else "",
    )


def _shown(attributes: dict[str, Any] | None) -> dict[str, Any]:
    return {name: {"Type": one["Type"], "Value": _text(one["Value"])} for name, one in (attributes or {}).items()}


def _sent(attributes: dict[str, Any] | None) -> dict[str, Any]:
    """As SendMessage has them."""
    return {
        name: {
            "DataType": one["Type"],
            "BinaryValue" if one["Type"].startswith("Binary") else "StringValue": _text(one["Value"]),
        }
        for name, one in (attributes or {}).items()
    }


def _text(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
