"""Where what became of an event goes: queues, topics, event buses, buckets; and what rules and schedules send to their targets.

AWS: docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html (destinations),
…/invocation-async-retain-records.html#invocation-dlq (the message attributes of dead-letter queues)
"""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from lambdad.aws.clients import Clients, NoEndpoint, Own
from lambdad.aws.event_entries import entry_of
from lambdad.aws.queue_messages import attributes_of, message_of
from lambdad.aws.sdk_operations import botocore_name, call_operation
from lambdad.aws.target_calls import CALLS, CLIENTS, call_target
from lambdad.errors import AccessDeniedException
from lambdad.ids import new_uuid
from lambdad.resources.scheduler_target import UniversalTarget, numbered, universal_target
from lambdad.store.deliveries import Delivery

_AT_ONCE: Final = 32
_SCHEDULES: Final = "arn:aws:scheduler:"
_THROTTLES: Final = frozenset(
    {"Throttling", "ThrottlingException", "RequestThrottled", "SlowDown", "TooManyRequestsException"}
)


class _TargetError(Exception):
    def __init__(self, code: str, message: str) -> None:
        """`code`: the target service's own."""
        super().__init__(message)
        self.code = code
        self.message = message


class TargetRefused(_TargetError):
    """It will not be otherwise when it is tried again."""


class TargetUnavailable(_TargetError):
    """Out of reach, or too busy."""


class _Every:
    def __contains__(self, service: object) -> bool:
        return True


class AwsTargets:
    """`close` when the server ends."""

    def __init__(
        self,
        endpoints: Mapping[str, str],
        own: Own,
        here: Mapping[str, Callable[[Delivery], Awaitable[None]]],
    ) -> None:
        """`endpoints`: URL by service. `here`: services that are asked without a request, unless others are configured."""
        self._clients = Clients(endpoints, own, _AT_ONCE)
        self._inner = Clients({}, dataclasses.replace(own, services=_Every()), _AT_ONCE, {"X-Lambdad-Inside": "1"})
        self._endpoints = endpoints
        self._here = {name: take for name, take in here.items() if name not in endpoints}

    async def send(self, delivery: Delivery) -> None:
        """Raises TargetRefused, TargetUnavailable."""
        delivery = of_attempt(delivery)
        if _is_scheduled(delivery):
            called = universal_target(delivery.target)
            if called is not None:
                await self._call(called, delivery)
                return
        parts = delivery.target.split(":", 5)
        service, region = (parts[2], parts[3] or delivery.key.region) if len(parts) == 6 else ("", "")
        self._check_account(delivery, service, parts)
        if service in self._here:
            await self._here[service](delivery)
            return
        send = _sender_of(service, delivery.kind)
        if send is None:
            raise TargetRefused("UnknownTarget", f"{service or delivery.target} is no service that takes it")
        client_name = CLIENTS.get(service, service)
        try:
            endpoint = self._clients.endpoint(client_name)
            account = parts[4] or delivery.key.account
            await self._clients.call(
                client_name, account, region, lambda client: _explained(send, client, delivery, endpoint)
            )
        except NoEndpoint as error:
            raise TargetRefused("NoEndpoint", str(error)) from error

    def _check_account(self, delivery: Delivery, service: str, parts: Sequence[str]) -> None:
        """What is here is asked in its own account's name: so it must be the sender's, but for a bus, which has a policy to ask.

        Raises TargetRefused.
        """
        if service not in ("", "events", *self._endpoints) and parts[4] not in ("", delivery.key.account):
            refused = AccessDeniedException.other_account(delivery.key.name, delivery.target)
            raise TargetRefused(refused.code, refused.message)

    async def _call(self, called: UniversalTarget, delivery: Delivery) -> None:
        """Any operation of our own services, as if a function of the account asked for it: whoever may make a schedule must not
        get further by it. Elsewhere it would be called with the owner's credentials, so it is not."""
        name, key = botocore_name(called.service) or called.service, delivery.key
        if name in self._endpoints:
            raise TargetRefused(
                "NoEndpoint", f"{name} has an endpoint elsewhere: universal targets are called only here"
            )
        await self._inner.call(
            name,
            key.account,
            key.region,
            lambda client: _explained(partial(call_operation, called), client, delivery, ""),
        )

    def close(self) -> None:
        self._clients.close()
        self._inner.close()


def of_attempt(delivery: Delivery) -> Delivery:
    """As it is sent this time: what a schedule sends says how often it was tried."""
    if not _is_scheduled(delivery):
        return delivery
    return dataclasses.replace(delivery, body=numbered(delivery.body, delivery.attempts + 1))


def _is_scheduled(delivery: Delivery) -> bool:
    return delivery.kind == "target" and delivery.context["sender"].startswith(_SCHEDULES)


def _explained(send: Callable[[Any, Delivery, str], None], client: Any, delivery: Delivery, endpoint: str) -> None:
    """In a thread: the client's own errors in ours."""
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

    try:
        send(client, delivery, endpoint)
    except ParamValidationError as error:
        raise TargetRefused("ValidationException", str(error)) from error
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
        code = error.response["Error"]["Code"]
        kind = TargetUnavailable if status >= 500 or code in _THROTTLES else TargetRefused
        raise kind(code, error.response["Error"].get("Message") or str(error)) from error
    except BotoCoreError as error:
        raise TargetUnavailable(type(error).__name__, str(error)) from error


def _to_queue(client: Any, delivery: Delivery, endpoint: str) -> None:
    account, name = delivery.target.split(":")[4:6]
    client.send_message(QueueUrl=f"{endpoint}/{account}/{name}", **message_of(delivery))


def _to_topic(client: Any, delivery: Delivery, endpoint: str) -> None:
    subject = {"Subject": delivery.context["subject"]} if delivery.kind == "alarm" else {}
    attributes = attributes_of(delivery)
    client.publish(TopicArn=delivery.target, Message=delivery.body.decode(), MessageAttributes=attributes, **subject)


def _to_event_bus(client: Any, delivery: Delivery, endpoint: str) -> None:
    answer = client.put_events(Entries=[entry_of(delivery)])
    if answer.get("FailedEntryCount"):
        entry = answer["Entries"][0]
        raise TargetRefused(entry.get("ErrorCode", "InternalFailure"), entry.get("ErrorMessage", ""))


def _to_bucket(client: Any, delivery: Delivery, endpoint: str) -> None:
    now = datetime.fromtimestamp(delivery.begun_at, UTC)
    prefix = delivery.context.get("prefix") or f"async/{delivery.key.name}"
    key = f"aws/lambda/{prefix}/{now:%Y/%m/%d}/{now:%Y-%m-%dT%H.%M.%S}-{new_uuid()}"
    client.put_object(Bucket=delivery.target.split(":", 5)[5], Key=key, Body=delivery.body)


_SENDERS: Final[dict[str, Callable[[Any, Delivery, str], None]]] = {
    "sqs": _to_queue,
    "sns": _to_topic,
    "events": _to_event_bus,
    "s3": _to_bucket,
}


def _sender_of(service: str, kind: str) -> Callable[[Any, Delivery, str], None] | None:
    """A target of a rule or schedule is asked for what it does, not told what became of something."""
    if kind == "target" and service not in ("sqs", "events"):
        return call_target if service in CALLS else None
    return _SENDERS.get(service)
