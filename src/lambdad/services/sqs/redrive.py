"""Operations on message move tasks."""

import base64
import binascii

import orjson

from lambdad.errors.sqs import InvalidParameterValue, MissingParameter, TaskNotFound, UnsupportedOperation
from lambdad.ids import new_uuid
from lambdad.protocols.context import Context, Members
from lambdad.resources.sqs_queue import Queue
from lambdad.services.sqs.backend import Backend
from lambdad.store.sqs_queues import MoveTask, MoveTaskKey

_RATES = (1, 500)
_LISTED = (1, 10)


async def start_message_move_task(backend: Backend, context: Context, request: Members) -> Members:
    source = backend.broker.queues.get_by_arn(request["SourceArn"])
    if source is None:
        raise TaskNotFound.queue()
    if not _is_dead_letter_queue(backend, source):
        raise InvalidParameterValue.move("Source queue must be configured as a Dead Letter Queue.")
    destination, rate = request.get("DestinationArn"), request.get("MaxNumberOfMessagesPerSecond")
    if destination is not None:
        _check_destination(backend, source, destination)
    if rate is not None and not _RATES[0] <= rate <= _RATES[1]:
        raise InvalidParameterValue.between(rate, "MaxNumberOfMessagesPerSecond", *_RATES)
    if any(task.status == "RUNNING" for task in backend.mover.of_source(source.key.arn)):
        raise UnsupportedOperation.of(
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
        )
    visible, _, _ = await backend.broker.counts(source)
    task = MoveTask(
        key=MoveTaskKey(context.account, context.region, new_uuid()),
        source=source.key.arn,
        destination=destination,
        per_second=rate,
        started_at=int(backend.clock.now() * 1000),
        to_move=visible,
    )
    await backend.mover.start(task)
    return {"TaskHandle": _handle(task)}


def _is_dead_letter_queue(backend: Backend, queue: Queue) -> bool:
    others = backend.broker.queues.list(queue.key.account, queue.key.region)
    return any((redrive := other.redrive) is not None and redrive.target == queue.key for other in others)


def _check_destination(backend: Backend, source: Queue, arn: str) -> None:
    target = backend.broker.queues.get_by_arn(arn)
    if target is None:
        raise TaskNotFound.destination()
    if target.key == source.key:
        raise InvalidParameterValue.move("Source queue arn and destination queue arn cannot be the same.")
    if target.fifo != source.fifo:
        raise InvalidParameterValue.move("Source and destination must be queues of the same type.")


async def list_message_move_tasks(backend: Backend, context: Context, request: Members) -> Members:
    source = backend.broker.queues.get_by_arn(request["SourceArn"])
    if source is None:
        raise TaskNotFound.queue()
    most = request.get("MaxResults", 1)
    if not _LISTED[0] <= most <= _LISTED[1]:
        raise InvalidParameterValue.between(most, "MaxResults", *_LISTED)
    return {"Results": [_members_of(task) for task in backend.mover.of_source(source.key.arn)[:most]] or None}


def _members_of(task: MoveTask) -> Members:
    return {
        "TaskHandle": _handle(task) if task.status == "RUNNING" else None,
        "Status": task.status,
        "SourceArn": task.source,
        "DestinationArn": task.destination,
        "MaxNumberOfMessagesPerSecond": task.per_second,
        "ApproximateNumberOfMessagesMoved": task.moved,
        "ApproximateNumberOfMessagesToMove": task.to_move,
        "FailureReason": task.failure,
        "StartedTimestamp": task.started_at,
    }


async def cancel_message_move_task(backend: Backend, context: Context, request: Members) -> Members:
    task = backend.mover.tasks.get(_key_of(context, request["TaskHandle"]))
    if task is None or task.status != "RUNNING":
        raise TaskNotFound.task()
    cancelled = await backend.mover.cancel(task)
    return {"ApproximateNumberOfMessagesMoved": cancelled.moved}


def _handle(task: MoveTask) -> str:
    return base64.b64encode(orjson.dumps({"taskId": task.key.name, "sourceArn": task.source})).decode()


def _key_of(context: Context, handle: str) -> MoveTaskKey:
    if not handle:
        raise MissingParameter.of("TaskHandle")
    try:
        document = orjson.loads(base64.b64decode(handle.encode("ascii"), validate=True))
        return MoveTaskKey(context.account, context.region, str(document["taskId"]))
    except (ValueError, binascii.Error, KeyError, TypeError) as error:
        raise InvalidParameterValue.value(handle, "TaskHandle", "The task handle is invalid.") from error
