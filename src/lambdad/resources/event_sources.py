"""The kinds of event sources, and what may be said of each. Pure.

AWS: docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html and the parameter tables of each source's page.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambdad.errors import InvalidParameterValueException

_ALL = frozenset(
    {
        "BatchSize",
        "Enabled",
        "EventSourceArn",
        "FilterCriteria",
        "FunctionName",
        "KMSKeyArn",
        "MaximumBatchingWindowInSeconds",
        "MetricsConfig",
        "Tags",
        "UUID",
    }
)
_POSITION = frozenset({"StartingPosition", "StartingPositionTimestamp"})
_RETRIES = frozenset(
    {
        "BisectBatchOnFunctionError",
        "DestinationConfig",
        "FunctionResponseTypes",
        "MaximumRecordAgeInSeconds",
        "MaximumRetryAttempts",
    }
)
_STREAM = _ALL | _POSITION | _RETRIES | {"ParallelizationFactor", "TumblingWindowInSeconds"}
_STREAM_DEFAULTS: Mapping[str, Any] = {
    "BatchSize": 100,
    "MaximumBatchingWindowInSeconds": 0,
    "ParallelizationFactor": 1,
    "DestinationConfig": {"OnFailure": {}},
    "MaximumRecordAgeInSeconds": -1,
    "BisectBatchOnFunctionError": False,
    "MaximumRetryAttempts": -1,
    "TumblingWindowInSeconds": 0,
    "FunctionResponseTypes": [],
    "LastProcessingResult": "No records processed",
}
_KAFKA = (
    _ALL | _POSITION | _RETRIES | {"ProvisionedPollerConfig", "LoggingConfig", "SourceAccessConfigurations", "Topics"}
)
_QUEUE_DEFAULTS: Mapping[str, Any] = {
    "BatchSize": 10,
    "MaximumBatchingWindowInSeconds": 0,
    "FunctionResponseTypes": [],
}
_CLUSTER_DEFAULTS: Mapping[str, Any] = {"BatchSize": 100, "LastProcessingResult": "No records processed"}
_BY_USER = "USER_INITIATED"


@dataclass(frozen=True, slots=True)
class SourceKind:
    name: str
    parameters: frozenset[str]
    """Members of a request that it knows."""
    defaults: Mapping[str, Any]
    batch_limit: int = 10_000
    positions: tuple[str, ...] = ()
    """Where reading may start; empty: it has no positions."""
    position_needed: bool = False
    needed: tuple[str, ...] = ()
    """Further members that a request must have."""
    transition_reason: str = _BY_USER
    has_arn: bool = True
    """Whether EventSourceArn names it."""
    own_account: bool = False
    """It must be of the function's account."""
    pollers: tuple[int, int] = (1, 2_000)
    """Least and most of a ProvisionedPollerConfig."""


@dataclass(frozen=True, slots=True)
class SourceArn:
    """The parts of an EventSourceArn."""

    service: str
    region: str
    account: str
    resource: str

    @classmethod
    def of(cls, arn: str) -> "SourceArn":
        """One that matches the service model's pattern."""
        _, _, *parts = arn.split(":", 5)
        return cls(*parts)


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What a source's own service says of it."""

    exists: bool = True
    visibility_timeout: int | None = None
    """Of a queue: seconds; None: nobody could be asked, or it is no queue."""


KINESIS = SourceKind(
    "kinesis", _STREAM, _STREAM_DEFAULTS, 10_000, ("LATEST", "TRIM_HORIZON", "AT_TIMESTAMP"), True, (), "User action"
)
DYNAMODB = SourceKind(
    "dynamodb", _STREAM, _STREAM_DEFAULTS, 10_000, ("LATEST", "TRIM_HORIZON"), True, (), "User action"
)
SQS = SourceKind(
    "sqs",
    _ALL | {"FunctionResponseTypes", "ScalingConfig", "ProvisionedPollerConfig"},
    _QUEUE_DEFAULTS,
    pollers=(2, 10_000),
)
SQS_FIFO = SourceKind("sqs-fifo", SQS.parameters, _QUEUE_DEFAULTS, 10, pollers=SQS.pollers)
MANAGED_KAFKA = SourceKind(
    "kafka",
    _KAFKA | {"AmazonManagedKafkaEventSourceConfig"},
    _CLUSTER_DEFAULTS,
    positions=KINESIS.positions,
    position_needed=True,
    needed=("Topics",),
)
SELF_MANAGED_KAFKA = SourceKind(
    "self-managed-kafka",
    (_KAFKA | {"SelfManagedEventSource", "SelfManagedKafkaEventSourceConfig"}) - {"EventSourceArn"},
    _CLUSTER_DEFAULTS,
    positions=KINESIS.positions,
    needed=("SourceAccessConfigurations", "Topics"),
    has_arn=False,
)
MQ = SourceKind(
    "mq",
    _ALL | {"Queues", "SourceAccessConfigurations"},
    _CLUSTER_DEFAULTS,
    needed=("Queues", "SourceAccessConfigurations"),
    own_account=True,
)
DOCUMENTDB = SourceKind(
    "docdb",
    _ALL | _POSITION | {"DocumentDBEventSourceConfig", "SourceAccessConfigurations"},
    _CLUSTER_DEFAULTS,
    positions=KINESIS.positions,
    position_needed=True,
    needed=("DocumentDBEventSourceConfig", "SourceAccessConfigurations"),
    own_account=True,
)

_BY_SERVICE = {
    "kinesis": KINESIS,
    "dynamodb": DYNAMODB,
    "sqs": SQS,
    "kafka": MANAGED_KAFKA,
    "mq": MQ,
    "rds": DOCUMENTDB,
    "docdb-elastic": DOCUMENTDB,
}

_RESOURCES = {
    "kinesis": re.compile(r"stream/[^/]+(/consumer/[^/]+)?"),
    "dynamodb": re.compile(r"table/[^/]+/stream/[^/]+"),
    "sqs": re.compile(r"[^/:]+"),
    "kafka": re.compile(r"cluster/[^/]+/[^/]+"),
    "mq": re.compile(r"broker:[^:]+:[^:]+"),
    "rds": re.compile(r"cluster:[^:]+"),
    "docdb-elastic": re.compile(r"cluster/[^/]+"),
}
"""What the ARN of each ends with: a table without its stream is no source."""


def kind_of(members: Mapping[str, Any]) -> SourceKind:
    """By a request's or a mapping's members. Raises InvalidParameterValueException."""
    arn = members.get("EventSourceArn")
    if members.get("SelfManagedEventSource"):
        return SELF_MANAGED_KAFKA
    if not arn:
        raise InvalidParameterValueException.unrecognized_source()
    source = SourceArn.of(arn)
    kind = _BY_SERVICE.get(source.service)
    if kind is None or _RESOURCES[source.service].fullmatch(source.resource) is None:
        raise InvalidParameterValueException.unrecognized_source()
    return SQS_FIFO if kind is SQS and arn.endswith(".fifo") else kind
