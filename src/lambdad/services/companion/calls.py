"""What the companion asks of us: events to functions, messages to queues, events to buses, and functions' answers; and what it
tells us was written to streams.

Each as JSON over a socket that only it has (`companion/server_calls.py`). What it hands over is durable before it is told so.
"""

import asyncio
import base64
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from lambdad.aws.stream_news import StreamNews
from lambdad.clock import Clock
from lambdad.errors import ServiceError
from lambdad.http.exchange import Exchange
from lambdad.ids import new_trace_id, new_uuid
from lambdad.invocation.asynchronous import Asynchronous
from lambdad.invocation.deliverer import Deliverer
from lambdad.invocation.invoke import Functions, Invoker
from lambdad.resources.function import FunctionKey
from lambdad.resources.invocation import Outcome
from lambdad.services.edge import performed
from lambdad.services.function_access import invocable
from lambdad.services.sqs.sqs import Sqs
from lambdad.store.deliveries import Deliveries, Delivery

log = logging.getLogger(__name__)

_JSON = ((b"Content-Type", b"application/json"),)
PutEvent = Callable[[Mapping[str, Any]], Awaitable[None]]
"""An AWS service's event for a bus."""
Perform = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]


class Calls:
    """A Handler."""

    def __init__(
        self,
        functions: Functions,
        invoker: Invoker,
        asynchronous: Asynchronous,
        deliveries: Deliveries,
        deliverer: Deliverer,
        news: StreamNews,
        clock: Clock,
        queues: Sqs | None,
    ) -> None:
        """`queues`: None, if they are another endpoint's."""
        self._functions = functions
        self._invoker = invoker
        self._asynchronous = asynchronous
        self._deliveries = deliveries
        self._deliverer = deliverer
        self._news = news
        self._clock = clock
        self._queues = queues
        self._performers: Mapping[bytes, Perform] = {
            b"/notify": self._notify,
            b"/permits": self._permits,
            b"/queue": self._queue,
            b"/invoke": self._invoke,
            b"/written": self._written,
        }
        self._tasks: set[asyncio.Task[None]] = set()

    def handle(self, exchange: Exchange) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(exchange))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, exchange: Exchange) -> None:
        perform = self._performers[exchange.target]
        try:
            answer = await performed(perform(orjson.loads(exchange.body)), "what the companion asked for")
            exchange.respond(200, _JSON, orjson.dumps(answer))
        except ServiceError as error:
            exchange.respond(error.status, _JSON, orjson.dumps({"code": error.code, "message": error.message}))

    # --- Permissions --------------------------------------------------------------------------------------------------

    async def _permits(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        try:
            self._check(asked["function"], asked["principal"], asked["source"], asked["account"])
        except ServiceError as error:
            return {"refused": error.message}
        return {"refused": ""}

    def _check(self, arn: str, principal: str, source: str, account: str) -> tuple[FunctionKey, str | None]:
        """`principal`: empty when the account itself asks. Raises ResourceNotFoundException, AccessDeniedException."""
        return invocable(self._functions, arn, principal, source, account)

    async def _written(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        for source in asked["sources"]:
            self._news.written(source)
        return {}

    async def _queue(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Another endpoint's are believed to be there."""
        return {"there": self._queues is None or self._queues.has(asked["arn"])}

    # --- Events and messages ------------------------------------------------------------------------------------------

    async def _notify(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        trace_id = asked["trace_id"]
        return {"refused": await asyncio.gather(*(self._take(notice, trace_id) for notice in asked["notices"]))}

    async def _take(self, notice: Mapping[str, Any], trace_id: str | None) -> str:
        """Why it is refused, or an empty string. What cannot be kept is an error: who has sent it tries again."""
        try:
            if notice["kind"] == "function":
                await self._accept(notice, trace_id)
            elif notice["kind"] == "queue" and self._queues is not None:
                await self._queues.put(notice["target"], notice["account"], _message_of(notice, trace_id))
            else:
                await self._deliver(notice, trace_id)
        except ServiceError as error:
            log.info("%s: %s is not told: %s", notice["source"], notice["target"], error.message)
            return error.message
        return ""

    async def _accept(self, notice: Mapping[str, Any], trace_id: str | None) -> None:
        key, qualifier = self._check(notice["target"], notice["principal"], notice["source"], notice["account"])
        await self._asynchronous.accept(key, qualifier, notice["body"].encode(), new_uuid(), None, trace_id)

    async def _deliver(self, notice: Mapping[str, Any], trace_id: str | None) -> None:
        now = self._clock.now()
        parts = notice["target"].split(":")
        delivery = Delivery(
            kind=notice["kind"],
            key=FunctionKey(notice["account"], parts[3], notice["source"].rpartition(":")[2]),
            request_id=new_uuid(),
            target=notice["target"],
            body=notice["body"].encode(),
            context={**_CONTEXTS[notice["kind"]](notice), "trace_id": trace_id or new_trace_id(now)},
            begun_at=now,
            due_at=now,
        )
        await self._deliveries.append(delivery)
        self._deliverer.wake()

    async def _invoke(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        key, qualifier = self._check(asked["function"], asked["principal"], asked["source"], asked["account"])
        answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        version = await self._invoker.wait_until_ready(key, asked["qualifier"] or qualifier)
        payload = asked["payload"].encode()
        self._invoker.start(
            version,
            payload,
            answered.set_result,
            request_id=new_uuid(),
            function_arn=asked["function"],
            trace_id=asked["trace_id"],
        )
        outcome = await answered
        if isinstance(outcome, ServiceError):
            raise outcome
        return {"payload": base64.b64encode(outcome.payload).decode(), "error": outcome.function_error}

    async def finished(self) -> None:
        while self._tasks:
            await asyncio.wait(list(self._tasks))


def _message_of(notice: Mapping[str, Any], trace_id: str | None) -> dict[str, Any]:
    attributes = {
        name: {**one, "BinaryValue": base64.b64decode(one["BinaryValue"])} if "BinaryValue" in one else one
        for name, one in notice["attributes"].items()
    }
    order = {"MessageGroupId": notice["group"], "MessageDeduplicationId": notice["deduplication"]}
    given: dict[str, Any] = {member: value for member, value in order.items() if value}
    if trace_id:
        given["MessageSystemAttributes"] = {"AWSTraceHeader": {"DataType": "String", "StringValue": trace_id}}
    return {"MessageBody": notice["body"], "MessageAttributes": attributes, **given}


def _of_queue(notice: Mapping[str, Any]) -> dict[str, str]:
    return {
        "attributes": orjson.dumps(notice["attributes"]).decode(),
        "group": notice["group"],
        "deduplication": notice["deduplication"],
    }


def _of_bus(notice: Mapping[str, Any]) -> dict[str, str]:
    return {"detail_type": notice["detail_type"], "source": notice["source"]}


_CONTEXTS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, str]]] = {"queue": _of_queue, "bus": _of_bus}
