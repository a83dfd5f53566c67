"""What belongs to a function, or to one of its versions or aliases, beside its configuration. Records.

AWS: docs.aws.amazon.com/lambda/latest/api/API_FunctionEventInvokeConfig.html, …/API_FunctionUrlConfig.html,
…/API_PutProvisionedConcurrencyConfig.html, …/API_PutRuntimeManagementConfig.html, …/API_FunctionScalingConfig.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class EventInvokeConfig:
    """How asynchronous events are tried again, and where they go then. None: as AWS does by default."""

    last_modified: float
    """Seconds since the epoch."""
    maximum_retry_attempts: int | None = None
    maximum_event_age: int | None = None
    """Seconds."""
    on_success: str | None = None
    """Destination ARNs."""
    on_failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionUrl:
    url_id: str
    """The first label of its host name."""
    auth_type: str
    """NONE | AWS_IAM."""
    invoke_mode: str | None
    """BUFFERED | RESPONSE_STREAM; None: not given, BUFFERED."""
    cors: Mapping[str, Any] | None
    """As it is answered."""
    created: str
    last_modified: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionedConcurrency:
    requested: int
    """Execution environments that are kept initialised."""
    last_modified: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeManagement:
    update_runtime_on: str = "Auto"
    """Auto | FunctionUpdate | Manual."""
    runtime_version_arn: str | None = None
    """Only with Manual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """How many execution environments a version may have; None: no bound of its own."""

    least: int | None = None
    most: int | None = None
