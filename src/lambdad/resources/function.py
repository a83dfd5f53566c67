"""A function and its versions, as records. AWS: docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LATEST = "$LATEST"


@dataclass(frozen=True, slots=True)
class FunctionKey:
    """Whose function, where, and its name: unique."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        """Unqualified."""
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionVersion:
    """One version of a function: `$LATEST`, or a number and then immutable but for its state.

    `settings` holds the members of FunctionConfiguration that no decision here reads (VpcConfig, TracingConfig, …) just
    as they are answered.
    """

    key: FunctionKey
    version: str
    runtime: str | None
    handler: str | None
    role: str
    description: str
    timeout: int
    """Seconds."""
    memory_size: int
    """MB."""
    ephemeral_storage: int
    """MB of /tmp."""
    environment: Mapping[str, str]
    architectures: tuple[str, ...]
    layers: tuple[str, ...]
    """Layer version ARNs in the order given."""
    package_type: str
    code_sha256: str
    """Base64, as answered; the code package's content address is its hex form (`code_packages.py`)."""
    code_size: int
    """Bytes of the zip."""
    last_modified: str
    revision_id: str
    state: str
    """Pending | Active | Inactive | Failed."""
    state_reason: str | None = None
    state_reason_code: str | None = None
    last_update_status: str | None = None
    """Successful | InProgress | Failed; None while the function is first created."""
    last_update_status_reason: str | None = None
    last_update_status_reason_code: str | None = None
    log_format: str = "Text"
    application_log_level: str | None = None
    system_log_level: str | None = None
    log_group: str | None = None
    """None: /aws/lambda/<name>."""
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def qualified_arn(self) -> str:
        return f"{self.key.arn}:{self.version}"

    @property
    def log_group_name(self) -> str:
        return self.log_group or f"/aws/lambda/{self.key.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function: its `$LATEST`, what was published from it, and what belongs to it as a whole."""

    key: FunctionKey
    versions: Mapping[str, FunctionVersion]
    """By version; always has `$LATEST`."""
    last_published: int
    """The highest version number ever given; numbers are never used again."""
    tags: Mapping[str, str]
    reserved_concurrency: int | None = None

    @property
    def latest(self) -> FunctionVersion:
        return self.versions[LATEST]
