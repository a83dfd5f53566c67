"""One RabbitMQ queue's messages to one function, one batch at a time, as long as its mapping is enabled.

AWS: docs.aws.amazon.com/lambda/latest/dg/with-mq.html. What the function has done is acknowledged; what failed goes back to the
queue and comes again, until it succeeds or the queue's own rules (expiry, delivery limit, dead-letter exchange) take it away.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lambdad.aws.json_client import AwsError, JsonClient
from lambdad.clock import Clock
from lambdad.event_source_mappings.filters import Filters
from lambdad.event_source_mappings.invocations import Invocations
from lambdad.event_source_mappings.rabbitmq_event import RabbitMessage, event_of, filtered_document, record_of
from lambdad.event_source_mappings.source_access import AccessError, SourceAccess, access_of
from lambdad.resources.event_source_mapping import EventSourceMapping

if TYPE_CHECKING:
    from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage

log = logging.getLogger(__name__)

_WINDOW = 0.5
"""Seconds that a batch is gathered for unless the mapping says otherwise."""
_PAYLOAD = 6 * 1024 * 1024
_CONNECT = 10.0
_HELD = 300.0
"""Seconds that a batch is tried for while the function is throttled; then it goes back to the queue."""
_RETRIES = (1.0, 60.0)
"""Seconds between attempts, at the broker and at a batch that fails: first and longest."""


class RabbitMqPoller:
    """`run` until it is cancelled; `drain` lets what has begun come to its end."""

    def __init__(
        self,
        mapping: EventSourceMapping,
        client: JsonClient,
        invocations: Invocations,
        clock: Clock,
        address: str | None,
    ) -> None:
        """`address`: URL of the broker; None where none is known."""
        self._mapping = mapping
        self._client = client
        self._invocations = invocations
        self._clock = clock
        self._address = address
        settings = mapping.settings
        self._arn: str = settings["EventSourceArn"]
        self._queue: str = settings["Queues"][0]
        self._size: int = settings["BatchSize"]
        window = settings.get("MaximumBatchingWindowInSeconds")
        self._window: float = _WINDOW if window is None else window
        self._filters = Filters.of(settings.get("FilterCriteria"))
        self._virtual_host = "/"
        self._connection: AbstractConnection | None = None
        self._batch: asyncio.Task[bool] | None = None

    async def run(self) -> None:
        if self._address is None:
            log.warning("%s is not polled: --broker does not say where it is", self._arn)
            return
        try:
            from aio_pika.exceptions import AMQPError, ChannelInvalidStateError
        except ImportError:
            log.error("%s is not polled: aio-pika is not installed (pip install 'lambdad[rabbitmq]')", self._arn)
            return
        wait = _RETRIES[0]
        while True:
            connected_at = self._clock.monotonic()
            try:
                await self._consume(self._address)
            except (AMQPError, ChannelInvalidStateError, AwsError, AccessError, OSError, TimeoutError) as error:
                log.warning("messages of %s cannot be received: %s: %s", self._queue, type(error).__name__, error)
            await self._disconnect()
            if self._clock.monotonic() - connected_at > _RETRIES[1]:
                wait = _RETRIES[0]
            await asyncio.sleep(wait)
            wait = min(wait * 2, _RETRIES[1])

    async def drain(self) -> None:
        if self._batch is not None:
            await asyncio.wait([self._batch])
        await self._disconnect()

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _connect(self, address: str) -> "AbstractChannel":
        import aio_pika

        access = await access_of(self._mapping, self._client)
        self._virtual_host = access.virtual_host
        async with asyncio.timeout(_CONNECT):
            self._connection = await aio_pika.connect(**_connection_of(address, access))
            channel = await self._connection.channel()
            await channel.set_qos(prefetch_count=self._size)
        return channel

    async def _consume(self, address: str) -> None:
        """Until the connection breaks."""
        channel = await self._connect(address)
        broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def closed(_: object, error: BaseException | None) -> None:
            if not broken.done():
                broken.set_exception(error or ConnectionResetError("the broker has closed the connection"))

        channel.close_callbacks.add(closed)
        queue = await channel.get_queue(self._queue)  # refused where there is none
        coming: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()  # of what the broker lets be unacknowledged
        await queue.consume(coming.put)
        polling = asyncio.ensure_future(self._poll(coming))
        try:
            await asyncio.wait({polling, broken}, return_when=asyncio.FIRST_COMPLETED)
            (broken if broken.done() else polling).result()
        finally:
            polling.cancel()
            broken.cancel()

    async def _poll(self, coming: "asyncio.Queue[AbstractIncomingMessage]") -> None:
        pause = _RETRIES[0]
        while True:
            messages = await self._gather(coming)
            self._batch = asyncio.get_running_loop().create_task(self._process(messages))
            self._batch.add_done_callback(self._done)
            if await asyncio.shield(self._batch):
                pause = _RETRIES[0]
                continue
            await asyncio.sleep(pause)
            pause = min(pause * 2, _RETRIES[1])

    async def _gather(self, coming: "asyncio.Queue[AbstractIncomingMessage]") -> "list[AbstractIncomingMessage]":
        messages = [await coming.get()]
        size = len(messages[0].body)
        until = self._clock.monotonic() + self._window
        while len(messages) < self._size and size * 4 // 3 < _PAYLOAD:
            try:
                async with asyncio.timeout(until - self._clock.monotonic()):
                    messages.append(await coming.get())
            except TimeoutError:
                break
            size += len(messages[-1].body)
        return messages

    async def _process(self, messages: "list[AbstractIncomingMessage]") -> bool:
        """False: they go back to the queue."""
        records = [record_of(_plain(message)) for message in messages]
        wanted = [record for record in records if self._filters.match_if(filtered_document(record))]
        last = messages[-1]
        if wanted:
            payload = event_of(self._arn, self._queue, self._virtual_host, wanted)
            ran = await self._invocations.run(self._mapping, payload, None, self._clock.monotonic() + _HELD)
            await self._invocations.logged()
            if ran.error is not None:
                log.info("a batch of %s failed in %s: %s", self._queue, self._mapping.function_arn, ran.error)
                await last.nack(multiple=True, requeue=True)
                return False
        await last.ack(multiple=True)
        return True

    def _done(self, task: asyncio.Task[bool]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.info("a batch of %s is not acknowledged; it comes again: %s", self._queue, error)


def _plain(message: "AbstractIncomingMessage") -> RabbitMessage:
    return RabbitMessage(
        body=message.body,
        redelivered=bool(message.redelivered),
        headers=message.headers,
        content_type=message.content_type,
        content_encoding=message.content_encoding,
        delivery_mode=int(message.delivery_mode) if message.delivery_mode is not None else None,
        priority=message.priority,
        correlation_id=message.correlation_id,
        reply_to=message.reply_to,
        expiration=_milliseconds(message.expiration),
        message_id=message.message_id,
        timestamp=message.timestamp,
        type=message.type,
        user_id=message.user_id,
        app_id=message.app_id,
        cluster_id=message.cluster_id or None,
    )


def _milliseconds(expiration: Any) -> str | None:
    """The client gives seconds; the protocol has a text of milliseconds."""
    return None if expiration is None else str(round(expiration * 1000))


def _connection_of(address: str, access: SourceAccess) -> dict[str, Any]:
    parts = urlsplit(address)
    secure = parts.scheme == "amqps"
    user, password = access.credentials("BASIC_AUTH")
    return {
        "host": parts.hostname,
        "port": parts.port or (5671 if secure else 5672),
        "login": user,
        "password": password,
        "virtualhost": access.virtual_host,
        "ssl": secure,
        "timeout": _CONNECT,
    }
