"""What filter expressions see of a trace: by keyword, of the whole, of each service, of each edge between two. Pure.

AWS: docs.aws.amazon.com/xray/latest/devguide/xray-console-filters.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lambdad.resources.segment import Document, children, response_status
from lambdad.resources.trace import (
    Node,
    ServiceName,
    Trace,
    annotations_of,
    exceptions_of,
    failures_of,
    http_of,
    resource_arns,
    users_of,
)

BOOLEANS: Final = frozenset({"ok", "error", "fault", "throttle", "partial", "inferred", "root"})
NUMBERS: Final = frozenset({"responsetime", "duration", "http.status"})
STRINGS: Final = frozenset(
    {
        *("http.url", "http.method", "http.useragent", "http.clientip", "user", "name", "type", "account.id"),
        *("message", "availabilityzone", "instance.id", "resource.arn"),
    }
)


@dataclass(frozen=True, slots=True)
class View:
    """Values by keyword; of most there may be several."""

    booleans: Mapping[str, bool]
    numbers: Mapping[str, tuple[float, ...]]
    strings: Mapping[str, tuple[str, ...]]
    annotations: Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class EdgeView:
    source: View
    target: View
    view: View


@dataclass(frozen=True, slots=True)
class TraceView:
    whole: View
    services: Sequence[View]
    edges: Sequence[EdgeView]


def view_of(trace: Trace) -> TraceView:
    by_service: dict[ServiceName, list[Node]] = {}
    by_edge: dict[tuple[ServiceName, ServiceName], list[Node]] = {}
    for node in trace.nodes:
        by_service.setdefault(node.service, []).append(node)
        if node.parent is not None:
            by_edge.setdefault((node.parent.service, node.service), []).append(node)
    services = {service: _view(nodes) for service, nodes in by_service.items()}
    edges = [EdgeView(services[source], services[target], _view(nodes)) for (source, target), nodes in by_edge.items()]
    return TraceView(_whole(trace), list(services.values()), edges)


def _whole(trace: Trace) -> View:
    """Whether it failed, and its times, are its root's; users, annotations and messages anybody's."""
    roots, everything = _view(trace.roots[:1]), _view(trace.nodes)
    error, fault, throttle = failures_of(trace.roots)
    ok = bool(trace.roots) and not (error or fault)
    failures = {"ok": ok, "error": error, "fault": fault, "throttle": throttle}
    booleans = {**everything.booleans, **failures, "partial": trace.partial}
    numbers = {**roots.numbers, "duration": (trace.ended - trace.began,)}
    http = {name: values for name, values in roots.strings.items() if name.startswith("http.")}
    strings = {**everything.strings, **http, "resource.arn": tuple(resource_arns(trace))}
    return View(booleans, numbers, strings, everything.annotations)


def _view(nodes: Sequence[Node]) -> View:
    error, fault, throttle = failures_of(nodes)
    documents = [node.document for node in nodes]
    annotations: dict[str, list[Any]] = {}
    for document in documents:
        for one in (document, *children(document)):
            for key, value in annotations_of(one).items():
                annotations.setdefault(key, []).append(value)
    seconds = tuple(node.seconds for node in nodes)
    statuses = (response_status(document) for document in documents)
    return View(
        {
            "ok": any(not (kinds[0] or kinds[1]) for kinds in map(_failures, nodes)),
            "error": error,
            "fault": fault,
            "throttle": throttle,
            "partial": any(document.get("in_progress") is True for document in documents),
            "inferred": any(node.inferred for node in nodes),
            "root": any(node.parent is None for node in nodes),
        },
        {
            "responsetime": seconds,
            "duration": seconds,
            "http.status": tuple(float(status) for status in statuses if status is not None),
        },
        _strings(nodes, documents),
        annotations,
    )


def _failures(node: Node) -> tuple[bool, bool, bool]:
    return failures_of([node])


def _strings(nodes: Sequence[Node], documents: Sequence[Document]) -> dict[str, tuple[str, ...]]:
    http = [http_of(document) for document in documents]
    ec2 = [place for document in documents if isinstance(place := document.get("aws", {}).get("ec2"), dict)]
    everything = [one for document in documents for one in (document, *children(document))]
    found: dict[str, list[Any]] = {
        "http.url": [one.get("HttpURL") for one in http],
        "http.method": [one.get("HttpMethod") for one in http],
        "http.useragent": [one.get("UserAgent") for one in http],
        "http.clientip": [one.get("ClientIp") for one in http],
        "user": [user for document in documents for user in users_of(document)],
        "name": [node.service.name for node in nodes],
        "type": [node.service.type for node in nodes],
        "account.id": [node.service.account for node in nodes],
        "message": [exception["Message"] for one in everything for exception in exceptions_of(one)],
        "availabilityzone": [place.get("availability_zone") for place in ec2],
        "instance.id": [place.get("instance_id") for place in ec2],
        "resource.arn": [document.get("resource_arn") for document in documents],
    }
    return {name: tuple(value for value in values if isinstance(value, str)) for name, values in found.items()}
