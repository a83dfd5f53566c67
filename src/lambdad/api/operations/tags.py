"""TagResource, UntagResource, ListTags: of functions, event source mappings and code signing configurations.

AWS: docs.aws.amazon.com/lambda/latest/api/API_TagResource.html and its siblings.
"""

import dataclasses
from collections.abc import Callable, Mapping

from lambdad.api.backend import Backend
from lambdad.api.operations.named import function_of
from lambdad.errors import InvalidParameterValueException, ResourceNotFoundException
from lambdad.ids import new_uuid
from lambdad.protocols.context import Context, Members
from lambdad.resources.arn import resolve_function
from lambdad.resources.code_signing import CodeSigningConfigKey, find_code_signing_config
from lambdad.resources.event_source_mapping import MappingKey, find_mapping
from lambdad.resources.function import LATEST, Function, FunctionKey, with_revision
from lambdad.resources.quotas import QUOTAS

_Tags = Mapping[str, str]
_SYSTEM = "aws:"
"""What the keys of AWS's own tags begin with."""
_Key = FunctionKey | MappingKey | CodeSigningConfigKey


def check_tags(tags: _Tags) -> None:
    """All that a resource would have. Raises InvalidParameterValueException."""
    if any(key.casefold().startswith(_SYSTEM) for key in tags):
        raise InvalidParameterValueException.system_tags()
    if len(tags) > QUOTAS.tags:
        raise InvalidParameterValueException.too_many_tags()


async def tag_resource(backend: Backend, context: Context, request: Members) -> Members:
    """Tags of the same name are replaced."""
    if not request["Tags"]:
        raise InvalidParameterValueException.no_tags()

    def change(before: _Tags) -> _Tags:
        after = {**before, **request["Tags"]}
        check_tags(after)
        return after

    await _change(backend, _named(context, request), change)
    return {}


async def untag_resource(backend: Backend, context: Context, request: Members) -> Members:
    gone = frozenset(request["TagKeys"])
    await _change(
        backend, _named(context, request), lambda tags: {k: value for k, value in tags.items() if k not in gone}
    )
    return {}


async def list_tags(backend: Backend, context: Context, request: Members) -> Members:
    key = _named(context, request)
    if isinstance(key, FunctionKey):
        return {"Tags": dict(function_of(backend, key).tags)}
    found = (
        backend.event_source_mappings.get(key) if isinstance(key, MappingKey) else backend.code_signing_configs.get(key)
    )
    if found is None:
        raise ResourceNotFoundException.requested_resource()
    return {"Tags": dict(found.tags)}


def _named(context: Context, request: Members) -> _Key:
    """Raises ResourceNotFoundException; also for another account's or region's."""
    arn = request["Resource"]
    key = find_mapping(arn) or find_code_signing_config(arn)
    if key is not None and (key.account, key.region) == (context.account, context.region):
        return key
    if ":function:" not in arn:
        raise ResourceNotFoundException.requested_resource()
    function, qualifier = resolve_function(arn, None, context.account, context.region)
    if qualifier is not None:
        raise InvalidParameterValueException.tags_of_a_version()
    return function


async def _change(backend: Backend, key: _Key, change: Callable[[_Tags], _Tags]) -> None:
    if isinstance(key, MappingKey):
        await backend.event_source_mappings.update(
            key, lambda mapping: dataclasses.replace(mapping, tags=change(mapping.tags))
        )
    elif isinstance(key, CodeSigningConfigKey):
        await backend.code_signing_configs.update(
            key, lambda config: dataclasses.replace(config, tags=change(config.tags))
        )
    else:
        await backend.functions.update(key, lambda function: _with_tags(function, change(function.tags)))


def _with_tags(function: Function, tags: _Tags) -> Function:
    return with_revision(dataclasses.replace(function, tags=tags), LATEST, new_uuid())
