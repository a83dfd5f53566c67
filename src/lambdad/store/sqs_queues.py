"""SQS queues, and tasks that move messages from one to another, in the database."""

from dataclasses import dataclass
from typing import Any

from lambdad.resources.sqs_queue import Queue, QueueKey, key_of_arn
from lambdad.store.documents import Documents


class SqsQueues(Documents[QueueKey, Queue]):
    table = "sqs_queues"

    def get_by_arn(self, arn: str) -> Queue | None:
        key = key_of_arn(arn)
        return None if key is None else self.get(key)

    def _read(self, account: str, region: str, name: str, document: Any) -> tuple[QueueKey, Queue]:
        key = QueueKey(account, region, name)
        return key, Queue(key=key, **document)


@dataclass(frozen=True, slots=True)
class MoveTaskKey:
    account: str
    region: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveTask:
    key: MoveTaskKey
    source: str
    """ARN of the dead-letter queue."""
    destination: str | None
    """ARN; None: each message goes back to the queue that it came from."""
    per_second: int | None
    started_at: int
    """Milliseconds since the epoch."""
    to_move: int
    moved: int = 0
    status: str = "RUNNING"
    """RUNNING | COMPLETED | CANCELLING | CANCELLED | FAILED"""
    failure: str | None = None


class MoveTasks(Documents[MoveTaskKey, MoveTask]):
    table = "sqs_move_tasks"

    def _read(self, account: str, region: str, name: str, document: Any) -> tuple[MoveTaskKey, MoveTask]:
        key = MoveTaskKey(account, region, name)
        return key, MoveTask(key=key, **document)
