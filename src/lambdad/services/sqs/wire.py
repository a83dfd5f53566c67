"""SQS on the wire: the JSON protocol of its model, and the query protocol that it spoke before and still answers.

The model no longer says how members are named in forms and XML; the names are here. AWS:
docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-xml.html
"""

from collections.abc import Mapping
from typing import Any

from lambdad.errors import InvalidAction
from lambdad.errors.sqs import InvalidAttributeName, MissingParameter
from lambdad.http.exchange import Exchange
from lambdad.protocols.aws_json import AwsJson
from lambdad.protocols.codec import Codec
from lambdad.protocols.context import Members
from lambdad.protocols.model import Model, Operation, Shape, load_document
from lambdad.protocols.query import Query
from lambdad.services.service import Service
from lambdad.services.sqs.backend import Backend
from lambdad.services.sqs.table import OPERATIONS

_NAMESPACE = "http://queue.amazonaws.com/doc/2012-11-05/"
_MEMBERS: Mapping[str, str] = {
    "AWSAccountIds": "AWSAccountId",
    "Actions": "ActionName",
    "AttributeNames": "AttributeName",
    "Attributes": "Attribute",
    "Failed": "BatchResultErrorEntry",
    "MessageAttributeNames": "MessageAttributeName",
    "MessageAttributes": "MessageAttribute",
    "MessageSystemAttributeNames": "MessageSystemAttributeName",
    "MessageSystemAttributes": "MessageSystemAttribute",
    "Messages": "Message",
    "QueueUrls": "QueueUrl",
    "Results": "ListMessageMoveTasksResultEntry",
    "TagKeys": "TagKey",
    "Tags": "Tag",
    "queueUrls": "QueueUrl",
    "tags": "Tag",
}
"""Lists and maps are flat: each of their entries has this name."""
_KEYS: Mapping[str, tuple[str, str]] = {"TagMap": ("Key", "Value")}
_KEY = ("Name", "Value")


_TWO_KINDS = frozenset({"AttributeNames"})
"""Those of a queue for one operation, of a message for another, whatever the model says: the operations look themselves."""


def query_model() -> Model:
    """The service's model with the names that the query protocol has."""
    document = load_document("sqs")
    shapes: dict[str, Any] = document["shapes"]
    for name, shape in shapes.items():
        if shape["type"] in ("list", "map"):
            shape["flattened"] = True
        if shape["type"] == "map":
            key, value = _KEYS.get(name, _KEY)
            shape["key"] = {**shape["key"], "locationName": key}
            shape["value"] = {**shape["value"], "locationName": value}
        for member, reference in shape.get("members", {}).items():
            if member in _MEMBERS:
                reference["locationName"] = _MEMBERS[member]
    for name, operation in document["operations"].items():
        _name_entries(shapes, name, operation)
    document["metadata"]["xmlNamespace"] = _NAMESPACE
    return Model(document)


def _name_entries(shapes: dict[str, Any], name: str, operation: dict[str, Any]) -> None:
    if "output" in operation:
        operation["output"] = {**operation["output"], "resultWrapper": f"{name}Result"}
        successful = shapes[operation["output"]["shape"]]["members"].get("Successful")
        if successful is not None:
            successful["locationName"] = f"{name}ResultEntry"
    entries = shapes[operation["input"]["shape"]]["members"].get("Entries")
    if entries is not None:
        entries["locationName"] = f"{name}RequestEntry"


class SqsService(Service[Backend]):
    def __init__(self, backend: Backend) -> None:
        super().__init__(
            "sqs",
            backend,
            OPERATIONS,
            invalid=lambda violations: MissingParameter.of(violations[0]),
            not_built=InvalidAction.of,
            waiting=frozenset({"ReceiveMessage"}),
        )

    def _check(self, operation: Operation, request: Members) -> None:
        if operation.input is not None:
            _check_members(operation.input, request)

    def _new_codec(self, kind: type[Any]) -> Codec:
        return _QueueQuery(query_model()) if kind is Query else AwsJson(self.model)


class _QueueQuery(Query):
    """Here the address that a form is sent to names the queue."""

    def read(self, exchange: Exchange) -> tuple[Operation, Members]:
        operation, members = super().read(exchange)
        takes_queue = operation.input is not None and "QueueUrl" in operation.input.members
        if takes_queue and "QueueUrl" not in members:
            members["QueueUrl"] = exchange.target.partition(b"?")[0].decode("latin-1")
        return operation, members


def _check_members(shape: Shape, request: Members) -> None:
    """What must be there, and names of attributes that exist. Raises MissingParameter, InvalidAttributeName."""
    for member in shape.members.values():
        value = request.get(member.name)
        if value is None:
            if member.required:
                raise MissingParameter.of(member.name)
        elif member.shape.type == "list" and member.name not in _TWO_KINDS:
            _check_items(member.shape.element, value)
        elif member.name == "Attributes":
            for name in value:
                _check_name(member.shape.key, name)


def _check_items(shape: Shape, items: list[Any]) -> None:
    for item in items:
        if shape.type == "structure":
            _check_members(shape, item)
        else:
            _check_name(shape, item)


def _check_name(shape: Shape, name: str) -> None:
    if shape.enum and name not in shape.enum:
        raise InvalidAttributeName.unknown(name)
