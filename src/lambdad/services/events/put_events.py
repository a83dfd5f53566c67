"""Events are put, and patterns tried.

AWS: docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
"""

import dataclasses
from typing import Final

import orjson

from lambdad.errors.events import EntryError, ThrottlingException, ValidationException
from lambdad.ids import new_uuid
from lambdad.protocols.context import Context, Members
from lambdad.resources.event_document import LARGEST_REQUEST, BusEvent, event_of, size_of
from lambdad.resources.event_pattern import pattern_of
from lambdad.services.events.backend import Backend, named_bus
from lambdad.services.events.router import TooMuch

_MANDATORY: Final = ("id", "account", "source", "time", "region", "resources", "detail-type")


async def put_events(backend: Backend, context: Context, request: Members) -> Members:
    """Each entry is taken or refused for itself; all that are taken are committed at once."""
    if request.get("EndpointId"):
        raise ValidationException.not_built("global endpoints")
    entries = request["Entries"]
    if sum(map(size_of, entries)) > LARGEST_REQUEST:
        raise ValidationException.entries_size()
    events: list[BusEvent] = []
    answers: list[Members] = []
    for entry in entries:
        try:
            event = _event_of(backend, context, entry)
        except EntryError as error:
            answers.append({"ErrorCode": error.code, "ErrorMessage": error.message})
            continue
        events.append(event)
        answers.append({"EventId": event.document["id"]})
    try:
        await backend.intake.take(events)
    except TooMuch as error:
        raise ThrottlingException.rate() from error
    return {"FailedEntryCount": sum("ErrorCode" in answer for answer in answers), "Entries": answers}


def _event_of(backend: Backend, context: Context, entry: Members) -> BusEvent:
    """What is put on a bus that there is not is taken, and matches nothing: as on AWS. Raises EntryError."""
    bus = named_bus(context, entry.get("EventBusName"))
    if not backend.intake.router.allows(bus, context.account):
        raise EntryError.bus_policy(context.account, bus.arn)
    event = event_of(entry, bus, new_uuid(), context.account, backend.clock.now())
    # The SDKs in functions pass on what called them in the request's header; an entry's own wins.
    return dataclasses.replace(event, trace_header=event.trace_header or context.trace_id)


async def test_event_pattern(backend: Backend, context: Context, request: Members) -> Members:
    pattern = pattern_of(request["EventPattern"])
    try:
        event = orjson.loads(request["Event"])
    except orjson.JSONDecodeError as error:
        raise ValidationException.test_event("Event is not valid JSON") from error
    if not isinstance(event, dict):
        raise ValidationException.test_event("Event is not an object")
    for name in _MANDATORY:
        if name not in event:
            raise ValidationException.test_event(f"{name} is a required field")
    return {"Result": pattern.matches(event)}
