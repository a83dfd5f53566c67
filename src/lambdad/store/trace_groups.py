"""Groups of traces in the database: named filter expressions."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lambdad.store.documents import Documents


@dataclass(frozen=True, slots=True)
class GroupKey:
    account: str
    region: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceGroup:
    key: GroupKey
    arn: str
    expression: str = ""
    """Empty: all traces."""
    insights: Mapping[str, bool] = field(default_factory=dict)
    """InsightsConfiguration as given: kept, and answered."""
    tags: Mapping[str, str] = field(default_factory=dict)


class TraceGroups(Documents[GroupKey, TraceGroup]):
    table = "trace_groups"

    def _read(self, account: str, region: str, name: str, document: Any) -> tuple[GroupKey, TraceGroup]:
        key = GroupKey(account, region, name)
        return key, TraceGroup(key=key, **document)

    def _document_of(self, value: TraceGroup) -> Any:
        document = dataclasses.asdict(value)
        del document["key"]
        return document
