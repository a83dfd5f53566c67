"""TagResource, UntagResource, ListTags: of functions.

AWS: docs.aws.amazon.com/lambda/latest/api/API_TagResource.html and its siblings.
"""

import dataclasses
from collections.abc import Callable, Mapping

from lambdad.api.context import Backend, Context, Members
from lambdad.errors import InvalidParameterValueException, ResourceNotFoundException
from lambdad.resources.arn import resolve_function
from lambdad.resources.function import Function, FunctionKey
from lambdad.resources.quotas import QUOTAS

_Tags = Mapping[str, str]


async def tag_resource(backend: Backend, context: Context, request: Members) -> Members:
    """Tags of the same name are replaced."""

    def change(before: _Tags) -> _Tags:
        after = {**before, **request["Tags"]}
        if len(after) > QUOTAS.tags:
            raise InvalidParameterValueException.too_many_tags()
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
    function = backend.functions.get(key)
    if function is None:
        raise ResourceNotFoundException.function(key.arn)
    return {"Tags": dict(function.tags)}


def _named(context: Context, request: Members) -> FunctionKey:
    """Mappings and code signing configurations, which have tags on AWS, too, are not there yet."""
    arn = request["Resource"]
    if ":function:" not in arn:
        raise ResourceNotFoundException.requested_resource()
    key, qualifier = resolve_function(arn, None, context.account, context.region)
    if qualifier is not None:
        raise InvalidParameterValueException.tags_of_a_version()
    return key


async def _change(backend: Backend, key: FunctionKey, change: Callable[[_Tags], _Tags]) -> None:
    def changed(function: Function) -> Function:
        return dataclasses.replace(function, tags=change(function.tags))

    await backend.functions.update(key, changed)
