"""SQS put together: its records, broker, tasks and wire."""

from lambdad.aws.queue_messages import message_of
from lambdad.aws.targets import TargetRefused
from lambdad.clock import Clock
from lambdad.errors import ServiceError
from lambdad.errors.sqs import QueueDoesNotExist
from lambdad.ids import new_uuid
from lambdad.protocols.context import Context, Members
from lambdad.resources.sqs_queue import key_of_arn
from lambdad.services.sqs.backend import Backend
from lambdad.services.sqs.broker import Broker
from lambdad.services.sqs.messages import send_message
from lambdad.services.sqs.move_tasks import Mover
from lambdad.services.sqs.wire import SqsService
from lambdad.store.database import Database
from lambdad.store.deliveries import Delivery
from lambdad.store.sqs_queues import MoveTasks, SqsQueues


class Sqs:
    """`load`, `start`, `close`: once each, in that order."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._queues = SqsQueues(database)
        self._tasks = MoveTasks(database)
        self._broker = Broker(self._queues, database, clock)
        self._mover = Mover(self._broker, self._tasks, clock)
        self._backend = Backend(self._broker, self._mover, clock)
        self.service = SqsService(self._backend)

    def load(self) -> None:
        self._queues.load()
        self._tasks.load()
        self._broker.load()

    async def receive(self, delivery: Delivery) -> None:
        """What is delivered to a queue: as if its sender had asked for it. Raises TargetRefused."""
        try:
            await self.put(delivery.target, delivery.key.account, message_of(delivery))
        except ServiceError as error:
            raise TargetRefused(error.query_code or error.code, error.message) from error

    def start(self) -> None:
        self._broker.start()
        self._mover.resume()

    def has(self, arn: str) -> bool:
        return self._queues.get_by_arn(arn) is not None

    async def put(self, arn: str, account: str, message: Members) -> None:
        """Another service's message, with SendMessage's members; durable when it returns. Raises ServiceError."""
        key = key_of_arn(arn)
        if key is None:
            raise QueueDoesNotExist.queue()
        context = Context(account, key.region, new_uuid(), None, "")
        await send_message(self._backend, context, {"QueueUrl": f"/{key.account}/{key.name}", **message})

    async def close(self) -> None:
        await self.service.close()
        await self._mover.close()
        await self._broker.close()
