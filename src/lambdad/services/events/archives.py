"""Archives, which keep a bus's events, and replays of them.

AWS: docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateArchive.html, …/API_StartReplay.html
"""

import dataclasses
from typing import Any

from lambdad.errors.events import (
    IllegalStatusException,
    ResourceAlreadyExistsException,
    ResourceNotFoundException,
    ValidationException,
)
from lambdad.ids import new_uuid
from lambdad.protocols.context import Context, Members
from lambdad.resources.event_bus import Archive, NamedKey, Replay, archive_of_arn, bus_of_arn
from lambdad.resources.event_pattern import pattern_of
from lambdad.services.events.backend import Backend, own
from lambdad.services.events.pages import page_of
from lambdad.services.events.replayer import RUNNING


async def create_archive(backend: Backend, context: Context, request: Members) -> Members:
    key = NamedKey(context.account, context.region, request["ArchiveName"])
    source = request["EventSourceArn"]
    _check_bus(backend, context, source)
    if request.get("EventPattern"):
        pattern_of(request["EventPattern"])
    archive = Archive(
        key=key,
        number=int(new_uuid().replace("-", "")[:13], 16),
        source=source,
        created_at=backend.clock.now(),
        description=request.get("Description"),
        pattern=request.get("EventPattern") or None,
        retention_days=request.get("RetentionDays") or 0,
    )

    def change(before: Archive | None) -> Archive:
        if before is not None:
            raise ResourceAlreadyExistsException.of("Archive", key.name)
        return archive

    await backend.archives.apply(key, change)
    return _state_of(archive)


def _check_bus(backend: Backend, context: Context, arn: str) -> None:
    """Raises ResourceNotFoundException, AccessDeniedException."""
    bus = bus_of_arn(arn)
    if bus is None or not backend.intake.router.exists(own(context, bus)):
        raise ResourceNotFoundException.bus(arn.rpartition("/")[2])


def _state_of(archive: Archive) -> Members:
    return {"ArchiveArn": archive.key.arn("archive"), "State": "ENABLED", "CreationTime": archive.created_at}


async def update_archive(backend: Backend, context: Context, request: Members) -> Members:
    key = NamedKey(context.account, context.region, request["ArchiveName"])
    if request.get("EventPattern"):
        pattern_of(request["EventPattern"])
    names = (("description", "Description"), ("pattern", "EventPattern"), ("retention_days", "RetentionDays"))
    fields: dict[str, Any] = {name: request[member] for name, member in names if request.get(member) is not None}

    def change(before: Archive | None) -> Archive:
        if before is None:
            raise ResourceNotFoundException.archive(key.name)
        return dataclasses.replace(before, **fields)

    _, after = await backend.archives.apply(key, change)
    assert after is not None
    return _state_of(after)


async def delete_archive(backend: Backend, context: Context, request: Members) -> Members:
    key = NamedKey(context.account, context.region, request["ArchiveName"])

    def change(before: Archive | None) -> None:
        if before is None:
            raise ResourceNotFoundException.archive(key.name)

    before, _ = await backend.archives.apply(key, change)
    assert before is not None
    backend.replayer.forget(before.number)
    return {}


async def describe_archive(backend: Backend, context: Context, request: Members) -> Members:
    archive = backend.archives.get(NamedKey(context.account, context.region, request["ArchiveName"]))
    if archive is None:
        raise ResourceNotFoundException.archive(request["ArchiveName"])
    return {
        **await _members_of(backend, archive),
        "ArchiveArn": archive.key.arn("archive"),
        **({"Description": archive.description} if archive.description is not None else {}),
        **({"EventPattern": archive.pattern} if archive.pattern is not None else {}),
    }


async def _members_of(backend: Backend, archive: Archive) -> Members:
    events, size = await backend.archived.count(archive.number)
    return {
        "ArchiveName": archive.key.name,
        "EventSourceArn": archive.source,
        "State": "ENABLED",
        "RetentionDays": archive.retention_days,
        "SizeBytes": size,
        "EventCount": events,
        "CreationTime": archive.created_at,
    }


async def list_archives(backend: Backend, context: Context, request: Members) -> Members:
    _check_one_filter(request, "ListArchives")
    source = request.get("EventSourceArn")
    if source:
        _check_bus(backend, context, source)
    found = [
        archive
        for archive in backend.archives.list(context.account, context.region)
        if archive.key.name.startswith(request.get("NamePrefix", ""))
        and source in (None, archive.source)
        and request.get("State") in (None, "ENABLED")
    ]
    page, more = page_of(found, lambda archive: archive.key.name, request)
    return {"Archives": [await _members_of(backend, archive) for archive in page], **more}


def _check_one_filter(request: Members, operation: str) -> None:
    """Raises ValidationException."""
    if sum(bool(request.get(name)) for name in ("State", "EventSourceArn", "NamePrefix")) > 1:
        raise ValidationException.one_filter(operation)


# --- Replays ----------------------------------------------------------------------------------------------------------


async def start_replay(backend: Backend, context: Context, request: Members) -> Members:
    """`replayer.py` hears of the commit, and begins."""
    key = NamedKey(context.account, context.region, request["ReplayName"])
    _check_replay(backend, context, request)
    replay = Replay(
        key=key,
        archive=request["EventSourceArn"],
        destination=request["Destination"],
        first=request["EventStartTime"],
        last=request["EventEndTime"],
        started_at=backend.clock.now(),
        description=request.get("Description"),
    )

    def change(before: Replay | None) -> Replay:
        if before is not None:
            raise ResourceAlreadyExistsException.of("Replay", key.name)
        return replay

    await backend.replays.apply(key, change)
    return {"ReplayArn": key.arn("replay"), "State": "STARTING", "ReplayStartTime": replay.started_at}


def _check_replay(backend: Backend, context: Context, request: Members) -> None:
    """Raises ValidationException, ResourceNotFoundException, AccessDeniedException."""
    source, destination = archive_of_arn(request["EventSourceArn"]), request["Destination"]["Arn"]
    if source is None:
        raise ValidationException.replay_source("Must contain an archive ARN")
    if bus_of_arn(destination) is None:
        raise ValidationException.replay_destination("Must contain an event bus ARN")
    _check_bus(backend, context, destination)
    archive = backend.archives.get(source)
    if archive is None:
        raise ValidationException.replay_source(f"Archive {source.name} does not exist")
    if archive.source != destination:
        raise ValidationException.replay_destination("Cross event bus replay is not permitted")
    if request["EventEndTime"] <= request["EventStartTime"]:
        raise ValidationException.replay_times()


async def cancel_replay(backend: Backend, context: Context, request: Members) -> Members:
    """The replayer sees it at its next step, and stops."""
    key = NamedKey(context.account, context.region, request["ReplayName"])

    def change(before: Replay | None) -> Replay:
        if before is None:
            raise ResourceNotFoundException.replay(key.name)
        if before.state not in RUNNING:
            raise IllegalStatusException.replay(key.name)
        return dataclasses.replace(before, state="CANCELLING")

    await backend.replays.apply(key, change)
    return {"ReplayArn": key.arn("replay"), "State": "CANCELLING"}


async def describe_replay(backend: Backend, context: Context, request: Members) -> Members:
    replay = backend.replays.get(NamedKey(context.account, context.region, request["ReplayName"]))
    if replay is None:
        raise ResourceNotFoundException.replay(request["ReplayName"])
    members = {
        **_replay_members(replay),
        "ReplayArn": replay.key.arn("replay"),
        "Description": replay.description,
        "Destination": replay.destination,
    }
    return {name: value for name, value in members.items() if value is not None}


def _replay_members(replay: Replay) -> Members:
    members = {
        "ReplayName": replay.key.name,
        "EventSourceArn": replay.archive,
        "State": replay.state,
        "StateReason": replay.reason,
        "EventStartTime": replay.first,
        "EventEndTime": replay.last,
        "EventLastReplayedTime": replay.reached[0] if replay.reached is not None else None,
        "ReplayStartTime": replay.started_at,
        "ReplayEndTime": replay.ended_at,
    }
    return {name: value for name, value in members.items() if value is not None}


async def list_replays(backend: Backend, context: Context, request: Members) -> Members:
    _check_one_filter(request, "ListReplays")
    found = [
        replay
        for replay in backend.replays.list(context.account, context.region)
        if replay.key.name.startswith(request.get("NamePrefix", ""))
        and request.get("EventSourceArn") in (None, replay.archive)
        and request.get("State") in (None, replay.state)
    ]
    page, more = page_of(found, lambda replay: replay.key.name, request)
    return {"Replays": [_replay_members(replay) for replay in page], **more}
