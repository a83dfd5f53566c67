"""What a Create- or UpdateEventSourceMapping request may say of its kind of source: rules that the service model does not know.

AWS: docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
"""

from collections.abc import Mapping
from typing import Any

import orjson

from lambdad.errors import InvalidParameterValueException, ResourceConflictException, ValidationException
from lambdad.protocols.context import Members
from lambdad.protocols.violations import of_maximum
from lambdad.resources.destination import OF_RECORDS, may_be_destination
from lambdad.resources.event_pattern import is_event_pattern
from lambdad.resources.event_source_mapping import EventSourceMapping, timestamp_of
from lambdad.resources.event_sources import KINESIS, SQS, SQS_FIFO, SourceArn, SourceKind, kind_of
from lambdad.resources.quotas import QUOTAS

_BATCH_WITHOUT_WINDOW = 10
"""Messages of a standard queue that come at once without a batching window."""
_LEAST_RECORD_AGE, _MOST_RECORD_AGE = 60, 604_800
"""Seconds, when there is a limit at all; the service model allows less."""


def check_request(kind: SourceKind, request: Members) -> None:
    """Whatever a request gives, when the mapping is made and when it is changed."""
    if "OnSuccess" in (request.get("DestinationConfig") or {}):
        raise InvalidParameterValueException.of_source_kind("DestinationConfig")
    for member, value in request.items():
        if value and member not in kind.parameters:
            raise InvalidParameterValueException.of_source_kind(member)
    _check_destination(request)
    if 0 <= request.get("MaximumRecordAgeInSeconds", -1) < _LEAST_RECORD_AGE:
        raise InvalidParameterValueException.record_age(_LEAST_RECORD_AGE, _MOST_RECORD_AGE)
    _check_filters(kind, request)
    pollers = request.get("ProvisionedPollerConfig") or {}
    _check_pollers(kind, pollers)
    if pollers and (request.get("ScalingConfig") or {}).get("MaximumConcurrency"):
        raise InvalidParameterValueException.scaling_and_pollers()


def _check_pollers(kind: SourceKind, pollers: Mapping[str, Any]) -> None:
    least, most = kind.pollers
    for name, number in pollers.items():
        if name == "PollerGroupName":
            if number and kind in (SQS, SQS_FIFO):
                raise InvalidParameterValueException.of_source_kind(name)
        elif not least <= number <= most:
            raise InvalidParameterValueException.pollers(name, least, most)
    if pollers.get("MinimumPollers", least) > pollers.get("MaximumPollers", most):
        raise InvalidParameterValueException.poller_bounds()


def check_creation(kind: SourceKind, request: Members, account: str, region: str, now: float) -> None:
    """Where the source is, what must be given, and where reading starts."""
    if kind.has_arn:
        place = SourceArn.of(request["EventSourceArn"])
        if place.region != region:
            raise InvalidParameterValueException.source_elsewhere(region)
        if kind.own_account and place.account != account:
            raise InvalidParameterValueException.source_of_another()
    position = request.get("StartingPosition")
    if position is None and kind.position_needed:
        raise InvalidParameterValueException.null_starting_position()
    for member in kind.needed:
        if not request.get(member):
            raise InvalidParameterValueException.missing_parameter(f"{member[0].lower()}{member[1:]}")
    if position is not None and position not in kind.positions:
        raise InvalidParameterValueException.starting_position(request.get("EventSourceArn", ""))
    if (position == "AT_TIMESTAMP") != (request.get("StartingPositionTimestamp") is not None):
        raise InvalidParameterValueException.starting_position_timestamp()
    if position == "AT_TIMESTAMP" and timestamp_of(request["StartingPositionTimestamp"]) > now:
        raise InvalidParameterValueException.future_starting_position()


def check_settings(kind: SourceKind, settings: Mapping[str, Any]) -> None:
    """What must hold of the mapping as it will be."""
    batch, window = settings["BatchSize"], settings.get("MaximumBatchingWindowInSeconds") or 0
    if batch > kind.batch_limit:
        raise ValidationException.of([of_maximum(batch, "batchSize", kind.batch_limit)])
    if kind is SQS_FIFO and window:
        raise InvalidParameterValueException.window_of_fifo()
    if kind is SQS and batch > _BATCH_WITHOUT_WINDOW and not window:
        raise InvalidParameterValueException.batch_without_window()


def _check_destination(request: Members) -> None:
    target = ((request.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination") or ""
    if target.startswith("arn:") and not may_be_destination(target, OF_RECORDS):
        raise InvalidParameterValueException.destination_config(None, target)


def _check_filters(kind: SourceKind, request: Members) -> None:
    filters = (request.get("FilterCriteria") or {}).get("Filters") or []
    if len(filters) > QUOTAS.filters:
        raise InvalidParameterValueException.too_many_filters(QUOTAS.filters)
    patterns = [one.get("Pattern") or "" for one in filters]
    if not all(map(is_event_pattern, patterns)) or (kind is KINESIS and not all(map(_sees_json, patterns))):
        raise InvalidParameterValueException.filter_pattern()


def _sees_json(pattern: str) -> bool:
    """A stream's data are looked at as JSON, not as text."""
    return isinstance(orjson.loads(pattern or "{}").get("data", {}), dict)


def check_beside(other: EventSourceMapping, mapping: EventSourceMapping) -> None:
    """No two mappings of one function read the same. Raises ResourceConflictException."""
    if other.function_arn != mapping.function_arn or not set(other.sources) & set(mapping.sources):
        return
    topics = set(mapping.settings.get("Topics") or ())
    if topics and not topics & set(other.settings.get("Topics") or ()):
        return
    kind, uuid, name = kind_of(mapping.settings), other.key.name, mapping.function.name
    if not kind.has_arn:
        sources = ",".join(mapping.sources)
        raise ResourceConflictException.topics_are_mapped(
            sources, mapping.function_arn, ",".join(mapping.settings["Topics"]), uuid
        )
    if kind in (SQS, SQS_FIFO):
        raise ResourceConflictException.queue_is_mapped(mapping.sources[0], name, uuid)
    raise ResourceConflictException.source_is_mapped(mapping.sources[0], name, uuid)
