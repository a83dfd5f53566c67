"""Message move tasks: a dead-letter queue's messages go back, in the background, and go on after a restart.

AWS: docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
"""

import asyncio
import dataclasses
import logging

from lambdad.clock import Clock
from lambdad.services.sqs.broker import Broker
from lambdad.store.database import WRITE_FAILED
from lambdad.store.sqs_queues import MoveTask, MoveTaskKey, MoveTasks

log = logging.getLogger(__name__)

_PIECE = 100
"""Messages moved in one change, when there is no rate."""
KEPT = 10
"""Tasks that are remembered of one queue."""


class Mover:
    def __init__(self, broker: Broker, tasks: MoveTasks, clock: Clock) -> None:
        self.tasks = tasks
        self._broker = broker
        self._clock = clock
        self._running: dict[MoveTaskKey, asyncio.Task[None]] = {}

    def resume(self) -> None:
        """What an earlier server has not finished."""
        for task in self.tasks.all():
            if task.status in ("RUNNING", "CANCELLING"):
                self._run(task)

    async def start(self, task: MoveTask) -> None:
        """Durable when it returns."""
        await self.tasks.apply(task.key, lambda before: task)
        await self._forget_oldest(task)
        self._run(task)

    async def cancel(self, task: MoveTask) -> MoveTask:
        """As far as it has come."""
        running = self._running.get(task.key)
        if running is not None:
            running.cancel()
            await asyncio.wait([running])
        await self._set(task.key, status="CANCELLED")
        return self.tasks.get(task.key) or task

    def of_source(self, arn: str) -> list[MoveTask]:
        """The newest first."""
        found = [task for task in self.tasks.all() if task.source == arn]
        return sorted(found, key=lambda task: task.started_at, reverse=True)

    async def _forget_oldest(self, task: MoveTask) -> None:
        for old in self.of_source(task.source)[KEPT:]:
            await self.tasks.apply(old.key, lambda before: None)

    def _run(self, task: MoveTask) -> None:
        running = asyncio.get_running_loop().create_task(self._move(task))
        self._running[task.key] = running
        running.add_done_callback(lambda done: self._running.pop(task.key, None))

    async def _move(self, task: MoveTask) -> None:
        try:
            await self._move_all(task)
        except WRITE_FAILED as error:
            log.warning("messages of %s are not moved: %s (the next start goes on)", task.source, error)

    async def _move_all(self, task: MoveTask) -> None:
        moved = task.moved
        piece = min(task.per_second or _PIECE, _PIECE)
        while True:
            source = self._broker.queues.get_by_arn(task.source)
            to = None if task.destination is None else self._broker.queues.get_by_arn(task.destination)
            if source is None or (task.destination is not None and to is None):
                await self._set(task.key, status="FAILED", failure="AWS.SimpleQueueService.NonExistentQueue")
                return
            everyone = {} if to is not None else {queue.key.arn: queue for queue in self._broker.queues.all()}
            began = self._clock.monotonic()
            number = await self._broker.move(source, everyone, to, piece)
            moved += number
            if not number:
                await self._set(task.key, status="COMPLETED", moved=moved)
                return
            await self._set(task.key, moved=moved)
            if task.per_second is not None:
                await asyncio.sleep(max(0.0, number / task.per_second - (self._clock.monotonic() - began)))

    async def _set(self, key: MoveTaskKey, **fields: object) -> None:
        await self.tasks.apply(key, lambda before: None if before is None else dataclasses.replace(before, **fields))  # type: ignore[arg-type]

    async def close(self) -> None:
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
