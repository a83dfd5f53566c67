"""Operations on queues: create, find, list, attributes, tags, permissions, purge, delete."""

import base64
import binascii
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from lambdad.errors.sqs import (
    InvalidAttributeName,
    InvalidParameterValue,
    OverLimit,
    QueueDoesNotExist,
    QueueNameExists,
)
from lambdad.protocols.context import Context, Members
from lambdad.resources.sqs_queue import (
    BOUNDS,
    MOST_TAGS,
    Queue,
    QueueKey,
    check_name,
    checked_attributes,
    key_of_arn,
    may_be_dead_letter_queue_of,
)
from lambdad.services.sqs.backend import Backend, url_of

_PAGE = 1000
_DEFAULTS: Mapping[str, str] = {name: str(default) for name, (_, _, default) in BOUNDS.items()}
_FIFO_DEFAULTS: Mapping[str, str] = {
    "FifoQueue": "true",
    "ContentBasedDeduplication": "false",
    "DeduplicationScope": "queue",
    "FifoThroughputLimit": "perQueue",
}
_ACTIONS = 7
_GRANTED = frozenset(
    {
        *(
            "*",
            "ChangeMessageVisibility",
            "DeleteMessage",
            "GetQueueAttributes",
            "GetQueueUrl",
            "ReceiveMessage",
            "SendMessage",
        ),
        *("ListDeadLetterSourceQueues", "PurgeQueue"),
    }
)
_OWNERS = frozenset(
    {
        *("AddPermission", "CreateQueue", "DeleteQueue", "ListQueues", "RemovePermission", "SetQueueAttributes"),
        *("CancelMessageMoveTask", "ListMessageMoveTasks", "StartMessageMoveTask"),
        *("ListQueueTags", "TagQueue", "UntagQueue"),
    }
)


async def create_queue(backend: Backend, context: Context, request: Members) -> Members:
    name, given = request["QueueName"], request.get("Attributes", {})
    key = QueueKey(context.account, context.region, name)
    fifo = given.get("FifoQueue") == "true"
    if key.fifo != fifo:
        raise InvalidParameterValue.fifo_queue_name() if fifo else InvalidParameterValue.queue_name()
    check_name(name, fifo)
    attributes = checked_attributes(given, fifo)
    _check_dead_letter_queue(backend, key, attributes)
    now = backend.clock.now()
    queue = Queue(
        key=key,
        number=backend.broker.new_id(now),
        attributes={name: value for name, value in attributes.items() if value},
        tags=request.get("tags", {}),
        created_at=int(now),
        modified_at=int(now),
    )

    def change(before: Queue | None) -> Queue:
        if before is None:
            return queue
        for attribute, value in attributes.items():
            if _attributes_of(before).get(attribute, "") != value:
                raise QueueNameExists.with_other(attribute)
        return before

    await backend.broker.queues.apply(key, change)
    return {"QueueUrl": url_of(context, key)}


def _check_dead_letter_queue(backend: Backend, key: QueueKey, attributes: Mapping[str, str]) -> None:
    """Raises InvalidParameterValue."""
    policy = attributes.get("RedrivePolicy")
    if not policy:
        return
    arn = key_of_arn(orjson.loads(policy)["deadLetterTargetArn"])
    target = None if arn is None else backend.broker.queues.get(arn)
    if target is None:
        raise InvalidParameterValue.redrive(policy, "Dead letter target does not exist.")
    if target.fifo != key.fifo:
        raise InvalidParameterValue.redrive(policy, "Dead-letter queue must be same type of queue as the source.")
    if not may_be_dead_letter_queue_of(target, key):
        reason = "Dead-letter queue does not allow this queue to use it as a dead-letter queue."
        raise InvalidParameterValue.redrive(policy, reason)


async def get_queue_url(backend: Backend, context: Context, request: Members) -> Members:
    key = QueueKey(request.get("QueueOwnerAWSAccountId", context.account), context.region, request["QueueName"])
    if backend.broker.queues.get(key) is None:
        raise QueueDoesNotExist.queue()
    return {"QueueUrl": url_of(context, key)}


async def list_queues(backend: Backend, context: Context, request: Members) -> Members:
    prefix = request.get("QueueNamePrefix", "")
    queues = backend.broker.queues.list(context.account, context.region)
    found = [queue.key for queue in queues if queue.key.name.startswith(prefix)]
    page, token = _page(found, request)
    return {"QueueUrls": [url_of(context, key) for key in page] or None, "NextToken": token}


async def list_dead_letter_source_queues(backend: Backend, context: Context, request: Members) -> Members:
    target = backend.queue(context, request["QueueUrl"])
    queues = backend.broker.queues.list(target.key.account, target.key.region)
    found = [queue.key for queue in queues if (redrive := queue.redrive) is not None and redrive.target == target.key]
    page, token = _page(found, request)
    return {"queueUrls": [url_of(context, key) for key in page], "NextToken": token}


def _page(found: Sequence[QueueKey], request: Members) -> tuple[Sequence[QueueKey], str | None]:
    """By name. Without MaxResults AWS gives a thousand, and no token."""
    most, token = request.get("MaxResults"), request.get("NextToken")
    if most is not None and not 1 <= most <= _PAGE:
        raise InvalidParameterValue.value(most, "MaxResults", f"MaxResults must be an integer between 1 and {_PAGE}.")
    after = ""
    if token:
        try:
            after = base64.urlsafe_b64decode(token.encode("ascii")).decode()
        except (ValueError, binascii.Error) as error:
            raise InvalidParameterValue.token(token) from error
    rest = [key for key in found if key.name > after]
    page = rest[: most or _PAGE]
    more = most is not None and len(rest) > len(page)
    return page, base64.urlsafe_b64encode(page[-1].name.encode()).decode() if more else None


async def delete_queue(backend: Backend, context: Context, request: Members) -> Members:
    queue = backend.queue(context, request["QueueUrl"])
    await backend.broker.queues.apply(queue.key, lambda before: None)
    return {}


async def purge_queue(backend: Backend, context: Context, request: Members) -> Members:
    await backend.broker.purge(backend.queue(context, request["QueueUrl"]).number)
    return {}


# --- Attributes -------------------------------------------------------------------------------------------------------


async def get_queue_attributes(backend: Backend, context: Context, request: Members) -> Members:
    queue = backend.queue(context, request["QueueUrl"])
    wanted = set(request.get("AttributeNames", ()))
    for name in wanted:
        if name not in _KNOWN:
            raise InvalidAttributeName.unknown(name)
    everything = "All" in wanted
    found = _attributes_of(queue)
    if everything or any(name.startswith("Approximate") for name in wanted):
        visible, in_flight, delayed = await backend.broker.counts(queue)
        found["ApproximateNumberOfMessages"] = str(visible)
        found["ApproximateNumberOfMessagesNotVisible"] = str(in_flight)
        found["ApproximateNumberOfMessagesDelayed"] = str(delayed)
    chosen = {name: value for name, value in found.items() if everything or name in wanted}
    return {"Attributes": chosen or None}


def _attributes_of(queue: Queue) -> dict[str, str]:
    encrypted = "KmsMasterKeyId" not in queue.attributes
    return {
        **_DEFAULTS,
        **(_FIFO_DEFAULTS if queue.fifo else {}),
        "SqsManagedSseEnabled": "true" if encrypted else "false",
        **queue.attributes,
        "QueueArn": queue.key.arn,
        "CreatedTimestamp": str(queue.created_at),
        "LastModifiedTimestamp": str(queue.modified_at),
    }


_KNOWN = frozenset(
    {
        *_DEFAULTS,
        *_FIFO_DEFAULTS,
        *(
            "All",
            "QueueArn",
            "CreatedTimestamp",
            "LastModifiedTimestamp",
            "Policy",
            "RedrivePolicy",
            "RedriveAllowPolicy",
        ),
        *("KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled"),
        *("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"),
    }
)


async def set_queue_attributes(backend: Backend, context: Context, request: Members) -> Members:
    queue = backend.queue(context, request["QueueUrl"])
    if "FifoQueue" in request["Attributes"]:
        raise InvalidAttributeName.unknown("FifoQueue")
    given = checked_attributes(request["Attributes"], queue.fifo)
    _check_dead_letter_queue(backend, queue.key, given)

    def change(before: Queue) -> Queue:
        merged = {**before.attributes, **given}
        kept = {name: value for name, value in merged.items() if value}
        return dataclasses.replace(before, attributes=kept, modified_at=int(backend.clock.now()))

    await _update(backend, queue.key, change)
    return {}


async def _update(backend: Backend, key: QueueKey, change: Any) -> None:
    def checked(before: Queue | None) -> Queue:
        if before is None:
            raise QueueDoesNotExist.queue()
        changed: Queue = change(before)
        return changed

    await backend.broker.queues.apply(key, checked)


# --- Tags and permissions ---------------------------------------------------------------------------------------------


async def tag_queue(backend: Backend, context: Context, request: Members) -> Members:
    queue = backend.queue(context, request["QueueUrl"])
    tags = request["Tags"]

    def change(before: Queue) -> Queue:
        merged = {**before.tags, **tags}
        if len(merged) > MOST_TAGS:
            raise InvalidParameterValue.tags(before.key.name)
        return dataclasses.replace(before, tags=merged)

    await _update(backend, queue.key, change)
    return {}


async def untag_queue(backend: Backend, context: Context, request: Members) -> Members:
    queue = backend.queue(context, request["QueueUrl"])
    gone = frozenset(request["TagKeys"])

    def change(before: Queue) -> Queue:
        return dataclasses.replace(before, tags={key: tag for key, tag in before.tags.items() if key not in gone})

    await _update(backend, queue.key, change)
    return {}


async def list_queue_tags(backend: Backend, context: Context, request: Members) -> Members:
    return {"Tags": dict(backend.queue(context, request["QueueUrl"]).tags) or None}


async def add_permission(backend: Backend, context: Context, request: Members) -> Members:
    queue = backend.queue(context, request["QueueUrl"])
    actions, label = request["Actions"], request["Label"]
    if len(actions) > _ACTIONS:
        raise OverLimit.actions(len(actions))
    for action in actions:
        if action in _OWNERS:
            raise InvalidParameterValue.owners_action(action)
        if action not in _GRANTED:
            raise InvalidParameterValue.unknown_action(action)
    principals = [f"arn:aws:iam::{account}:root" for account in request["AWSAccountIds"]]
    named = [f"SQS:{action}" for action in actions]
    statement = {
        "Sid": label,
        "Effect": "Allow",
        "Principal": {"AWS": principals[0] if len(principals) == 1 else principals},
        "Action": named[0] if len(named) == 1 else named,
        "Resource": queue.key.arn,
    }

    def change(before: Queue) -> Queue:
        policy = _policy_of(before)
        if any(other["Sid"] == label for other in policy["Statement"]):
            raise InvalidParameterValue.value(label, "Label", "Already exists.")
        policy["Statement"].append(statement)
        return _with_policy(before, policy)

    await _update(backend, queue.key, change)
    return {}


async def remove_permission(backend: Backend, context: Context, request: Members) -> Members:
    queue = backend.queue(context, request["QueueUrl"])
    label = request["Label"]

    def change(before: Queue) -> Queue:
        policy = _policy_of(before)
        kept = [statement for statement in policy["Statement"] if statement.get("Sid") != label]
        if len(kept) == len(policy["Statement"]):
            raise InvalidParameterValue.value(label, "Label", "can't find label on existing policy.")
        return _with_policy(before, {**policy, "Statement": kept})

    await _update(backend, queue.key, change)
    return {}


def _policy_of(queue: Queue) -> dict[str, Any]:
    policy = queue.attributes.get("Policy")
    if policy:
        document: dict[str, Any] = orjson.loads(policy)
        if isinstance(document.get("Statement"), list):
            return document
    return {"Version": "2012-10-17", "Id": f"{queue.key.arn}/SQSDefaultPolicy", "Statement": []}


def _with_policy(queue: Queue, policy: dict[str, Any]) -> Queue:
    attributes = {name: value for name, value in queue.attributes.items() if name != "Policy"}
    if policy["Statement"]:
        attributes["Policy"] = orjson.dumps(policy).decode()
    return dataclasses.replace(queue, attributes=attributes)
