"""CreateAlias, GetAlias, ListAliases, UpdateAlias, DeleteAlias.

AWS: docs.aws.amazon.com/lambda/latest/api/API_CreateAlias.html and its siblings.
"""

import dataclasses
from typing import Any

from lambdad.api.backend import Backend
from lambdad.api.operations.named import function_of, named
from lambdad.api.operations.provisioned_concurrency import check_target
from lambdad.api.pagination import page_of
from lambdad.errors import (
    InvalidParameterValueException,
    PreconditionFailedException,
    ResourceConflictException,
    ResourceNotFoundException,
)
from lambdad.ids import new_uuid
from lambdad.protocols.context import Context, Members
from lambdad.resources.alias import Alias
from lambdad.resources.function import LATEST, Function, FunctionKey, without_alias


async def create_alias(backend: Backend, context: Context, request: Members) -> Members:
    key = named(context, request)[0]
    alias = Alias(
        name=request["Name"],
        function_version=request["FunctionVersion"],
        description=request.get("Description") or "",
        weights=_weights_of(request),
        revision_id=new_uuid(),
    )

    def change(function: Function) -> Function:
        _check_versions(function, alias)
        if alias.name in function.aliases:
            raise ResourceConflictException.alias_exists(_arn_of(key, alias.name))
        return _with_alias(function, alias)

    await backend.functions.update(key, change)
    return _members_of(key, alias)


async def get_alias(backend: Backend, context: Context, request: Members) -> Members:
    key = named(context, request)[0]
    function = function_of(backend, key)
    alias = function.aliases.get(request["Name"])
    if alias is None:
        raise ResourceNotFoundException.alias(_arn_of(key, request["Name"]))
    return _members_of(key, alias)


async def list_aliases(backend: Backend, context: Context, request: Members) -> Members:
    key = named(context, request)[0]
    wanted = request.get("FunctionVersion")
    aliases = [
        alias
        for alias in function_of(backend, key).aliases.values()
        if wanted is None or alias.function_version == wanted
    ]
    page, marker = page_of(aliases, lambda alias: (alias.name, 0), request.get("Marker"), request.get("MaxItems"))
    return {"Aliases": [_members_of(key, alias) for alias in page], "NextMarker": marker}


async def update_alias(backend: Backend, context: Context, request: Members) -> Members:
    key = named(context, request)[0]
    changes: dict[str, Any] = {"revision_id": new_uuid()}
    if "FunctionVersion" in request:
        changes["function_version"] = request["FunctionVersion"]
    if "Description" in request:
        changes["description"] = request["Description"]
    if "RoutingConfig" in request:
        changes["weights"] = _weights_of(request)

    def change(function: Function) -> Function:
        before = function.aliases.get(request["Name"])
        if before is None:
            raise ResourceNotFoundException.alias_to_update(_arn_of(key, request["Name"]))
        if request.get("RevisionId") not in (None, before.revision_id):
            raise PreconditionFailedException.function_revision()
        alias = dataclasses.replace(before, **changes)
        _check_versions(function, alias)
        after = _with_alias(function, alias)
        if alias.name in after.provisioned_concurrency:
            check_target(after, alias.name)
        return after

    function = await backend.functions.update(key, change)
    return _members_of(key, function.aliases[request["Name"]])


async def delete_alias(backend: Backend, context: Context, request: Members) -> Members:
    key = named(context, request)[0]
    await backend.functions.update(key, lambda function: without_alias(function, request["Name"]))
    return {}


def _weights_of(request: Members) -> dict[str, float]:
    weights = dict((request.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {})
    if len(weights) > 1:
        raise InvalidParameterValueException.too_many_weights()
    return weights


def _check_versions(function: Function, alias: Alias) -> None:
    for version in alias.versions:
        if version not in function.versions:
            raise ResourceNotFoundException.function(f"{function.key.arn}:{version}")
    if alias.function_version in alias.weights:
        raise InvalidParameterValueException.version_has_a_weight(alias.function_version)
    if alias.weights and alias.function_version == LATEST:
        raise InvalidParameterValueException.weights_of_latest()


def _with_alias(function: Function, alias: Alias) -> Function:
    return dataclasses.replace(function, aliases=dict(sorted({**function.aliases, alias.name: alias}.items())))


def _arn_of(key: FunctionKey, name: str) -> str:
    return f"{key.arn}:{name}"


def _members_of(key: FunctionKey, alias: Alias) -> Members:
    members: Members = {
        "AliasArn": _arn_of(key, alias.name),
        "Name": alias.name,
        "FunctionVersion": alias.function_version,
        "Description": alias.description,
        "RevisionId": alias.revision_id,
    }
    if alias.weights:
        members["RoutingConfig"] = {"AdditionalVersionWeights": dict(alias.weights)}
    return members
