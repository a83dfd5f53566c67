"""One service's requests, from the front door to its operations and back, in whichever of its protocols they come."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import cached_property
from typing import Generic, TypeVar

from lambdad.errors import InternalFailure, ServiceError
from lambdad.http.exchange import Exchange
from lambdad.protocols.aws_json import TARGET, AwsJson
from lambdad.protocols.codec import Answer, Codec
from lambdad.protocols.compression import decompress
from lambdad.protocols.context import Context, Members
from lambdad.protocols.model import Model, Operation, load_model
from lambdad.protocols.query import Query
from lambdad.protocols.rest_json import RestJson
from lambdad.protocols.rpc_cbor import PROTOCOL, RpcCbor
from lambdad.protocols.send import send
from lambdad.protocols.validation import Validation

log = logging.getLogger(__name__)

B = TypeVar("B")
Perform = Callable[[B, Context, Members], Awaitable[Members]]
"""An operation: (backend, context, request) → answer. Raises ServiceError."""


class Service(Generic[B]):
    """What the front door hands requests to whose credential scope names it."""

    def __init__(
        self,
        name: str,
        backend: B,
        operations: Mapping[str, Perform[B]],
        invalid: Callable[[Sequence[str]], ServiceError],
        not_built: Callable[[str], ServiceError],
        large: Collection[str] = (),
    ) -> None:
        """`name`: botocore's; its model is read at the first request. `invalid`: what violated constraints are answered with;
        `not_built`: an operation of the model that is not among `operations`; `large`: those whose answers may be."""
        self._name = name
        self._backend = backend
        self._operations = operations
        self._invalid = invalid
        self._not_built = not_built
        self._large = large
        self._validation = Validation()
        self._codecs: dict[type[Codec], Codec] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @cached_property
    def model(self) -> Model:
        return load_model(self._name)

    def handle(self, exchange: Exchange, context: Context) -> None:
        task = asyncio.get_running_loop().create_task(self._perform(exchange, context))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def refuse(self, exchange: Exchange, error: ServiceError) -> None:
        """Before it is known what is asked for: who asks is not let in."""
        answer = self._codec(exchange).refusal(error, exchange.request_id)
        assert isinstance(answer.body, bytes)
        exchange.respond(answer.status, answer.headers, answer.body)

    async def _perform(self, exchange: Exchange, context: Context) -> None:
        codec = self._codec(exchange)
        try:
            decompress(exchange)
            operation, request = codec.read(exchange)
            violations = self._validation.violations(operation, request)
            if violations:
                raise self._invalid(violations)
            perform = self._operations.get(operation.name)
            if perform is None:
                raise self._not_built(operation.name)
            answer = await self._answer(codec, operation, await perform(self._backend, context, request), context)
        except ServiceError as error:
            answer = codec.refusal(error, context.request_id)
        except Exception:
            log.exception("request %s of %s failed", context.request_id, self._name)
            answer = codec.refusal(InternalFailure.unknown(), context.request_id)
        await send(exchange, answer)

    async def _answer(self, codec: Codec, operation: Operation, members: Members, context: Context) -> Answer:
        """Large ones are written beside the event loop: they hold up nobody."""
        if operation.name in self._large:
            return await asyncio.to_thread(codec.answer, operation, members, context.request_id)
        return codec.answer(operation, members, context.request_id)

    def _codec(self, exchange: Exchange) -> Codec:
        """Of the protocol that this request is in."""
        kind = _kind_of(exchange, self.model)
        codec = self._codecs.get(kind)
        if codec is None:
            codec = self._codecs[kind] = kind(self.model)
        return codec

    async def close(self) -> None:
        """Give up the answers that are still on their way: streams without an end."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _kind_of(exchange: Exchange, model: Model) -> "type[AwsJson | Query | RestJson | RpcCbor]":
    if "rest-json" in model.protocols:
        return RestJson
    if PROTOCOL in exchange.headers and "smithy-rpc-v2-cbor" in model.protocols:
        return RpcCbor
    if TARGET in exchange.headers or "query" not in model.protocols:
        return AwsJson
    return Query
