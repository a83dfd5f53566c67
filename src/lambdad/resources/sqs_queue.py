"""An SQS queue and its attributes: names, bounds, defaults.

AWS: docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from lambdad.errors.sqs import InvalidAttributeName, InvalidAttributeValue, InvalidParameterValue

FIFO_SUFFIX = ".fifo"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
_FIFO_NAME = re.compile(r"[A-Za-z0-9_-]{1,75}\.fifo")

BOUNDS: Mapping[str, tuple[int, int, int]] = {
    "DelaySeconds": (0, 900, 0),
    "MaximumMessageSize": (1024, 1_048_576, 1_048_576),
    "MessageRetentionPeriod": (60, 1_209_600, 345_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20, 0),
    "VisibilityTimeout": (0, 43_200, 30),
}
"""Least, most, default."""
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "FifoQueue": ("true", "false"),
    "ContentBasedDeduplication": ("true", "false"),
    "SqsManagedSseEnabled": ("true", "false"),
    "DeduplicationScope": ("messageGroup", "queue"),
    "FifoThroughputLimit": ("perMessageGroupId", "perQueue"),
}
_FIFO_ONLY = frozenset({"ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"})
_DOCUMENTS = frozenset({"Policy", "RedrivePolicy", "RedriveAllowPolicy"})
_FREE = frozenset({"KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds"})
READ_ONLY = frozenset(
    {
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesDelayed",
        "ApproximateNumberOfMessagesNotVisible",
        "CreatedTimestamp",
        "LastModifiedTimestamp",
        "QueueArn",
    }
)
MOST_TAGS = 50
_MOST_SOURCES = 10


@dataclass(frozen=True, slots=True)
class QueueKey:
    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return f"arn:aws:sqs:{self.region}:{self.account}:{self.name}"

    @property
    def fifo(self) -> bool:
        return self.name.endswith(FIFO_SUFFIX)


def key_of_arn(arn: str) -> QueueKey | None:
    parts = arn.split(":")
    if len(parts) != 6 or parts[0] != "arn" or parts[2] != "sqs":
        return None
    return QueueKey(parts[4], parts[3], parts[5])


@dataclass(frozen=True, slots=True)
class Redrive:
    """Where messages go that were received too often."""

    target: QueueKey
    most_receives: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    key: QueueKey
    number: int
    """Of no two queues, not even of one name after another: messages are kept by it."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """As set; what is not there has its default."""
    tags: Mapping[str, str] = field(default_factory=dict)
    created_at: int = 0
    modified_at: int = 0

    def bound(self, name: str) -> int:
        """One of BOUNDS: bytes or seconds."""
        return int(self.attributes.get(name, BOUNDS[name][2]))

    @property
    def fifo(self) -> bool:
        return self.key.fifo

    @property
    def deduplicates_by_content(self) -> bool:
        return self.attributes.get("ContentBasedDeduplication") == "true"

    @property
    def deduplicates_by_group(self) -> bool:
        return self.attributes.get("DeduplicationScope") == "messageGroup"

    @property
    def redrive(self) -> Redrive | None:
        policy = self.attributes.get("RedrivePolicy")
        if not policy:
            return None
        document = orjson.loads(policy)
        target = key_of_arn(document["deadLetterTargetArn"])
        return None if target is None else Redrive(target, int(document["maxReceiveCount"]))


def check_name(name: str, fifo: bool) -> None:
    """Raises InvalidParameterValue."""
    if fifo:
        if not _FIFO_NAME.fullmatch(name):
            raise InvalidParameterValue.fifo_queue_name()
    elif not _NAME.fullmatch(name):
        raise InvalidParameterValue.queue_name()


def checked_attributes(given: Mapping[str, str], fifo: bool) -> dict[str, str]:
    """As they are kept; an empty policy is none. Raises InvalidAttributeName, InvalidAttributeValue, InvalidParameterValue."""
    kept: dict[str, str] = {}
    for name, value in given.items():
        if name in READ_ONLY or (name in _FIFO_ONLY and not fifo):
            raise InvalidAttributeName.unknown(name)
        if name in BOUNDS:
            least, most, _ = BOUNDS[name]
            if not value.isascii() or not value.isdecimal() or not least <= int(value) <= most:
                raise InvalidAttributeValue.of(name)
        elif name in _CHOICES:
            if value not in _CHOICES[name]:
                raise InvalidAttributeValue.of(name)
        elif name in _DOCUMENTS:
            _check_document(name, value)
        elif name not in _FREE:
            raise InvalidAttributeName.unknown(name)
        kept[name] = value
    if kept.get("FifoQueue") == "false":
        raise InvalidAttributeValue.of("FifoQueue") if fifo else InvalidAttributeName.unknown("FifoQueue")
    return kept


def _check_document(name: str, value: str) -> None:
    if not value:
        return
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise InvalidAttributeValue.of(name)
    if name == "RedrivePolicy":
        _check_redrive(value, document)
    if name == "RedriveAllowPolicy":
        _check_redrive_allow(value, document)


def _check_redrive_allow(value: str, document: dict[str, Any]) -> None:
    permission, sources = document.get("redrivePermission"), document.get("sourceQueueArns", [])
    if permission not in ("allowAll", "denyAll", "byQueue") or not isinstance(sources, list):
        raise InvalidParameterValue.redrive_allow(value, "It is in an unsupported format.")
    if permission == "byQueue" and not sources:
        reason = (
            "When you specify the byQueue permission type, you must also specify one or more sourceQueueArns values."
        )
        raise InvalidParameterValue.redrive_allow(value, reason)
    if permission != "byQueue" and sources:
        reason = "You can specify sourceQueueArns only with the byQueue permission type."
        raise InvalidParameterValue.redrive_allow(value, reason)
    if len(sources) > _MOST_SOURCES:
        raise InvalidParameterValue.redrive_allow(value, f"You can specify at most {_MOST_SOURCES} sourceQueueArns.")


def _check_redrive(value: str, document: dict[str, Any]) -> None:
    for member in ("deadLetterTargetArn", "maxReceiveCount"):
        if member not in document:
            raise InvalidParameterValue.redrive(
                value, f"Redrive policy does not contain mandatory attribute: {member}."
            )
    count = document["maxReceiveCount"]
    text = str(count)
    if isinstance(count, bool) or not text.isdecimal() or not 1 <= int(text) <= 1000:
        reason = f"Invalid value for maxReceiveCount: {count}, valid values are from 1 to 1000 both inclusive."
        raise InvalidParameterValue.redrive(value, reason)
    if not isinstance(document["deadLetterTargetArn"], str) or key_of_arn(document["deadLetterTargetArn"]) is None:
        raise InvalidParameterValue.redrive(value, "Invalid value for deadLetterTargetArn.")


def may_be_dead_letter_queue_of(target: Queue, source: QueueKey) -> bool:
    """What the target's RedriveAllowPolicy says."""
    policy = target.attributes.get("RedriveAllowPolicy")
    if not policy:
        return True
    document = orjson.loads(policy)
    permission = document.get("redrivePermission", "allowAll")
    return permission == "allowAll" or (permission == "byQueue" and source.arn in document.get("sourceQueueArns", ()))
