"""The service graph of traces: which services there are, who calls whom, how often, how long, how it ended. Pure.

AWS: docs.aws.amazon.com/xray/latest/api/API_Service.html
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from lambdad.resources.segment import end_of, kinds_of_failure
from lambdad.resources.trace import Node, ServiceName, Trace


@dataclass(slots=True)
class _Statistics:
    """Of a service, or of an edge."""

    began: float = float("inf")
    ended: float = 0.0
    ok: int = 0
    throttles: int = 0
    other_errors: int = 0
    faults: int = 0
    seconds: float = 0.0
    histogram: Counter[float] = field(default_factory=Counter)

    def add(self, node: Node) -> None:
        document = node.document
        self.began = min(self.began, document["start_time"])
        self.ended = max(self.ended, end_of(document))
        error, fault, throttle = kinds_of_failure(document)
        self.faults += fault
        self.throttles += throttle and not fault
        self.other_errors += error and not throttle and not fault
        self.ok += not (error or fault)
        self.seconds += node.seconds
        self.histogram[round(node.seconds, 3)] += 1

    @property
    def members(self) -> dict[str, Any]:
        errors = self.throttles + self.other_errors
        return {
            "OkCount": self.ok,
            "ErrorStatistics": {
                "ThrottleCount": self.throttles,
                "OtherCount": self.other_errors,
                "TotalCount": errors,
            },
            "FaultStatistics": {"OtherCount": self.faults, "TotalCount": self.faults},
            "TotalCount": self.ok + errors + self.faults,
            "TotalResponseTime": round(self.seconds, 3),
        }

    @property
    def entries(self) -> list[dict[str, Any]]:
        return [{"Value": value, "Count": count} for value, count in sorted(self.histogram.items())]


@dataclass(slots=True)
class _Service:
    statistics: _Statistics = field(default_factory=_Statistics)
    edges: dict[ServiceName, _Statistics] = field(default_factory=dict)
    root: bool = False


def graph_of(traces: Iterable[Trace]) -> list[dict[str, Any]]:
    """The members of each Service. Whoever comes from outside is a client of the service that it enters by."""
    services: dict[ServiceName, _Service] = {}
    for trace in traces:
        for node in trace.nodes:
            services.setdefault(node.service, _Service()).statistics.add(node)
            if node.parent is None:
                services[node.service].root = True
                client = ServiceName(node.service.name, "client", node.service.account)
                caller = services.setdefault(client, _Service(root=True))
                caller.statistics.add(node)
            else:
                caller = services.setdefault(node.parent.service, _Service())
            caller.edges.setdefault(node.service, _Statistics()).add(node)
    numbers = {name: number for number, name in enumerate(services)}
    return [_members(name, service, numbers) for name, service in services.items()]


def _members(name: ServiceName, service: _Service, numbers: dict[ServiceName, int]) -> dict[str, Any]:
    statistics = service.statistics
    members: dict[str, Any] = {
        "ReferenceId": numbers[name],
        "StartTime": statistics.began,
        "EndTime": statistics.ended,
        "Root": service.root,
        "Edges": [_edge(other, one, numbers) for other, one in service.edges.items()],
    }
    if name.type == "client":
        return {**members, "Type": "client", "State": "unknown"}
    return {
        **members,
        **name.members,
        "State": "active",
        "SummaryStatistics": statistics.members,
        "DurationHistogram": statistics.entries,
        "ResponseTimeHistogram": statistics.entries,
    }


def _edge(other: ServiceName, statistics: _Statistics, numbers: dict[ServiceName, int]) -> dict[str, Any]:
    return {
        "ReferenceId": numbers[other],
        "StartTime": statistics.began,
        "EndTime": statistics.ended,
        "SummaryStatistics": statistics.members,
        "ResponseTimeHistogram": statistics.entries,
        "Aliases": [],
    }
