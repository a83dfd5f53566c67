"""Event source mappings: a source whose records invoke a function; as records, with the rules of their states.

AWS: docs.aws.amazon.com/lambda/latest/api/API_EventSourceMappingConfiguration.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from lambdad.errors import ResourceInUseException
from lambdad.resources.function import FunctionKey


@dataclass(frozen=True, slots=True)
class MappingKey:
    account: str
    region: str
    name: str
    """Its UUID."""

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:event-source-mapping:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSourceMapping:
    key: MappingKey
    function: FunctionKey
    qualifier: str | None
    enabled: bool
    """What is wished; `state` is how far it has come."""
    state: str
    """Creating | Enabling | Enabled | Disabling | Disabled | Updating | Deleting."""
    last_modified: float
    """Seconds since the epoch."""
    settings: Mapping[str, Any]
    """Its further members, as they are answered."""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def function_arn(self) -> str:
        return f"{self.function.arn}:{self.qualifier}" if self.qualifier else self.function.arn

    @property
    def sources(self) -> tuple[str, ...]:
        """An ARN, or a self-managed cluster's servers."""
        if "EventSourceArn" in self.settings:
            return (self.settings["EventSourceArn"],)
        endpoints = self.settings["SelfManagedEventSource"].get("Endpoints") or {}
        return tuple(endpoints.get("KAFKA_BOOTSTRAP_SERVERS") or ())


_ARN = re.compile(r"arn:aws[a-zA-Z-]*:lambda:([a-z0-9-]+):(\d{12}):event-source-mapping:([0-9a-f-]{36})")


def find_mapping(arn: str) -> MappingKey | None:
    """The one an ARN names; None when it is no such ARN."""
    match = _ARN.fullmatch(arn)
    return MappingKey(match[2], match[1], match[3]) if match is not None else None


_SETTLED = frozenset({"Enabled", "Disabled"})


def is_settled(mapping: EventSourceMapping) -> bool:
    return mapping.state in _SETTLED


def changed(before: EventSourceMapping, after: EventSourceMapping) -> EventSourceMapping:
    """`after`, on its way there. Raises ResourceInUseException."""
    if not is_settled(before):
        raise ResourceInUseException.mapping("update")
    if before.enabled == after.enabled:
        return replace(after, state="Updating")
    return replace(after, state="Enabling" if after.enabled else "Disabling")


def deleting(mapping: EventSourceMapping) -> EventSourceMapping:
    """Raises ResourceInUseException."""
    if not is_settled(mapping):
        raise ResourceInUseException.mapping("delete")
    return replace(mapping, state="Deleting")


def settled(mapping: EventSourceMapping) -> EventSourceMapping | None:
    """When what was wished is so; None: it is gone."""
    if mapping.state == "Deleting":
        return None
    return replace(mapping, state="Enabled" if mapping.enabled else "Disabled")


def timestamp_of(moment: datetime | float | str) -> float:
    """As settings have it, seconds since the epoch."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)
