"""A trace put together: segments with the subsegments that came apart from them, and which services it went through. Pure.

AWS: docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html. What functions send is below the function's segment; it is shown
in its Invocation, as AWS does. A call to a service that sends no segments is inferred from its subsegment.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lambdad.resources.lambda_segments import FUNCTION, invocation_of
from lambdad.resources.segment import DEEPEST, Document, children, end_of, kinds_of_failure, response_status

_CALLS: Final = ("aws", "remote")
"""Namespaces of subsegments that are calls of another service."""


@dataclass(frozen=True, slots=True)
class ServiceName:
    name: str
    type: str
    account: str

    @property
    def members(self) -> dict[str, Any]:
        return {"Name": self.name, "Names": [self.name], "AccountId": self.account, "Type": self.type}


@dataclass(slots=True)
class Node:
    """A segment, or a call from which one is inferred."""

    document: Document
    service: ServiceName
    parent: "Node | None" = None
    inferred: bool = False

    @property
    def seconds(self) -> float:
        return end_of(self.document) - float(self.document["start_time"])


@dataclass(slots=True)
class Trace:
    id: str
    account: str
    segments: list[Document]
    """By start; the subsegments that were sent apart are in them."""
    nodes: list[Node] = field(default_factory=list)
    limited: bool = False
    """It became so large that some of it was not taken."""

    @property
    def began(self) -> float:
        return float(min((one["start_time"] for one in self.segments), default=0.0))

    @property
    def ended(self) -> float:
        return max(map(end_of, self.segments), default=self.began)

    @property
    def roots(self) -> list[Node]:
        return [node for node in self.nodes if node.parent is None]

    @property
    def partial(self) -> bool:
        return any(one.get("in_progress") is True for segment in self.segments for one in _all(segment))


def assemble(trace_id: str, account: str, documents: Sequence[Document], limited: bool = False) -> Trace:
    """`documents`: each id once."""
    ordered = sorted(documents, key=lambda document: float(document["start_time"]))
    segments = [one for one in ordered if one.get("type") != "subsegment"]
    apart = [one for one in ordered if one.get("type") == "subsegment"]
    orphans = _embed(segments, apart)
    trace = Trace(trace_id, account, segments + orphans, limited=limited)
    trace.nodes = _nodes(trace.segments, account)
    return trace


def _embed(segments: Sequence[Document], apart: Sequence[Document]) -> list[Document]:
    """Each subsegment into its parent; those whose parent is nowhere stand for themselves."""
    places: dict[str, tuple[Document, int]] = {}
    for document in (*segments, *apart):
        for one, level in _levels(document):
            places.setdefault(one["id"], (one, level))
    orphans = []
    for document in apart:
        parent, above = places.get(document["parent_id"], (None, 0))
        inside = list(_levels(document, above + 2))
        if parent is None or inside[-1][1] > DEEPEST or any(one is parent for one, _ in inside):  # nobody is in itself
            orphans.append(document)
            continue
        if parent.get("origin") == FUNCTION:
            parent = invocation_of(parent) or parent
        for name in ("type", "trace_id", "parent_id"):
            del document[name]
        places.update((one["id"], (one, level)) for one, level in inside)
        parent.setdefault("subsegments", []).append(document)
    return orphans


def _levels(document: Document, level: int = 0) -> Iterator[tuple[Document, int]]:
    """Itself and what is in it, the deepest last, with how deep they are."""
    row = [document]
    while row:
        for one in row:
            yield one, level
        row = [child for one in row for child in one.get("subsegments") or ()]
        level += 1


def _all(document: Document) -> Iterator[Document]:
    yield document
    yield from children(document)


def service_of(document: Document, account: str) -> ServiceName:
    origin = document.get("origin")
    return ServiceName(document["name"], origin if isinstance(origin, str) else "", account)


def _nodes(segments: Sequence[Document], account: str) -> list[Node]:
    """Of each segment one, and of each call below which there is none."""
    owner: dict[str, Node] = {}
    found: list[Node] = []
    calls: list[tuple[Document, Node]] = []
    for segment in segments:
        node = Node(segment, service_of(segment, account))
        found.append(node)
        owner[segment["id"]] = node
        for one in children(segment):
            owner.setdefault(one["id"], node)
            if one.get("namespace") in _CALLS:
                calls.append((one, node))
    called = set()
    for node in found:
        parent_id = node.document.get("parent_id")
        parent = owner.get(parent_id) if isinstance(parent_id, str) else None
        if parent is not None and parent is not node:
            node.parent = parent
            called.add(parent_id)
    _break_rings(found)
    inferred = [
        Node(_inferred(call), _inferred_service(call, account), parent, True)
        for call, parent in calls
        if call["id"] not in called
    ]
    return found + inferred


def _break_rings(nodes: Sequence[Node]) -> None:
    """Segments that name each other as parents: whoever forges that gets roots."""
    for node in nodes:
        above, seen = node.parent, {id(node)}
        while above is not None:
            if id(above) in seen:
                node.parent = None
                break
            seen.add(id(above))
            above = above.parent


def _inferred(call: Document) -> Document:
    kept = ("name", "start_time", "end_time", "http", "aws", "error", "fault", "throttle", "in_progress")
    return {"id": call["id"], "inferred": True, **{name: call[name] for name in kept if name in call}}


def _inferred_service(call: Document, account: str) -> ServiceName:
    name = call["name"]
    if call["namespace"] == "remote":
        return ServiceName(name, "remote", account)
    table = call.get("aws", {}).get("table_name")
    if name == "DynamoDB" and isinstance(table, str):
        return ServiceName(table, "AWS::DynamoDB::Table", account)
    return ServiceName(name, f"AWS::{name}", account)


# --- Its summary --------------------------------------------------------------------------------------------------------


def summary_of(trace: Trace, revision: int) -> dict[str, Any]:
    """The members of a TraceSummary; what the trace does not say is not there."""
    root = trace.roots[0] if trace.roots else None
    error, fault, throttle = failures_of(trace.roots)
    members: dict[str, Any] = {
        "Id": trace.id,
        "StartTime": trace.began,
        "Duration": round(trace.ended - trace.began, 3),
        "HasFault": fault,
        "HasError": error,
        "HasThrottle": throttle,
        "IsPartial": trace.partial,
        "Http": http_of(root.document) if root is not None else {},
        "Annotations": _annotations(trace),
        "Users": _users(trace),
        "ServiceIds": [service.members for service in dict.fromkeys(node.service for node in trace.nodes)],
        "ResourceARNs": [{"ARN": arn} for arn in resource_arns(trace)],
        "InstanceIds": [{"Id": value} for value in _ec2(trace, "instance_id")],
        "AvailabilityZones": [{"Name": value} for value in _ec2(trace, "availability_zone")],
        "FaultRootCauses": _root_causes(trace, fault=True),
        "ErrorRootCauses": _root_causes(trace, fault=False),
        "Revision": revision,
    }
    if root is not None:
        members["ResponseTime"] = round(root.seconds, 3)
        members["EntryPoint"] = root.service.members
    return members


def failures_of(nodes: Sequence[Node]) -> tuple[bool, bool, bool]:
    """(error, fault, throttle) of any of them."""
    kinds = [kinds_of_failure(node.document) for node in nodes]
    return any(k[0] for k in kinds), any(k[1] for k in kinds), any(k[2] for k in kinds)


_HTTP: Final = {"HttpURL": "url", "HttpMethod": "method", "UserAgent": "user_agent", "ClientIp": "client_ip"}


def http_of(document: Document) -> dict[str, Any]:
    request = document.get("http", {}).get("request")
    request = request if isinstance(request, dict) else {}
    members: dict[str, Any] = {
        name: value for name, field_name in _HTTP.items() if isinstance(value := request.get(field_name), str)
    }
    status = response_status(document)
    return members | ({"HttpStatus": status} if status is not None else {})


def annotations_of(document: Document) -> dict[str, str | float | bool]:
    """Of one (sub)segment; what is no text, number or truth value is none."""
    return {
        key: value
        for key, value in document.get("annotations", {}).items()
        if isinstance(value, str | int | float | bool)
    }


_KINDS: Final = ((bool, "BooleanValue"), (str, "StringValue"), (object, "NumberValue"))


def _annotations(trace: Trace) -> dict[str, Any]:
    found: dict[str, dict[Any, dict[ServiceName, None]]] = {}
    for node in trace.nodes:
        for one in _all(node.document):
            for key, value in annotations_of(one).items():
                found.setdefault(key, {}).setdefault((type(value), value), {})[node.service] = None
    return {
        key: [
            {
                "AnnotationValue": {next(name for kind, name in _KINDS if isinstance(value, kind)): value},
                "ServiceIds": [service.members for service in services],
            }
            for (_, value), services in values.items()
        ]
        for key, values in found.items()
    }


def users_of(document: Document) -> Iterator[str]:
    for one in _all(document):
        if isinstance(user := one.get("user"), str):
            yield user


def _users(trace: Trace) -> list[dict[str, Any]]:
    found: dict[str, dict[ServiceName, None]] = {}
    for node in trace.nodes:
        for user in users_of(node.document):
            found.setdefault(user, {})[node.service] = None
    return [
        {"UserName": user, "ServiceIds": [service.members for service in services]} for user, services in found.items()
    ]


def resource_arns(trace: Trace) -> list[str]:
    found = (node.document.get("resource_arn") for node in trace.nodes)
    return list(dict.fromkeys(arn for arn in found if isinstance(arn, str)))


def _ec2(trace: Trace, member: str) -> list[str]:
    places = (node.document.get("aws", {}).get("ec2") for node in trace.nodes)
    found = (place.get(member) for place in places if isinstance(place, dict))
    return list(dict.fromkeys(value for value in found if isinstance(value, str)))


def exceptions_of(document: Document) -> list[dict[str, Any]]:
    cause = document.get("cause")
    exceptions = cause.get("exceptions") if isinstance(cause, dict) else None
    if not isinstance(exceptions, list):
        return []
    return [
        {"Name": str(one.get("type", "")), "Message": str(one.get("message", ""))}
        for one in exceptions
        if isinstance(one, dict)
    ]


def _root_causes(trace: Trace, fault: bool) -> list[dict[str, Any]]:
    """Of each chain of services that failed one, from the entry to where it began."""
    failed = [node for node in trace.nodes if kinds_of_failure(node.document)[1 if fault else 0]]
    callers = {id(node.parent) for node in failed}
    return [_root_cause(node, fault) for node in failed if id(node) not in callers]


def _root_cause(node: Node, fault: bool) -> dict[str, Any]:
    chain: list[Node] = []
    above: Node | None = node
    while above is not None:
        chain.insert(0, above)
        above = above.parent
    services = [
        {
            **one.service.members,
            "Inferred": one.inferred,
            "EntityPath": [
                {"Name": inner["name"], "Exceptions": exceptions_of(inner), "Remote": inner.get("namespace") in _CALLS}
                for inner in _all(one.document)
                if kinds_of_failure(inner)[1 if fault else 0]
            ],
        }
        for one in chain
    ]
    return {"Services": services, "ClientImpacting": kinds_of_failure(chain[0].document)[1 if fault else 0]}
