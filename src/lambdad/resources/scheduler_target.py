"""What a schedule's target may be, and what it is given. Pure.

AWS: docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-templated.html, …/managing-targets-universal.html,
…/managing-schedule-context-attributes.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from lambdad.resources.scheduler_schedule import ScheduleKey

_ARN = re.compile(r"arn:aws[a-z-]*:([a-z0-9-]+):([a-z0-9-]*):(\d{12}|):(.+)")
_UNIVERSAL = re.compile(r"arn:aws[a-z-]*:scheduler:::aws-sdk:([a-z0-9]+):([a-z][A-Za-z0-9]*)")

SERVICES: Final = frozenset({"events", "firehose", "kinesis", "lambda", "sns", "sqs", "states"})
"""Templated targets that lambdad has."""
WANTS_JSON: Final = frozenset({"events", "lambda", "states"})
PARAMETERS: Final[Mapping[str, str]] = {
    "EcsParameters": "ecs",
    "EventBridgeParameters": "events",
    "EventBridgePutEventsV2Parameters": "",
    "EventBridgePutRawEventsParameters": "",
    "KinesisParameters": "kinesis",
    "SageMakerPipelineParameters": "sagemaker",
    "SqsParameters": "sqs",
}
"""Members of a target, and the service whose targets may have them."""
NEEDED: Final[Mapping[str, str]] = {"events": "EventBridgeParameters", "kinesis": "KinesisParameters"}

_READ_ONLY: Final = (
    *("get", "describe", "list", "poll", "receive", "search", "scan", "query", "select", "read", "lookup", "discover"),
    *("validate", "batchGet", "batchDescribe", "batchRead", "transactGet", "adminGet", "adminList", "testMigration"),
    *("retrieve", "testConnection", "translateDocument", "isAuthorized", "invokeModel"),
)
"""What an action that AWS refuses begins with."""
_ATTEMPT: Final = b"<aws.scheduler.attempt-number>"


@dataclass(frozen=True, slots=True)
class UniversalTarget:
    service: str
    """As AWS's SDKs for Java and JavaScript call it."""
    action: str
    """An operation, its first letter small."""

    @property
    def reads_only(self) -> bool:
        return self.action.startswith(_READ_ONLY)


def universal_target(arn: str) -> UniversalTarget | None:
    match = _UNIVERSAL.fullmatch(arn)
    return UniversalTarget(match[1], match[2]) if match is not None else None


def service_of(arn: str) -> str | None:
    """A templated target's; None: it is no ARN."""
    match = _ARN.fullmatch(arn)
    return match[1] if match is not None else None


@dataclass(frozen=True, slots=True)
class Execution:
    """One invocation of a target."""

    key: ScheduleKey
    scheduled_at: float
    id: str
    """16 digits or so."""
    event_id: str
    """UUID."""

    @property
    def time(self) -> str:
        return datetime.fromtimestamp(int(self.scheduled_at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def input_of(execution: Execution, given: str | None) -> str:
    """What the target is given; in it the number of the attempt is still to be put in its place (`numbered`)."""
    if given is None:
        return orjson.dumps(notification(execution)).decode()
    values = {
        "schedule-arn": execution.key.arn,
        "scheduled-time": execution.time,
        "execution-id": execution.id,
    }
    for name, value in values.items():
        given = given.replace(f"<aws.scheduler.{name}>", value)
    return given


def numbered(given: bytes, attempt: int) -> bytes:
    """`attempt`: from one on."""
    return given.replace(_ATTEMPT, b"%d" % attempt)


def notification(execution: Execution) -> dict[str, Any]:
    """For targets without an input of their own. Its detail is a text, as on AWS."""
    key = execution.key
    return {
        "version": "0",
        "id": execution.event_id,
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": key.account,
        "time": execution.time,
        "region": key.region,
        "resources": [key.arn],
        "detail": "{}",
    }
