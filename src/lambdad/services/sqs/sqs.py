"""SQS put together: its records, broker, tasks and wire."""

from lambdad.clock import Clock
from lambdad.services.sqs.backend import Backend
from lambdad.services.sqs.broker import Broker
from lambdad.services.sqs.move_tasks import Mover
from lambdad.services.sqs.wire import SqsService
from lambdad.store.database import Database
from lambdad.store.sqs_queues import MoveTasks, SqsQueues


class Sqs:
    """`load`, `start`, `close`: once each, in that order."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._queues = SqsQueues(database)
        self._tasks = MoveTasks(database)
        self._broker = Broker(self._queues, database, clock)
        self._mover = Mover(self._broker, self._tasks, clock)
        self.service = SqsService(Backend(self._broker, self._mover, clock))

    def load(self) -> None:
        self._queues.load()
        self._tasks.load()
        self._broker.load()

    def start(self) -> None:
        self._broker.start()
        self._mover.resume()

    async def close(self) -> None:
        await self.service.close()
        await self._mover.close()
        await self._broker.close()
