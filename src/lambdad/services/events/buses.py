"""Event buses and who may put events there.

AWS: docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html, …/API_PutPermission.html
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from lambdad.errors.events import (
    LimitExceededException,
    PolicyLengthExceededException,
    ResourceAlreadyExistsException,
    ResourceNotFoundException,
    ValidationException,
)
from lambdad.protocols.context import Context, Members
from lambdad.resources.event_bus import DEFAULT, MOST_BUSES, BusKey, EventBus
from lambdad.services.events.backend import Backend, bus_key
from lambdad.services.events.pages import page_of

_SETTINGS: Final = ("Description", "KmsKeyIdentifier", "DeadLetterConfig", "LogConfig")
_LONGEST_POLICY: Final = 10_240
Statements = Sequence[Mapping[str, Any]]


async def create_event_bus(backend: Backend, context: Context, request: Members) -> Members:
    key = BusKey(context.account, context.region, request["Name"])
    if "/" in key.name:
        raise ValidationException.bus_name()
    now = backend.clock.now()
    tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags") or ()}
    bus = EventBus(key=key, created_at=now, modified_at=now, settings=_settings_of(request), tags=tags)
    if len(backend.buses.list(key.account, key.region)) >= MOST_BUSES:
        raise LimitExceededException.resources()

    def change(before: EventBus | None) -> EventBus:
        if before is not None or key.name == DEFAULT:
            raise ResourceAlreadyExistsException.of("Event bus", key.name)
        return bus

    await backend.buses.apply(key, change)
    return {"EventBusArn": key.arn, **bus.settings}


def _settings_of(request: Members) -> dict[str, Any]:
    return {name: request[name] for name in _SETTINGS if request.get(name) is not None}


async def update_event_bus(backend: Backend, context: Context, request: Members) -> Members:
    def change(before: EventBus) -> EventBus:
        settings = {**before.settings, **_settings_of(request)}
        return dataclasses.replace(before, settings=settings, modified_at=backend.clock.now())

    bus = await backend.change_bus(bus_key(context, request.get("Name")), change)
    return {"Arn": bus.key.arn, "Name": bus.key.name, **bus.settings}


async def describe_event_bus(backend: Backend, context: Context, request: Members) -> Members:
    bus = await backend.bus(bus_key(context, request.get("Name")))
    return {**_members_of(bus), **bus.settings}


def _members_of(bus: EventBus) -> Members:
    members = {
        "Name": bus.key.name,
        "Arn": bus.key.arn,
        "CreationTime": bus.created_at,
        "LastModifiedTime": bus.modified_at,
        "Description": bus.settings.get("Description"),
        "Policy": _document_of(bus.statements),
    }
    return {name: value for name, value in members.items() if value is not None}


def _document_of(statements: Statements) -> str | None:
    if not statements:
        return None
    return orjson.dumps({"Version": "2012-10-17", "Statement": list(statements)}).decode()


async def list_event_buses(backend: Backend, context: Context, request: Members) -> Members:
    await backend.bus(bus_key(context, DEFAULT))
    prefix = request.get("NamePrefix", "")
    buses = backend.buses.list(context.account, context.region)
    found = [bus for bus in buses if bus.key.name.startswith(prefix)]
    page, more = page_of(found, lambda bus: bus.key.name, request)
    return {"EventBuses": [_members_of(bus) for bus in page], **more}


async def delete_event_bus(backend: Backend, context: Context, request: Members) -> Members:
    """One that there is not is deleted already."""
    key = BusKey(context.account, context.region, request["Name"])
    if key.name == DEFAULT:
        raise ValidationException.default_bus()

    def change(before: EventBus | None) -> None:
        if before is not None and backend.rules.of_bus(key):
            raise ValidationException.bus_has_rules(key.name)

    await backend.buses.apply(key, change)
    return {}


# --- Permissions ------------------------------------------------------------------------------------------------------


async def put_permission(backend: Backend, context: Context, request: Members) -> Members:
    """One statement, or the whole policy."""
    key = bus_key(context, request.get("EventBusName"))
    document = request.get("Policy")
    given = _statements_of(document) if document else (_statement_of(key, request),)

    def change(before: EventBus) -> EventBus:
        sids = {statement.get("Sid") for statement in given}
        kept = [] if document else [one for one in before.statements if one.get("Sid") not in sids]
        statements = (*kept, *given)
        if len(_document_of(statements) or "") > _LONGEST_POLICY:
            raise PolicyLengthExceededException.of()
        return dataclasses.replace(before, statements=statements, modified_at=backend.clock.now())

    await backend.change_bus(key, change)
    return {}


def _statement_of(key: BusKey, request: Members) -> dict[str, Any]:
    principal, action, sid = (request.get(name) for name in ("Principal", "Action", "StatementId"))
    if not (principal and action and sid):
        raise ValidationException.permission()
    statement: dict[str, Any] = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": "*" if principal == "*" else {"AWS": f"arn:aws:iam::{principal}:root"},
        "Action": action,
        "Resource": key.arn,
    }
    condition = request.get("Condition")
    if condition:
        statement["Condition"] = {condition["Type"]: {condition["Key"]: condition["Value"]}}
    return statement


def _statements_of(document: str) -> Statements:
    """Raises ValidationException."""
    try:
        policy = orjson.loads(document)
    except orjson.JSONDecodeError as error:
        raise ValidationException.policy() from error
    statements = policy.get("Statement") if isinstance(policy, dict) else None
    listed = [statements] if isinstance(statements, dict) else statements
    if not isinstance(listed, list) or not listed or not all(isinstance(one, dict) for one in listed):
        raise ValidationException.policy()
    return listed


async def remove_permission(backend: Backend, context: Context, request: Members) -> Members:
    sid, everything = request.get("StatementId"), request.get("RemoveAllPermissions")

    def change(before: EventBus) -> EventBus:
        kept = () if everything else tuple(one for one in before.statements if one.get("Sid") != sid)
        if not everything and len(kept) == len(before.statements):
            raise ResourceNotFoundException.statement()
        return dataclasses.replace(before, statements=kept, modified_at=backend.clock.now())

    await backend.change_bus(bus_key(context, request.get("EventBusName")), change)
    return {}
