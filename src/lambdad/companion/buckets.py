"""S3's notifications: AWS's event documents, its check of whom they go to, and the server to deliver them.

AWS: docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

import json
import time
from typing import Any
from urllib.parse import quote_plus

from moto.core.utils import iso_8601_datetime_with_milliseconds
from moto.moto_api._internal import mock_random
from moto.s3 import models, notifications
from moto.s3.exceptions import S3ClientError

from lambdad.companion import current
from lambdad.companion.server_calls import Notice, ServerCalls, ToBus, ToFunction, ToQueue

_PRINCIPAL = "s3.amazonaws.com"
_REMOVED = "ObjectRemoved:"


class Notifications:
    """`install` puts it in moto's place."""

    def __init__(self, calls: ServerCalls) -> None:
        self._calls = calls

    def install(self) -> None:
        configure = models.FakeBucket.set_notification_configuration
        set_marker = models.S3Backend._set_delete_marker

        def checked(bucket: Any, config: dict[str, Any] | None) -> None:
            self.check(bucket, config or {})
            configure(bucket, config)

        def marked(backend: Any, bucket_name: str, key_name: str) -> Any:
            marker = set_marker(backend, bucket_name, key_name)
            created = notifications.S3NotificationEvent.OBJECT_REMOVED_DELETE_MARKER_CREATED_EVENT
            self.send(backend.account_id, created, backend.get_bucket(bucket_name), marker)
            return marker

        models.FakeBucket.set_notification_configuration = checked
        models.S3Backend._set_delete_marker = marked
        notifications.send_event = self.send
        notifications._send_sqs_message = self._send_test

    def check(self, bucket: Any, config: dict[str, Any]) -> None:
        """Raises S3ClientError when a function does not let this bucket invoke it."""
        given = config.get("CloudFunctionConfiguration") or []
        for one in given if isinstance(given, list) else [given]:
            function = one.get("CloudFunction") or one.get("LambdaFunctionArn") or ""
            if self._calls.permits(function, _PRINCIPAL, bucket.arn, bucket.account_id):
                raise UnableToValidate()

    def send(self, account_id: str, event_name: Any, bucket: Any, key: Any) -> None:
        wanted = bucket.notification_configuration
        if wanted is None:
            return
        event = getattr(event_name, "value", event_name)
        if event.startswith("s3:ObjectTagging:") and "tagging" not in current.query():
            return  # what a copy brings with it
        if event == "s3:ObjectCreated:Put" and "uploadId=" in current.query():
            return  # what completes an upload has an event of its own
        notices: list[Notice] = []
        for one in wanted.cloud_function:
            if one.matches(event, key.name):
                document = json.dumps(record_of(account_id, event, bucket, key, one.id))
                notices.append(ToFunction(one.arn, document, _PRINCIPAL, bucket.arn, account_id))
        for one in wanted.queue:
            if one.matches(event, key.name):
                document = json.dumps(record_of(account_id, event, bucket, key, one.id))
                notices.append(ToQueue(one.arn, document, bucket.arn, account_id))
        for one in wanted.topic:
            if one.matches(event, key.name):
                document = json.dumps(record_of(account_id, event, bucket, key, one.id))
                notifications._send_sns_message(account_id, json.loads(document), one.arn, one.arn.split(":")[3])
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


class UnableToValidate(S3ClientError):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__("InvalidArgument", "Unable to validate the following destination configurations")


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
