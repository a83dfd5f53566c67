"""Put-, Update-, Get-, Delete- and ListFunctionEventInvokeConfig(s).

AWS: docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html and its siblings.
"""

import dataclasses
from typing import Any

from lambdad.api.backend import Backend
from lambdad.api.operations.named import named
from lambdad.api.pagination import page_of
from lambdad.errors import InvalidParameterValueException, ResourceNotFoundException
from lambdad.protocols.context import Context, Members
from lambdad.resources.arn import find_function_arn
from lambdad.resources.destination import OF_EVENTS, may_be_destination
from lambdad.resources.function import LATEST, Function, FunctionKey
from lambdad.resources.function_settings import EventInvokeConfig

_FIELDS = {
    "MaximumRetryAttempts": "maximum_retry_attempts",
    "MaximumEventAgeInSeconds": "maximum_event_age",
}


async def put_function_event_invoke_config(backend: Backend, context: Context, request: Members) -> Members:
    """Replaces what is there."""
    key, qualifier = named(context, request)
    _check_given(request)
    _check_target(_check_function(backend, key), qualifier)
    changes = _changes_of(backend, key, request)
    after = EventInvokeConfig(last_modified=backend.clock.now(), **changes)

    def change(function: Function) -> Function:
        _check_target(function, qualifier)
        return _with_config(function, qualifier, after)

    await backend.functions.update(key, change)
    return _members_of(key, qualifier or LATEST, after)


async def update_function_event_invoke_config(backend: Backend, context: Context, request: Members) -> Members:
    """Changes only what is given."""
    key, qualifier = named(context, request)
    _check_given(request)
    before = _check_function(backend, key)
    _check_target(before, qualifier)
    _config_of(before, qualifier)
    changes = _changes_of(backend, key, request)
    changes["last_modified"] = backend.clock.now()

    def change(function: Function) -> Function:
        _check_target(function, qualifier)
        return _with_config(function, qualifier, dataclasses.replace(_config_of(function, qualifier), **changes))

    function = await backend.functions.update(key, change)
    return _members_of(key, qualifier or LATEST, function.event_invoke_configs[qualifier or LATEST])


async def get_function_event_invoke_config(backend: Backend, context: Context, request: Members) -> Members:
    key, qualifier = named(context, request)
    function = backend.functions.get(key)
    config = function.event_invoke_configs.get(qualifier or LATEST) if function is not None else None
    if config is None:
        raise ResourceNotFoundException.event_invoke_config(_arn_of(key, qualifier))
    return _members_of(key, qualifier or LATEST, config)


async def delete_function_event_invoke_config(backend: Backend, context: Context, request: Members) -> Members:
    key, qualifier = named(context, request)

    def change(function: Function) -> Function:
        configs = dict(function.event_invoke_configs)
        if configs.pop(qualifier or LATEST, None) is None:
            raise ResourceNotFoundException.event_invoke_config(_arn_of(key, qualifier))
        return dataclasses.replace(function, event_invoke_configs=configs)

    if backend.functions.get(key) is None:
        raise ResourceNotFoundException.event_invoke_config(_arn_of(key, qualifier))
    await backend.functions.update(key, change)
    return {}


async def list_function_event_invoke_configs(backend: Backend, context: Context, request: Members) -> Members:
    key, _ = named(context, request)
    configs = sorted(_check_function(backend, key).event_invoke_configs.items())
    page, marker = page_of(configs, lambda item: (item[0], 0), request.get("Marker"), request.get("MaxItems"))
    return {
        "FunctionEventInvokeConfigs": [_members_of(key, qualifier, config) for qualifier, config in page],
        "NextMarker": marker,
    }


def _check_function(backend: Backend, key: FunctionKey) -> Function:
    function = backend.functions.get(key)
    if function is None:
        raise ResourceNotFoundException.function_of_event_invoke_config()
    return function


def _check_target(function: Function, qualifier: str | None) -> None:
    if qualifier and qualifier not in function.versions and qualifier not in function.aliases:
        raise ResourceNotFoundException.function_of_event_invoke_config()


def _config_of(function: Function, qualifier: str | None) -> EventInvokeConfig:
    """Raises ResourceNotFoundException."""
    config = function.event_invoke_configs.get(qualifier or LATEST)
    if config is None:
        raise ResourceNotFoundException.event_invoke_config(_arn_of(function.key, qualifier))
    return config


def _check_given(request: Members) -> None:
    if not request.get("DestinationConfig") and not any(member in request for member in _FIELDS):
        raise InvalidParameterValueException.nothing_to_configure()


def _changes_of(backend: Backend, key: FunctionKey, request: Members) -> dict[str, Any]:
    changes = {field: request[member] for member, field in _FIELDS.items() if member in request}
    destinations = request.get("DestinationConfig") or {}
    on_success, on_failure = (
        (destinations.get(name) or {}).get("Destination") or None for name in ("OnSuccess", "OnFailure")
    )
    wanted = [arn for arn in (on_failure, on_success) if arn]
    if not all(_may_be_destination(backend, key, arn) for arn in wanted) or _is_bucket(on_success):
        raise InvalidParameterValueException.destination_config(on_success, on_failure)
    if "OnSuccess" in destinations:
        changes["on_success"] = on_success
    if "OnFailure" in destinations:
        changes["on_failure"] = on_failure
    return changes


def _may_be_destination(backend: Backend, key: FunctionKey, arn: str) -> bool:
    """Raises InvalidParameterValueException for a function that cannot be one."""
    if not may_be_destination(arn, OF_EVENTS):
        return False
    if arn.split(":")[2] != "lambda":
        return True
    target = find_function_arn(arn)
    if target is None or (target.region == key.region and backend.functions.get(target) is None):
        raise InvalidParameterValueException.destination(arn)
    if target == key:
        raise InvalidParameterValueException.own_destination()
    return True


def _is_bucket(arn: str | None) -> bool:
    """Buckets take what failed only."""
    return arn is not None and arn.split(":")[2] == "s3"


def _with_config(function: Function, qualifier: str | None, config: EventInvokeConfig) -> Function:
    configs = {**function.event_invoke_configs, qualifier or LATEST: config}
    return dataclasses.replace(function, event_invoke_configs=configs)


def _arn_of(key: FunctionKey, qualifier: str | None) -> str:
    return f"{key.arn}:{qualifier or LATEST}"


def _members_of(key: FunctionKey, qualifier: str, config: EventInvokeConfig) -> Members:
    return {
        "LastModified": config.last_modified,
        "FunctionArn": _arn_of(key, qualifier),
        "MaximumRetryAttempts": config.maximum_retry_attempts,
        "MaximumEventAgeInSeconds": config.maximum_event_age,
        "DestinationConfig": {
            "OnSuccess": {"Destination": config.on_success},
            "OnFailure": {"Destination": config.on_failure},
        },
    }
