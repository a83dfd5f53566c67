"""The query protocol: a form in, XML out.

AWS: smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

import base64
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from lambdad.errors import InvalidAction, MalformedInput, ServiceError
from lambdad.http.exchange import Exchange
from lambdad.protocols.codec import Answer
from lambdad.protocols.context import Members
from lambdad.protocols.model import Model, Operation, Shape
from lambdad.protocols.query_errors import code_of, fault_of

_XML = (b"Content-Type", b"text/xml")
_MOST = 20_000
"""Fields of one form."""

Tree = dict[str, Any]
"""`A.member.1=x` is {"A": {"member": {"1": "x"}}}."""


class Query:
    """A Codec."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def read(self, exchange: Exchange) -> tuple[Operation, Members]:
        query = exchange.target.partition(b"?")[2]
        try:
            form = parse_qsl((exchange.body or query).decode(), keep_blank_values=True, max_num_fields=_MOST)
        except ValueError as error:
            raise MalformedInput.form() from error
        tree = _tree(form)
        action = tree.get("Action")
        operation = self._model.operations.get(action) if isinstance(action, str) else None
        if operation is None:
            raise InvalidAction.of(action if isinstance(action, str) else "")
        if operation.input is None:
            return operation, {}
        members: Members = _from_tree(tree, operation.input)
        return operation, members

    def answer(self, operation: Operation, members: Members, request_id: str) -> Answer:
        result = ""
        if operation.output is not None:
            result = "".join(_to_xml(members, operation.output))
            if operation.result_wrapper is not None:
                result = f"<{operation.result_wrapper}>{result}</{operation.result_wrapper}>"
        body = (
            f'<{operation.name}Response xmlns="{self._model.namespace}">{result}'
            f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation.name}Response>"
        )
        return Answer(200, (_XML, (b"x-amzn-RequestId", request_id.encode())), body.encode())

    def refusal(self, error: ServiceError, request_id: str) -> Answer:
        body = (
            f'<ErrorResponse xmlns="{self._model.namespace}"><Error><Type>{fault_of(error)}</Type>'
            f"<Code>{escape(code_of(self._model, error))}</Code><Message>{escape(error.message)}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return Answer(error.status, (_XML, (b"x-amzn-RequestId", request_id.encode())), body.encode())


# --- A form -----------------------------------------------------------------------------------------------------------


def _tree(form: list[tuple[str, str]]) -> Tree:
    root: Tree = {}
    for name, value in form:
        *path, last = name.split(".")
        node = root
        for step in path:
            below = node.setdefault(step, {})
            if not isinstance(below, dict):
                raise MalformedInput.place(name)
            node = below
        node[last] = value
    return root


def _from_tree(value: Any, shape: Shape) -> Any:
    kind = shape.type
    if kind in ("structure", "list", "map") and not isinstance(value, dict):
        if value == "":  # an empty list is sent so
            return [] if kind == "list" else {}
        raise MalformedInput.place(str(value))
    if kind == "structure":
        return {
            member.name: _from_tree(value[member.wire_name], member.shape)
            for member in shape.members.values()
            if member.wire_name in value
        }
    if kind == "list":
        items = value if shape.flattened else value.get(shape.element_name, {})
        return [_from_tree(item, shape.element) for item in _in_order(items)]
    if kind == "map":
        entries = value if shape.flattened else value.get("entry", {})
        return {
            entry[shape.key_name]: _from_tree(entry[shape.value_name], shape.element)
            for entry in _entries(entries, shape)
        }
    return _from_text(value, kind)


def _in_order(items: Any) -> list[Any]:
    """Members by number; gaps are closed."""
    if not isinstance(items, dict) or not all(number.isdecimal() for number in items):
        raise MalformedInput.place("a list's members have numbers")
    return [items[number] for number in sorted(items, key=int)]


def _entries(entries: Any, shape: Shape) -> Iterator[dict[str, Any]]:
    for entry in _in_order(entries):
        fine = isinstance(entry, dict) and isinstance(entry.get(shape.key_name), str) and shape.value_name in entry
        if not fine:
            raise MalformedInput.place("a map's entries have a key and a value")
        yield entry


def _from_text(text: Any, kind: str) -> Any:
    if not isinstance(text, str):
        raise MalformedInput.place("a simple value has no members")
    try:
        if kind in ("integer", "long"):
            return int(text)
        if kind in ("double", "float"):
            return float(text)
        if kind == "timestamp":
            moment = datetime.fromisoformat(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        if kind == "blob":
            return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise MalformedInput.value(text, kind) from error
    if kind == "boolean":
        if text.lower() not in ("true", "false"):
            raise MalformedInput.value(text, kind)
        return text.lower() == "true"
    return text


# --- XML --------------------------------------------------------------------------------------------------------------


def _to_xml(members: Members, shape: Shape) -> Iterator[str]:
    for member in shape.members.values():
        value = members.get(member.name)
        if value is not None:
            yield from _element(member.wire_name, value, member.shape)


def _element(name: str, value: Any, shape: Shape) -> Iterator[str]:
    kind = shape.type
    if kind in ("list", "map") and shape.flattened:
        if kind == "list":
            for item in value:
                yield from _element(name, item, shape.element)
        else:
            yield from _entries_xml(name, value, shape)
        return
    yield f"<{name}>"
    if kind == "structure":
        yield from _to_xml(value, shape)
    elif kind == "list":
        for item in value:
            yield from _element(shape.element_name, item, shape.element)
    elif kind == "map":
        yield from _entries_xml("entry", value, shape)
    else:
        yield escape(_to_text(value, kind))
    yield f"</{name}>"


def _entries_xml(name: str, value: Mapping[str, Any], shape: Shape) -> Iterator[str]:
    for key, item in value.items():
        yield f"<{name}><{shape.key_name}>{escape(key)}</{shape.key_name}>"
        yield from _element(shape.value_name, item, shape.element)
        yield f"</{name}>"


def _to_text(value: Any, kind: str) -> str:
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "timestamp":
        return datetime.fromtimestamp(value, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if kind == "blob":
        return base64.b64encode(value).decode()
    return str(value)
