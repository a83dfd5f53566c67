"""One service's requests, from the front door to its operations and back, in whichever of its protocols they come."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from typing import Generic, TypeVar

from lambdad.errors import ServiceError
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
from lambdad.services.edge import performed

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
        waiting: frozenset[str] = frozenset(),
        large: frozenset[str] = frozenset(),
    ) -> None:
        """`name`: botocore's; its model is read at the first request. `invalid`: what violated constraints are answered with;
        `not_built`: an operation of the model that is not among `operations`. `waiting`: those that wait for something to come, and
        are given up when the client goes. `large`: those whose answers may be."""
        self._name = name
        self._backend = backend
        self._operations = operations
        self._invalid = invalid
        self._not_built = not_built
        self._waiting = waiting
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
            what = f"request {context.request_id} of {self._name}"
            answer = await performed(self._answered(codec, exchange, context), what)
        except ServiceError as error:
            answer = codec.refusal(error, context.request_id)
        await send(exchange, answer)

    async def _answered(self, codec: Codec, exchange: Exchange, context: Context) -> Answer:
        decompress(exchange)
        operation, request = codec.read(exchange)
        self._check(operation, request)
        perform = self._operations.get(operation.name)
        if perform is None:
            raise self._not_built(operation.name)
        if operation.name in self._waiting:
            exchange.on_close = self._give_up(asyncio.current_task())
        return await self._answer(codec, operation, await perform(self._backend, context, request), context)

    async def _answer(self, codec: Codec, operation: Operation, members: Members, context: Context) -> Answer:
        """Large ones are written beside the event loop: they hold up nobody."""
        if operation.name in self._large:
            return await asyncio.to_thread(codec.answer, operation, members, context.request_id)
        return codec.answer(operation, members, context.request_id)

    def _give_up(self, task: "asyncio.Task[None] | None") -> Callable[[], None]:
        def closed() -> None:
            if task is not None:
                task.cancel()

        return closed

    def _check(self, operation: Operation, request: Members) -> None:
        """The model's constraints."""
        violations = self._validation.violations(operation, request)
        if violations:
            raise self._invalid(violations)

    def _codec(self, exchange: Exchange) -> Codec:
        """Of the protocol that this request is in."""
        kind = _kind_of(exchange, self.model)
        codec = self._codecs.get(kind)
        if codec is None:
            codec = self._codecs[kind] = self._new_codec(kind)
        return codec

    def _new_codec(self, kind: "type[AwsJson | Query | RestJson | RpcCbor]") -> Codec:
        return kind(self.model)

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
    if TARGET in exchange.headers or not (model.query_compatible or "query" in model.protocols):
        return AwsJson
    return Query
