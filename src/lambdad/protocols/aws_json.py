"""The protocols json 1.0 and 1.1: the operation in a header, the members in a JSON body.

AWS: smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
"""

from collections.abc import AsyncGenerator

import orjson

from lambdad.errors import SerializationException, ServiceError, UnknownTargetException
from lambdad.http.exchange import Exchange
from lambdad.protocols.codec import Answer, Body
from lambdad.protocols.context import Members
from lambdad.protocols.event_stream import CONTENT_TYPE, message, messages
from lambdad.protocols.json_values import from_json, to_json
from lambdad.protocols.model import Model, Operation, Shape
from lambdad.protocols.query_errors import query_error

TARGET = b"x-amz-target"


class AwsJson:
    """A Codec."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._content_type = (b"Content-Type", f"application/x-amz-json-{model.json_version}".encode())

    def read(self, exchange: Exchange) -> tuple[Operation, Members]:
        prefix, _, name = exchange.headers.get(TARGET, b"").decode("latin-1").rpartition(".")
        operation = self._model.operations.get(name)
        if operation is None or prefix != self._model.target_prefix:
            raise UnknownTargetException("")
        if operation.input is None:
            return operation, {}
        try:
            document = orjson.loads(exchange.body or b"{}")
        except orjson.JSONDecodeError as error:
            raise SerializationException("") from error
        members: Members = from_json(document, operation.input)
        return operation, members

    def answer(self, operation: Operation, members: Members, request_id: str) -> Answer:
        headers = [(b"x-amzn-RequestId", request_id.encode())]
        stream = _stream_of(operation)
        if stream is not None:
            name, shape = stream
            return Answer(200, (*headers, (b"Content-Type", CONTENT_TYPE)), _stream(members[name], shape))
        body: Body = b"" if operation.output is None else orjson.dumps(to_json(members, operation.output))
        return Answer(200, (*headers, self._content_type), body)

    def refusal(self, error: ServiceError, request_id: str) -> Answer:
        body: dict[str, str | None] = {"__type": error.code, **error.members}
        if error.message:
            body["message"] = error.message
        headers = [(b"x-amzn-RequestId", request_id.encode()), self._content_type]
        if self._model.query_compatible:
            headers.append(query_error(self._model, error))
        return Answer(error.status, headers, orjson.dumps(body))


def _stream_of(operation: Operation) -> tuple[str, Shape] | None:
    if operation.output is not None:
        for member in operation.output.members.values():
            if member.shape.eventstream:
                return member.name, member.shape
    return None


async def _stream(events: AsyncGenerator[Members, None], shape: Shape) -> AsyncGenerator[bytes, None]:
    """These protocols have no place for other members but a message of their own, which comes first."""
    yield message("initial-response", "application/json", b"{}")
    async for piece in messages(events, shape):
        yield piece
