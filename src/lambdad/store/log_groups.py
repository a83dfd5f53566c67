"""Log groups in the database; what is in them is files (`observability/logs.py`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lambdad.store.documents import Documents


@dataclass(frozen=True, slots=True)
class LogGroupKey:
    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return f"arn:aws:logs:{self.region}:{self.account}:log-group:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What passes the pattern goes to the destination."""

    name: str
    pattern: str
    destination: str
    """ARN of a function, perhaps with a qualifier."""
    created_at: int
    distribution: str = "ByLogStream"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogGroup:
    key: LogGroupKey
    created_at: int
    """Milliseconds since the epoch."""
    retention_days: int | None = None
    """None: for ever."""
    group_class: str = "STANDARD"
    kms_key_id: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    subscriptions: tuple[Subscription, ...] = ()


class LogGroups(Documents[LogGroupKey, LogGroup]):
    table = "log_groups"

    def _read(self, account: str, region: str, name: str, document: Any) -> tuple[LogGroupKey, LogGroup]:
        key = LogGroupKey(account, region, name)
        document["subscriptions"] = tuple(Subscription(**one) for one in document["subscriptions"])
        return key, LogGroup(key=key, **document)
