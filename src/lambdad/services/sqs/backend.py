"""What SQS's operations are given beside their request, and how they find a queue."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from lambdad.clock import Clock
from lambdad.errors.sqs import InvalidAddress, QueueDoesNotExist
from lambdad.protocols.context import Context
from lambdad.resources.sqs_queue import Queue, QueueKey
from lambdad.services.sqs.broker import Broker
from lambdad.services.sqs.move_tasks import Mover


@dataclass(frozen=True, slots=True)
class Backend:
    broker: Broker
    mover: Mover
    clock: Clock

    def queue(self, context: Context, url: str) -> Queue:
        """Raises QueueDoesNotExist, InvalidAddress."""
        found = self.broker.queues.get(key_of_url(context, url))
        if found is None:
            raise QueueDoesNotExist.queue()
        return found


def url_of(context: Context, key: QueueKey) -> str:
    return f"{context.endpoint}/{key.account}/{key.name}"


def key_of_url(context: Context, url: str) -> QueueKey:
    """The last two steps of its path; a bare name is one of the caller's. Raises InvalidAddress."""
    steps = [step for step in urlsplit(url).path.split("/") if step]
    if not steps:
        raise InvalidAddress.url(url)
    account = steps[-2] if len(steps) > 1 else context.account
    return QueueKey(account, context.region, steps[-1])
