"""SQS messages in the database: every function here is one change, run within a transaction.

A message's id is the time it was sent at, in microseconds, made unique: order of arrival and age in one. A message is received
by moving `visible_at` ahead; what is visible is found by an index, however many messages wait. In a FIFO queue a group is
available once its earliest message is visible and none of it is in flight: `sqs_groups` says since when.
"""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import apsw
import orjson

_COLUMNS = "id, queue, group_id, visible_at, receives, receipt, sent_at, first_received_at, message_id, body, attributes, system"
_DEDUPLICATION = 300.0
"""Seconds."""
_TICK = 1e-6
"""Seconds: at least that long a message is hidden, or one receive would find it again."""


@dataclass(slots=True, kw_only=True)
class Message:
    """Times in seconds since the epoch."""

    id: int
    queue: int
    group_id: str = ""
    """Of a FIFO queue; elsewhere empty."""
    visible_at: float
    receives: int = 0
    receipt: int = 0
    """A number of the latest receive, part of its handle."""
    sent_at: float
    first_received_at: float = 0.0
    message_id: str
    body: str
    attributes: dict[str, Any] = field(default_factory=dict)
    system: dict[str, str] = field(default_factory=dict)
    """System attributes that do not change."""


@dataclass(frozen=True, slots=True)
class Sent:
    message_id: str
    sequence_number: int


@dataclass(frozen=True, slots=True)
class Overflow:
    """What becomes of messages that were received too often."""

    queue: int
    fifo: bool
    source_arn: str
    most_receives: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """One receive."""

    queue: int
    fifo: bool
    most: int
    now: float
    visibility: float
    oldest: float
    """What was sent before has expired."""
    overflow: Overflow | None
    receipts: Sequence[int]


@dataclass(slots=True)
class Received:
    messages: list[Message] = field(default_factory=list)
    moved: int = 0
    """To the dead-letter queue."""
    expired: int = 0
    next_visible: float | None = None
    """When there is something again, if nobody sends; only when there was not enough."""


# --- Sending ----------------------------------------------------------------------------------------------------------


def insert(connection: apsw.Connection, message: Message) -> None:
    connection.execute(
        f"INSERT INTO sqs_messages ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(message.id, message.queue, message.group_id, message.visible_at, message.receives, message.receipt),
            *(message.sent_at, message.first_received_at, message.message_id, message.body),
            *(_attributes_text(message.attributes), orjson.dumps(message.system).decode()),
        ),
    )
    if message.group_id:
        connection.execute(
            "INSERT INTO sqs_groups (queue, group_id, available_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (message.queue, message.group_id, message.visible_at),
        )


def insert_once(connection: apsw.Connection, message: Message, scope: str, deduplication_id: str) -> Sent:
    """Unless one with that id was sent in the last five minutes: then that one's numbers."""
    place = (message.queue, scope, deduplication_id)
    for message_id, number in connection.execute(
        "SELECT message_id, sequence_number FROM sqs_deduplications "
        "WHERE queue = ? AND scope = ? AND deduplication_id = ? AND expires_at > ?",
        (*place, message.sent_at),
    ):
        return Sent(str(message_id), int(number))
    connection.execute(
        "INSERT INTO sqs_deduplications (queue, scope, deduplication_id, message_id, sequence_number, expires_at) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (queue, scope, deduplication_id) DO UPDATE SET "
        "message_id = excluded.message_id, sequence_number = excluded.sequence_number, expires_at = excluded.expires_at",
        (*place, message.message_id, message.id, message.sent_at + _DEDUPLICATION),
    )
    insert(connection, message)
    return Sent(message.message_id, message.id)


# --- Receiving --------------------------------------------------------------------------------------------------------


def receive(connection: apsw.Connection, wanted: Wanted) -> Received:
    received = Received()
    pages = _fifo_pages(connection, wanted, received) if wanted.fifo else _standard_pages(connection, wanted, received)
    for page in pages:
        for message in page:
            if message.sent_at < wanted.oldest:
                _delete(connection, message.id)
                received.expired += 1
            elif wanted.overflow is not None and message.receives >= wanted.overflow.most_receives:
                _overflow(connection, message, wanted.overflow, wanted.now)
                received.moved += 1
            else:
                _hand_out(connection, message, wanted, wanted.receipts[len(received.messages)])
                received.messages.append(message)
                if len(received.messages) == wanted.most:
                    break
    if len(received.messages) < wanted.most:
        received.next_visible = _next_visible(connection, wanted)
    return received


def _standard_pages(connection: apsw.Connection, wanted: Wanted, received: Received) -> Iterator[list[Message]]:
    """Of a queue whose order does not count, until there are enough, or no more."""
    while (missing := wanted.most - len(received.messages)) > 0:
        rows = connection.execute(
            f"SELECT {_COLUMNS} FROM sqs_messages WHERE queue = ? AND visible_at <= ? ORDER BY visible_at, id LIMIT ?",
            (wanted.queue, wanted.now, missing),
        )
        page = [_message(row) for row in rows]
        if not page:
            return
        yield page


def _fifo_pages(connection: apsw.Connection, wanted: Wanted, received: Received) -> Iterator[list[Message]]:
    """Group by group, those that were available first; of one, as long as its messages are visible."""
    groups = connection.execute(
        "SELECT group_id FROM sqs_groups WHERE queue = ? AND available_at <= ? ORDER BY available_at LIMIT ?",
        (wanted.queue, wanted.now, wanted.most),
    )
    for (group_id,) in list(groups):
        last = 0
        while (missing := wanted.most - len(received.messages)) > 0:
            page = _visible_of_group(connection, wanted, group_id, last, missing)
            if not page:
                break
            last = page[-1].id
            yield page
        refresh_group(connection, wanted.queue, group_id, wanted.now)
        if not missing:
            return


def _visible_of_group(
    connection: apsw.Connection, wanted: Wanted, group_id: str, after: int, most: int
) -> list[Message]:
    """The next of an available group, up to one that is delayed: what comes behind that waits for it."""
    page: list[Message] = []
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM sqs_messages WHERE queue = ? AND group_id = ? AND id > ? ORDER BY id LIMIT ?",
        (wanted.queue, group_id, after, most),
    )
    for row in rows:
        message = _message(row)
        if message.visible_at > wanted.now:
            break
        page.append(message)
    return page


def refresh_group(connection: apsw.Connection, queue: int, group_id: str, now: float) -> None:
    """After a change of its messages: since when, or from when on, is it available? One without messages is none."""
    available_at: float | None = None
    in_flight = 0.0
    rows = connection.execute(
        "SELECT visible_at, receives FROM sqs_messages WHERE queue = ? AND group_id = ? ORDER BY id", (queue, group_id)
    )
    for visible_at, receives in rows:
        if available_at is None:
            available_at = visible_at
        if receives == 0:
            break  # none of those behind was received
        if visible_at > now:
            in_flight = max(in_flight, visible_at)
    if available_at is None:
        connection.execute("DELETE FROM sqs_groups WHERE queue = ? AND group_id = ?", (queue, group_id))
    else:
        connection.execute(
            "UPDATE sqs_groups SET available_at = ? WHERE queue = ? AND group_id = ?",
            (in_flight or available_at, queue, group_id),
        )


def _hand_out(connection: apsw.Connection, message: Message, wanted: Wanted, receipt: int) -> None:
    message.visible_at = wanted.now + max(wanted.visibility, _TICK)
    message.receives += 1
    message.receipt = receipt
    message.first_received_at = message.first_received_at or wanted.now
    connection.execute(
        "UPDATE sqs_messages SET visible_at = ?, receives = ?, receipt = ?, first_received_at = ? WHERE id = ?",
        (message.visible_at, message.receives, receipt, message.first_received_at, message.id),
    )


def _overflow(connection: apsw.Connection, message: Message, overflow: Overflow, now: float) -> None:
    system = {**message.system, "DeadLetterQueueSourceArn": overflow.source_arn}
    put_elsewhere(connection, message, overflow.queue, overflow.fifo, system, now)


def put_elsewhere(
    connection: apsw.Connection, message: Message, queue: int, fifo: bool, system: dict[str, str], now: float
) -> None:
    """Into another queue, as if it had been sent there; its age stays."""
    connection.execute(
        "UPDATE sqs_messages SET queue = ?, visible_at = ?, receives = 0, receipt = 0, first_received_at = 0, system = ? "
        "WHERE id = ?",
        (queue, now, orjson.dumps(system).decode(), message.id),
    )
    if fifo:
        connection.execute(
            "INSERT INTO sqs_groups (queue, group_id, available_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (queue, message.group_id, now),
        )


def _next_visible(connection: apsw.Connection, wanted: Wanted) -> float | None:
    table, column = ("sqs_groups", "available_at") if wanted.fifo else ("sqs_messages", "visible_at")
    ((first,),) = connection.execute(f"SELECT min({column}) FROM {table} WHERE queue = ?", (wanted.queue,))
    return None if first is None else float(first)


# --- What was received ------------------------------------------------------------------------------------------------


def find(connection: apsw.Connection, queue: int, number: int) -> Message | None:
    rows = connection.execute(f"SELECT {_COLUMNS} FROM sqs_messages WHERE id = ? AND queue = ?", (number, queue))
    return next((_message(row) for row in rows), None)


def delete(connection: apsw.Connection, message: Message, now: float) -> None:
    _delete(connection, message.id)
    if message.group_id:
        refresh_group(connection, message.queue, message.group_id, now)


def change_visibility(connection: apsw.Connection, message: Message, visible_at: float, now: float) -> None:
    connection.execute("UPDATE sqs_messages SET visible_at = ? WHERE id = ?", (visible_at, message.id))
    if message.group_id:
        refresh_group(connection, message.queue, message.group_id, now)


def _delete(connection: apsw.Connection, number: int) -> None:
    connection.execute("DELETE FROM sqs_messages WHERE id = ?", (number,))


# --- Whole queues -----------------------------------------------------------------------------------------------------


def counts(connection: apsw.Connection, queue: int, now: float) -> tuple[int, int, int]:
    """(visible, in flight, delayed)."""
    ((total,),) = connection.execute("SELECT count(*) FROM sqs_messages WHERE queue = ?", (queue,))
    ((hidden, in_flight),) = connection.execute(
        "SELECT count(*), coalesce(sum(receives > 0), 0) FROM sqs_messages WHERE queue = ? AND visible_at > ?",
        (queue, now),
    )
    return total - hidden, in_flight, hidden - in_flight


def queues(connection: apsw.Connection) -> list[int]:
    """Numbers of those that have messages, found one after another in the index."""
    found: list[int] = []
    while True:
        last = found[-1] if found else -1
        ((number,),) = connection.execute("SELECT min(queue) FROM sqs_messages WHERE queue > ?", (last,))
        if number is None:
            return found
        found.append(number)


def delete_some(connection: apsw.Connection, queue: int, before: int, most: int) -> int:
    """Of those sent before an id, in pieces: the writer is everyone's. How many went."""
    numbers = [
        number
        for (number,) in connection.execute(
            "SELECT id FROM sqs_messages WHERE queue = ? AND id < ? LIMIT ?", (queue, before, most)
        )
    ]
    _delete_all(connection, numbers)
    if len(numbers) < most:
        connection.execute(
            "DELETE FROM sqs_groups WHERE queue = ? AND NOT EXISTS (SELECT 1 FROM sqs_messages "
            "WHERE sqs_messages.queue = sqs_groups.queue AND sqs_messages.group_id = sqs_groups.group_id)",
            (queue,),
        )
    return len(numbers)


def expire(connection: apsw.Connection, queue: int, before: int, now: float, most: int) -> int:
    """As `delete_some`, found by age: few have expired, however many there are."""
    rows = list(
        connection.execute(
            "SELECT id, group_id FROM sqs_messages WHERE id < ? AND +queue = ? ORDER BY id LIMIT ?",
            (before, queue, most),
        )
    )
    _delete_all(connection, [number for number, _ in rows])
    for group_id in {group_id for _, group_id in rows if group_id}:
        refresh_group(connection, queue, group_id, now)
    return len(rows)


def _delete_all(connection: apsw.Connection, numbers: Sequence[int]) -> None:
    connection.executemany("DELETE FROM sqs_messages WHERE id = ?", [(number,) for number in numbers])


def forget_deduplications(connection: apsw.Connection, now: float) -> None:
    connection.execute("DELETE FROM sqs_deduplications WHERE expires_at <= ?", (now,))


def first_visible(connection: apsw.Connection, queue: int, now: float, most: int) -> list[Message]:
    """Those that wait in a queue, the earliest first: to be moved."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM sqs_messages WHERE queue = ? AND visible_at <= ? ORDER BY visible_at, id LIMIT ?",
        (queue, now, most),
    )
    return [_message(row) for row in rows]


# --- Rows -------------------------------------------------------------------------------------------------------------


def _message(row: tuple[Any, ...]) -> Message:
    names = (
        "id",
        "queue",
        "group_id",
        "visible_at",
        "receives",
        "receipt",
        "sent_at",
        "first_received_at",
        "message_id",
    )
    fields = dict(zip((*names, "body"), row[:10], strict=True))
    return Message(**fields, attributes=_attributes(row[10]), system=orjson.loads(row[11]))


def _attributes_text(attributes: dict[str, Any]) -> str:
    if not attributes:
        return ""
    document = {
        name: {
            member: base64.b64encode(value).decode() if isinstance(value, bytes) else value
            for member, value in attribute.items()
        }
        for name, attribute in attributes.items()
    }
    return orjson.dumps(document).decode()


def _attributes(text: str) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(text) if text else {}
    for attribute in document.values():
        if "BinaryValue" in attribute:
            attribute["BinaryValue"] = base64.b64decode(attribute["BinaryValue"])
    return document
