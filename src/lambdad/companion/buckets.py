"""S3's notifications: AWS's event documents, and the server to deliver them.

AWS: docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

import json
import logging
import time
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote_plus

from moto.core.utils import iso_8601_datetime_with_milliseconds
from moto.moto_api._internal import mock_random
from moto.s3 import models, notifications
from moto.s3.exceptions import InvalidNotificationDestination
from moto.sns.exceptions import SNSException
from moto.sns.models import sns_backends

from lambdad.companion import bucket_configuration, bucket_destinations, current
from lambdad.companion.bucket_destinations import PRINCIPAL
from lambdad.companion.server_calls import Notice, ServerCalls, ToBus, ToFunction, ToQueue

log = logging.getLogger(__name__)

_REMOVED = "ObjectRemoved:"
_DELETED, _MARKED = "s3:ObjectRemoved:Delete", "s3:ObjectRemoved:DeleteMarkerCreated"
_SUBJECT = "Amazon S3 Notification"
_EMPTY = "d41d8cd98f00b204e9800998ecf8427e"
"""The ETag of nothing, which a delete marker has."""


class Notifications:
    """`install` puts it in moto's place."""

    def __init__(self, calls: ServerCalls) -> None:
        self._calls = calls

    def install(self) -> None:
        self._install_configuration()
        self._install_removals()
        notifications.send_event = self.send
        notifications._send_sqs_message = self._send_test
        notifications._send_sns_message = self._send_to_topic
        notifications._get_test_event = test_event_of

    def _install_configuration(self) -> None:
        bucket_configuration.install()
        models.FakeBucket.set_notification_configuration = lambda bucket, wanted: self.configure(bucket, wanted)

    def configure(self, bucket: Any, wanted: dict[str, Any]) -> None:
        """FakeBucket.set_notification_configuration, with the bucket itself first. `wanted`: empty if it is to tell nobody."""
        if any(one[kind].split(":")[3] != bucket.region_name for kind, one in bucket_configuration.given(wanted)):
            raise InvalidNotificationDestination
        checked = not bucket_configuration.skips_destinations(wanted)
        if checked:
            bucket_destinations.check(wanted, bucket, self._calls)
        bucket.notification_configuration = models.NotificationConfiguration(
            topic=wanted.get("TopicConfiguration"),
            queue=wanted.get("QueueConfiguration"),
            cloud_function=wanted.get("CloudFunctionConfiguration"),
            event_bridge=wanted.get("EventBridgeConfiguration"),
        )
        if not wanted:
            bucket.notification_configuration = None
        elif checked:
            notifications.send_test_event(account_id=bucket.account_id, bucket=bucket)

    def _install_removals(self) -> None:
        """moto tells of no delete marker, makes none of what was never there, and tells of versions only when the last one goes."""
        set_marker = models.S3Backend._set_delete_marker
        delete = models.S3Backend.delete_object

        def marked(backend: Any, bucket_name: str, key_name: str) -> Any:
            bucket = backend.get_bucket(bucket_name)
            if key_name in bucket.keys:
                marker = set_marker(backend, bucket_name, key_name)
            else:
                marker = bucket.keys[key_name] = _marker_of_nothing(key_name)
            self.send(backend.account_id, _MARKED, bucket, marker)
            return marker

        def deleted(
            backend: Any, bucket_name: str, key_name: str, version_id: str | None = None, bypass: bool = False
        ) -> Any:
            bucket = backend.get_bucket(bucket_name)
            versions = bucket.keys.getlist(key_name, []) if bucket.is_versioned and version_id else []
            gone = [key for key in versions if str(key.version_id) == version_id]
            done = delete(backend, bucket_name, key_name, version_id, bypass)
            for key in gone:
                self._send(backend.account_id, _DELETED, bucket, key)
            return done

        models.S3Backend._set_delete_marker = marked
        models.S3Backend.delete_object = deleted

    def send(self, account_id: str, event_name: Any, bucket: Any, key: Any) -> None:
        """What moto has noticed."""
        event = getattr(event_name, "value", event_name)
        if event.startswith("s3:ObjectTagging:") and "tagging" not in current.query():
            return  # what a copy brings with it
        if event == "s3:ObjectCreated:Put" and "uploadId=" in current.query():
            return  # what completes an upload has an event of its own
        if event == _DELETED and bucket.is_versioned:
            return  # every version that goes is told of
        self._send(account_id, event, bucket, key)

    def _send(self, account_id: str, event: str, bucket: Any, key: Any) -> None:
        wanted = bucket.notification_configuration
        if wanted is None:
            return
        notices: list[Notice] = []
        for one in wanted.cloud_function:
            if one.matches(event, key.name):
                document = json.dumps(record_of(account_id, event, bucket, key, one.id))
                notices.append(ToFunction(one.arn, document, PRINCIPAL, bucket.arn, account_id))
        for one in wanted.queue:
            if one.matches(event, key.name):
                document = json.dumps(record_of(account_id, event, bucket, key, one.id))
                notices.append(ToQueue(one.arn, document, bucket.arn, account_id))
        for one in wanted.topic:
            if one.matches(event, key.name):
                self._send_to_topic(account_id, record_of(account_id, event, bucket, key, one.id), one.arn, "")
        if wanted.event_bridge is not None:
            bus = f"arn:aws:events:{bucket.region_name}:{account_id}:event-bus/default"
            kind = notifications._detail_type(event)
            notices.append(
                ToBus(bus, json.dumps(detail_of(account_id, event, bucket, key)), bucket.arn, account_id, kind)
            )
        if notices:
            self._calls.notify(notices)

    def _send_test(self, account_id: str, event_body: Any, queue_name: str, region_name: str) -> None:
        queue = f"arn:aws:sqs:{region_name}:{account_id}:{queue_name}"
        self._calls.notify([ToQueue(queue, json.dumps(event_body), "", account_id)])

    def _send_to_topic(self, account_id: str, event_body: Any, topic_arn: str, region_name: str) -> None:
        region, account = topic_arn.split(":")[3:5]
        try:
            sns_backends[account][region].publish(json.dumps(event_body), topic_arn, subject=_SUBJECT)
        except SNSException as error:
            log.warning("%s is not told: %s", topic_arn, error)


def _marker_of_nothing(key_name: str) -> Any:
    """Behind it is nothing but itself."""
    marker = models.FakeDeleteMarker(SimpleNamespace(name=key_name))
    marker.key = marker
    return marker


def test_event_of(bucket_name: str) -> dict[str, Any]:
    """What queues and topics are sent when they are configured."""
    return {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": iso_8601_datetime_with_milliseconds(),
        "Bucket": bucket_name,
        "RequestId": _request_id(),
        "HostId": mock_random.get_random_hex(76),
    }


def record_of(account: str, event: str, bucket: Any, key: Any, configuration: str) -> dict[str, Any]:
    """`event`: as notifications are configured for it, with `s3:` before it."""
    name = event.removeprefix("s3:")
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": bucket.region_name,
        "eventTime": iso_8601_datetime_with_milliseconds(),
        "eventName": name,
        "userIdentity": {"principalId": f"AWS:{account}"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": _request_id(), "x-amz-id-2": mock_random.get_random_hex(76)},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": configuration,
            "bucket": {"name": bucket.name, "ownerIdentity": {"principalId": account}, "arn": bucket.arn},
            "object": {"key": quote_plus(key.name, safe="/"), **_facts(name, key), "sequencer": _sequencer()},
        },
    }
    return {"Records": [record]}


def _facts(name: str, key: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if not name.startswith(_REMOVED):
        facts = {"size": key.size, "eTag": key.etag.strip('"')}
    elif name.endswith("DeleteMarkerCreated"):
        facts = {"eTag": _EMPTY}
    if _version(key):
        facts["versionId"] = _version(key)
    return facts


def detail_of(account: str, event: str, bucket: Any, key: Any) -> dict[str, Any]:
    """docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html"""
    name = event.removeprefix("s3:")
    facts: dict[str, Any] = {"key": key.name}
    if not name.startswith(_REMOVED):
        facts |= {"size": key.size, "etag": key.etag.strip('"')}
    if _version(key):
        facts["version-id"] = _version(key)
    detail = {
        "version": "0",
        "bucket": {"name": bucket.name},
        "object": {**facts, "sequencer": _sequencer()},
        "request-id": _request_id(),
        "requester": account,
        "source-ip-address": "127.0.0.1",
    }
    if name.startswith("ObjectCreated:"):
        reasons = {"Put": "PutObject", "Post": "POST Object", "Copy": "CopyObject"}
        detail["reason"] = reasons.get(name.partition(":")[2], "CompleteMultipartUpload")
    elif name.startswith(_REMOVED):
        marker = name.endswith("DeleteMarkerCreated")
        detail |= {
            "reason": "DeleteObject",
            "deletion-type": "Delete Marker Created" if marker else "Permanently Deleted",
        }
    return detail


def _version(key: Any) -> str | None:
    version = getattr(key, "version_id", None)
    return None if version in (None, "null") else str(version)


def _request_id() -> str:
    return str(mock_random.get_random_hex(16)).upper()


def _sequencer() -> str:
    """Of two events about one key the later one's is the greater."""
    return f"00{time.time_ns():016X}"
