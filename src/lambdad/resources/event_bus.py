"""Event buses, their rules, archives and replays: names and records. Pure.

AWS: docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus.html, …/eb-rules.html, …/eb-archive.html
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

DEFAULT: Final = "default"
"""The bus that every account has in every region."""
MOST_BUSES: Final = 100
MOST_RULES: Final = 300
"""Of one bus."""
MOST_TARGETS: Final = 5
"""Of one rule."""
LONGEST_PATTERN: Final = 2048
_BUS_ARN = re.compile(r"arn:aws[\w-]*:events:([a-z0-9-]+):(\d{12}):event-bus/(.+)")
_RULE_ARN = re.compile(r"arn:aws[\w-]*:events:([a-z0-9-]+):(\d{12}):rule/(?:(.+)/)?([^/]+)")
_ARCHIVE_ARN = re.compile(r"arn:aws[\w-]*:events:([a-z0-9-]+):(\d{12}):archive/([^/]+)")


@dataclass(frozen=True, slots=True)
class BusKey:
    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return f"arn:aws:events:{self.region}:{self.account}:event-bus/{self.name}"


@dataclass(frozen=True, slots=True)
class RuleKey:
    bus: BusKey
    rule: str

    @property
    def account(self) -> str:
        return self.bus.account

    @property
    def region(self) -> str:
        return self.bus.region

    @property
    def name(self) -> str:
        """Of no two rules of an account in a region: names of rules have no slash."""
        return f"{self.bus.name}/{self.rule}"

    @property
    def arn(self) -> str:
        path = self.rule if self.bus.name == DEFAULT else self.name
        return f"arn:aws:events:{self.region}:{self.account}:rule/{path}"


@dataclass(frozen=True, slots=True)
class NamedKey:
    """Of an archive or a replay."""

    account: str
    region: str
    name: str

    def arn(self, kind: str) -> str:
        return f"arn:aws:events:{self.region}:{self.account}:{kind}/{self.name}"


def bus_of_arn(arn: str) -> BusKey | None:
    match = _BUS_ARN.fullmatch(arn)
    return BusKey(match[2], match[1], match[3]) if match is not None else None


def rule_of_arn(arn: str) -> RuleKey | None:
    match = _RULE_ARN.fullmatch(arn)
    return RuleKey(BusKey(match[2], match[1], match[3] or DEFAULT), match[4]) if match is not None else None


def archive_of_arn(arn: str) -> NamedKey | None:
    match = _ARCHIVE_ARN.fullmatch(arn)
    return NamedKey(match[2], match[1], match[3]) if match is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBus:
    key: BusKey
    created_at: float
    modified_at: float
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Description, KmsKeyIdentifier, DeadLetterConfig, LogConfig, as given."""
    statements: Sequence[Mapping[str, Any]] = ()
    """Of its policy."""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    key: RuleKey
    settings: Mapping[str, Any]
    """EventPattern, ScheduleExpression, State, Description, RoleArn, as given."""
    targets: Sequence[Mapping[str, Any]] = ()
    """As PutTargets has them."""
    tags: Mapping[str, str] = field(default_factory=dict)
    scheduled_at: float = 0.0
    """Since when its schedule counts: it was set then, or the rule was enabled."""

    @property
    def pattern(self) -> str | None:
        pattern: str | None = self.settings.get("EventPattern")
        return pattern

    @property
    def schedule(self) -> str | None:
        schedule: str | None = self.settings.get("ScheduleExpression")
        return schedule

    @property
    def enabled(self) -> bool:
        return bool(self.settings["State"] != "DISABLED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    key: NamedKey
    number: int
    """Of no two archives, not even of one name after another: events are kept by it."""
    source: str
    """The bus's ARN."""
    created_at: float
    description: str | None = None
    pattern: str | None = None
    retention_days: int = 0
    """0: for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    key: NamedKey
    archive: str
    """ARN."""
    destination: Mapping[str, Any]
    """As StartReplay has it."""
    first: float
    """Events from then on …"""
    last: float
    """… to then."""
    started_at: float
    state: str = "STARTING"
    """STARTING | RUNNING | CANCELLING | COMPLETED | CANCELLED | FAILED"""
    description: str | None = None
    reason: str | None = None
    reached: tuple[float, int] | None = None
    """Time and number of the last event that was replayed."""
    ended_at: float | None = None
