"""Create-, Get-, Update-, Delete- and ListEventSourceMapping(s).

AWS: docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html and its siblings.
"""

import dataclasses
from typing import Any

from lambdad.api.backend import Backend
from lambdad.api.operations.event_source_mapping_rules import (
    check_beside,
    check_creation,
    check_request,
    check_settings,
)
from lambdad.api.operations.tags import check_tags
from lambdad.api.pagination import page_of
from lambdad.errors import InvalidParameterValueException, ResourceNotFoundException
from lambdad.ids import new_uuid
from lambdad.invocation.routing import version_of
from lambdad.protocols.context import Context, Members
from lambdad.resources.arn import resolve_function
from lambdad.resources.event_source_mapping import EventSourceMapping, MappingKey, changed, deleting
from lambdad.resources.event_sources import SQS, SQS_FIFO, SourceKind, kind_of
from lambdad.resources.function import FunctionKey
from lambdad.resources.quotas import QUOTAS
from lambdad.resources.tenancy import check_without_tenants

_NOT_SETTINGS = frozenset({"UUID", "FunctionName", "Enabled", "Tags"})
_CONSUMER_GROUPS = {
    "kafka": "AmazonManagedKafkaEventSourceConfig",
    "self-managed-kafka": "SelfManagedKafkaEventSourceConfig",
}


async def create_event_source_mapping(backend: Backend, context: Context, request: Members) -> Members:
    kind = kind_of(request)
    check_request(kind, request)
    check_creation(kind, request, context.account, context.region, backend.clock.now())
    check_tags(request.get("Tags") or {})
    function, qualifier = _function_named(backend, context, request["FunctionName"])
    key = MappingKey(context.account, context.region, new_uuid())
    settings = _settings_of(request, dict(kind.defaults))
    if kind.positions:
        settings.setdefault("StartingPosition", "TRIM_HORIZON")
    if kind.name in _CONSUMER_GROUPS:
        member = _CONSUMER_GROUPS[kind.name]
        settings[member] = {"ConsumerGroupId": key.name, **settings.get(member, {})}
    check_settings(kind, settings)
    mapping = EventSourceMapping(
        key=key,
        function=function,
        qualifier=qualifier,
        enabled=request.get("Enabled", True),
        state="Creating",
        last_modified=backend.clock.now(),
        settings=settings,
        tags=request.get("Tags") or {},
    )
    if kind.has_arn:
        await _check_source(backend, mapping, kind)
    await backend.event_source_mappings.create(mapping, check_beside)
    return _members_of(mapping, kind)


async def get_event_source_mapping(backend: Backend, context: Context, request: Members) -> Members:
    mapping = backend.event_source_mappings.get(_key_of(context, request))
    if mapping is None:
        raise ResourceNotFoundException.requested_resource()
    return _members_of(mapping, kind_of(mapping.settings))


async def update_event_source_mapping(backend: Backend, context: Context, request: Members) -> Members:
    key, now = _key_of(context, request), backend.clock.now()

    def change(before: EventSourceMapping) -> EventSourceMapping:
        kind = kind_of(before.settings)
        check_request(kind, request)
        moved = _moved(backend, context, request, before)
        settings = _settings_of(request, dict(before.settings))
        check_settings(kind, settings)
        enabled = request.get("Enabled", before.enabled)
        after = dataclasses.replace(moved, settings=settings, enabled=enabled, last_modified=now)
        return changed(before, after)

    moves = "FunctionName" in request
    found = backend.event_source_mappings.get(key)
    if moves and found is not None and (kind := kind_of(found.settings)) in (SQS, SQS_FIFO):
        check_request(kind, request)
        await _check_source(backend, _moved(backend, context, request, found), kind)
    mapping = await backend.event_source_mappings.update_beside(key, change, check_beside if moves else None)
    assert mapping is not None
    return _members_of(mapping, kind_of(mapping.settings))


def _moved(backend: Backend, context: Context, request: Members, mapping: EventSourceMapping) -> EventSourceMapping:
    """To the function that a request names, if it names one. Raises InvalidParameterValueException."""
    if "FunctionName" not in request:
        return mapping
    function, qualifier = _function_named(backend, context, request["FunctionName"])
    return dataclasses.replace(mapping, function=function, qualifier=qualifier)


async def delete_event_source_mapping(backend: Backend, context: Context, request: Members) -> Members:
    mapping = await backend.event_source_mappings.update(_key_of(context, request), deleting)
    assert mapping is not None
    return _members_of(mapping, kind_of(mapping.settings))


async def list_event_source_mappings(backend: Backend, context: Context, request: Members) -> Members:
    source, name = request.get("EventSourceArn"), request.get("FunctionName")
    arn = None
    if name:
        function, qualifier = resolve_function(name, None, context.account, context.region)
        arn = f"{function.arn}:{qualifier}" if qualifier else function.arn
    found = [
        mapping
        for mapping in backend.event_source_mappings.list(context.account, context.region)
        if (not source or source in mapping.sources) and arn in (None, mapping.function_arn)
    ]
    most, largest = request.get("MaxItems"), QUOTAS.mappings_page
    page, marker = page_of(found, lambda one: (one.key.name, 0), request.get("Marker"), most, largest)
    return {
        "EventSourceMappings": [_members_of(mapping, kind_of(mapping.settings)) for mapping in page],
        "NextMarker": marker,
    }


def _key_of(context: Context, request: Members) -> MappingKey:
    return MappingKey(context.account, context.region, request["UUID"])


async def _check_source(backend: Backend, mapping: EventSourceMapping, kind: SourceKind) -> None:
    """Raises InvalidParameterValueException."""
    arn = mapping.sources[0]
    facts = await backend.look_at_source(arn, mapping.key.account)
    if not facts.exists and kind in (SQS, SQS_FIFO):
        raise InvalidParameterValueException.queue_not_found()
    if not facts.exists:
        raise InvalidParameterValueException.stream_not_found(arn)
    timeout = version_of(mapping.function, backend.functions.get(mapping.function), mapping.qualifier).timeout
    if facts.visibility_timeout is not None and facts.visibility_timeout < timeout:
        raise InvalidParameterValueException.visibility_timeout(facts.visibility_timeout, timeout)


def _function_named(backend: Backend, context: Context, name: str) -> tuple[FunctionKey, str | None]:
    """Raises InvalidParameterValueException."""
    key, qualifier = resolve_function(name, None, context.account, context.region)
    function = backend.functions.get(key)
    if function is None:
        raise InvalidParameterValueException.function_of_mapping()
    if qualifier is not None and qualifier not in function.versions and qualifier not in function.aliases:
        raise InvalidParameterValueException.function_of_mapping()
    check_without_tenants(function.latest, "Event source mapping")
    return key, qualifier


def _settings_of(request: Members, settings: dict[str, Any]) -> dict[str, Any]:
    """`settings` after a request; empty criteria and keys unset what they name."""
    settings |= {name: value for name, value in request.items() if name not in _NOT_SETTINGS}
    if not (settings.get("FilterCriteria") or {}).get("Filters"):
        settings.pop("FilterCriteria", None)
    if "DestinationConfig" in settings:
        settings["DestinationConfig"] = {"OnFailure": settings["DestinationConfig"].get("OnFailure") or {}}
    for name in ("KMSKeyArn", "ScalingConfig", "ProvisionedPollerConfig"):
        if not settings.get(name):
            settings.pop(name, None)
    return settings


def _members_of(mapping: EventSourceMapping, kind: SourceKind) -> Members:
    return {
        **mapping.settings,
        "UUID": mapping.key.name,
        "EventSourceMappingArn": mapping.key.arn,
        "FunctionArn": mapping.function_arn,
        "LastModified": mapping.last_modified,
        "State": mapping.state,
        "StateTransitionReason": kind.transition_reason,
    }
