"""Operations on messages: send, receive, change their visibility, delete; one by one and in batches."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from lambdad.errors import ServiceError
from lambdad.errors.sqs import BatchRequestTooLong, InvalidAttributeName, InvalidParameterValue, MissingParameter
from lambdad.ids import new_uuid
from lambdad.protocols.context import Context, Members
from lambdad.resources.sqs_message import (
    TRACE,
    check_attributes,
    check_characters,
    check_fifo_id,
    check_system_attributes,
    md5_of_attributes,
    md5_of_body,
    selected,
    size_of,
)
from lambdad.resources.sqs_queue import BOUNDS, Queue
from lambdad.services.sqs import receipt_handle
from lambdad.services.sqs.backend import Backend
from lambdad.services.sqs.batches import check_entries, failed
from lambdad.services.sqs.broker import Deduplication
from lambdad.services.sqs.receipt_handle import ReceiptHandle
from lambdad.store.sqs_messages import Message, Sent

_BATCH_BYTES = 1_048_576
_MOST_RECEIVED = 10
_SYSTEM = frozenset(
    {
        *("All", "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp"),
        *("SequenceNumber", "MessageDeduplicationId", "MessageGroupId", TRACE, "DeadLetterQueueSourceArn"),
    }
)
_VISIBILITY = BOUNDS["VisibilityTimeout"]


# --- Sending ----------------------------------------------------------------------------------------------------------


async def send_message(backend: Backend, context: Context, request: Members) -> Members:
    queue = backend.queue(context, request["QueueUrl"])
    message, once = message_to(backend, context, queue, request)
    (sent,) = await backend.broker.send([(message, once)])
    return _sent(queue, message, sent, request)


async def send_message_batch(backend: Backend, context: Context, request: Members) -> Members:
    queue = backend.queue(context, request["QueueUrl"])
    entries = request["Entries"]
    check_entries(entries, "SendMessageBatchRequestEntry")
    size = sum(size_of(entry["MessageBody"], _typed(entry)) for entry in entries)
    if size > _BATCH_BYTES:
        raise BatchRequestTooLong.of(_BATCH_BYTES, size)
    good: list[tuple[Members, Message, Deduplication | None]] = []
    bad: list[Members] = []
    for entry in entries:
        try:
            good.append((entry, *message_to(backend, context, queue, entry)))
        except ServiceError as error:
            bad.append(failed(entry, error))
    sent = await backend.broker.send([(message, once) for _, message, once in good]) if good else []
    successful = [
        {"Id": entry["Id"], **_sent(queue, message, one, entry)}
        for (entry, message, _), one in zip(good, sent, strict=True)
    ]
    return {"Successful": successful, "Failed": bad or None}


def _typed(entry: Members) -> dict[str, Any]:
    """Its attributes that have a type and a value: the others are refused later, by name."""
    given = entry.get("MessageAttributes", {}).items()
    return {name: value for name, value in given if "DataType" in value and len(value) > 1}


def message_to(
    backend: Backend, context: Context, queue: Queue, request: Members
) -> tuple[Message, Deduplication | None]:
    """For `Broker.send` or `insert`. Raises what it is refused with."""
    body, attributes = request["MessageBody"], request.get("MessageAttributes", {})
    system_attributes = request.get("MessageSystemAttributes", {})
    if not body:
        raise MissingParameter.of("MessageBody")
    check_characters(body)
    check_attributes(attributes)
    check_system_attributes(system_attributes)
    limit = queue.bound("MaximumMessageSize")
    if size_of(body, attributes) > limit:
        raise InvalidParameterValue.too_long(limit)
    system = {"SenderId": context.access_key or context.account}
    if TRACE in system_attributes:
        system[TRACE] = system_attributes[TRACE]["StringValue"]
    elif context.trace_id is not None:
        system[TRACE] = context.trace_id
    now = backend.clock.now()
    message = Message(
        id=backend.broker.new_id(now),
        queue=queue.number,
        visible_at=now + _delay_of(queue, request.get("DelaySeconds")),
        sent_at=now,
        message_id=new_uuid(),
        body=body,
        attributes=attributes,
        system=system,
    )
    return message, _order(queue, message, request)


def _delay_of(queue: Queue, given: int | None) -> int:
    if given is None or (queue.fifo and given == 0):
        return queue.bound("DelaySeconds")
    if queue.fifo:
        raise InvalidParameterValue.queue_type(given, "DelaySeconds")
    least, most, _ = BOUNDS["DelaySeconds"]
    if not least <= given <= most:
        raise InvalidParameterValue.delay(given)
    return given


def _order(queue: Queue, message: Message, request: Members) -> Deduplication | None:
    """Its group, and what it must not be sent twice by."""
    group, once = request.get("MessageGroupId"), request.get("MessageDeduplicationId")
    if group is not None:
        check_fifo_id(group, "MessageGroupId")
        message.system["MessageGroupId"] = group
    if not queue.fifo:
        if once is not None:
            raise InvalidParameterValue.queue_type(once, "MessageDeduplicationId")
        return None
    if group is None:
        raise MissingParameter.of("MessageGroupId")
    if once is None:
        if not queue.deduplicates_by_content:
            raise InvalidParameterValue.no_deduplication()
        once = hashlib.sha256(message.body.encode()).hexdigest()
    check_fifo_id(once, "MessageDeduplicationId")
    message.group_id = group
    message.system["MessageDeduplicationId"] = once
    message.system["SequenceNumber"] = _sequence_number(message.id)
    return Deduplication(group if queue.deduplicates_by_group else "", once)


def _sequence_number(number: int) -> str:
    return f"{number:020d}"


def _sent(queue: Queue, message: Message, sent: Sent, request: Members) -> Members:
    """A trace that came as the request's header is no attribute of its own: clients compare digests of what they sent."""
    traced = request.get("MessageSystemAttributes")
    return {
        "MessageId": sent.message_id,
        "MD5OfMessageBody": md5_of_body(message.body),
        "MD5OfMessageAttributes": md5_of_attributes(message.attributes) if message.attributes else None,
        "MD5OfMessageSystemAttributes": md5_of_attributes(traced) if traced else None,
        "SequenceNumber": _sequence_number(sent.sequence_number) if queue.fifo else None,
    }


# --- Receiving --------------------------------------------------------------------------------------------------------


async def receive_message(backend: Backend, context: Context, request: Members) -> Members:
    queue = backend.queue(context, request["QueueUrl"])
    most = request.get("MaxNumberOfMessages", 1)
    if not 1 <= most <= _MOST_RECEIVED:
        raise InvalidParameterValue.between(most, "MaxNumberOfMessages", 1, _MOST_RECEIVED)
    wait = request.get("WaitTimeSeconds", queue.bound("ReceiveMessageWaitTimeSeconds"))
    if not 0 <= wait <= BOUNDS["ReceiveMessageWaitTimeSeconds"][1]:
        raise InvalidParameterValue.wait_time(wait)
    visibility = request.get("VisibilityTimeout", queue.bound("VisibilityTimeout"))
    _check_visibility(visibility)
    system = {*request.get("AttributeNames", ()), *request.get("MessageSystemAttributeNames", ())}
    for name in system - _SYSTEM:
        raise InvalidAttributeName.unknown(name)
    messages = await backend.broker.receive(queue, most, visibility, wait)
    names = request.get("MessageAttributeNames", [])
    return {"Messages": [_received(message, system, names) for message in messages] or None}


def _check_visibility(seconds: int) -> None:
    least, most, _ = _VISIBILITY
    if not least <= seconds <= most:
        raise InvalidParameterValue.between(seconds, "VisibilityTimeout", least, most)


def _received(message: Message, system: set[str], names: list[str]) -> Members:
    attributes = selected(message.attributes, names)
    return {
        "MessageId": message.message_id,
        "ReceiptHandle": str(ReceiptHandle(message.queue, message.id, message.receipt)),
        "MD5OfBody": md5_of_body(message.body),
        "Body": message.body,
        "Attributes": _system_attributes(message, system) or None,
        "MD5OfMessageAttributes": md5_of_attributes(attributes) if attributes else None,
        "MessageAttributes": attributes or None,
    }


def _system_attributes(message: Message, wanted: set[str]) -> dict[str, str]:
    if not wanted:
        return {}
    found = {
        **message.system,
        "SentTimestamp": str(int(message.sent_at * 1000)),
        "ApproximateReceiveCount": str(message.receives),
        "ApproximateFirstReceiveTimestamp": str(int(message.first_received_at * 1000)),
    }
    return found if "All" in wanted else {name: value for name, value in found.items() if name in wanted}


# --- What was received ------------------------------------------------------------------------------------------------


async def delete_message(backend: Backend, context: Context, request: Members) -> Members:
    queue = backend.queue(context, request["QueueUrl"])
    handle = receipt_handle.parse(request["ReceiptHandle"], queue.number)
    _raise_first(await backend.broker.delete(queue, [handle]))
    return {}


async def change_message_visibility(backend: Backend, context: Context, request: Members) -> Members:
    queue = backend.queue(context, request["QueueUrl"])
    handle = receipt_handle.parse(request["ReceiptHandle"], queue.number)
    _check_visibility(request["VisibilityTimeout"])
    _raise_first(await backend.broker.change_visibility(queue, [(handle, request["VisibilityTimeout"])]))
    return {}


def _raise_first(outcomes: Sequence[ServiceError | None]) -> None:
    for outcome in outcomes:
        if outcome is not None:
            raise outcome


async def delete_message_batch(backend: Backend, context: Context, request: Members) -> Members:
    queue = backend.queue(context, request["QueueUrl"])
    entries = request["Entries"]
    check_entries(entries, "DeleteMessageBatchRequestEntry")
    good, bad = _sorted_out(entries, lambda entry: receipt_handle.parse(entry["ReceiptHandle"], queue.number))
    outcomes = await backend.broker.delete(queue, [handle for _, handle in good]) if good else []
    return _outcome([entry for entry, _ in good], outcomes, bad)


async def change_message_visibility_batch(backend: Backend, context: Context, request: Members) -> Members:
    queue = backend.queue(context, request["QueueUrl"])
    entries = request["Entries"]
    check_entries(entries, "ChangeMessageVisibilityBatchRequestEntry")

    def change_of(entry: Members) -> tuple[ReceiptHandle, int]:
        seconds = entry.get("VisibilityTimeout")
        if seconds is None:
            raise MissingParameter.of("VisibilityTimeout")
        _check_visibility(seconds)
        return receipt_handle.parse(entry["ReceiptHandle"], queue.number), seconds

    good, bad = _sorted_out(entries, change_of)
    outcomes = await backend.broker.change_visibility(queue, [change for _, change in good]) if good else []
    return _outcome([entry for entry, _ in good], outcomes, bad)


def _sorted_out(
    entries: Sequence[Members], read: Callable[[Members], Any]
) -> tuple[list[tuple[Members, Any]], list[Members]]:
    good, bad = [], []
    for entry in entries:
        try:
            good.append((entry, read(entry)))
        except ServiceError as error:
            bad.append(failed(entry, error))
    return good, bad


def _outcome(entries: Sequence[Members], outcomes: Sequence[ServiceError | None], bad: list[Members]) -> Members:
    pairs = list(zip(entries, outcomes, strict=True))
    return {
        "Successful": [{"Id": entry["Id"]} for entry, error in pairs if error is None],
        "Failed": [*bad, *(failed(entry, error) for entry, error in pairs if error is not None)] or None,
    }
