"""AddLayerVersionPermission, RemoveLayerVersionPermission, GetLayerVersionPolicy.

AWS: docs.aws.amazon.com/lambda/latest/api/API_AddLayerVersionPermission.html and its siblings.
"""

import dataclasses
from collections.abc import Callable

import orjson

from lambdad.api.backend import Backend
from lambdad.errors import PreconditionFailedException, ResourceNotFoundException
from lambdad.ids import new_uuid
from lambdad.protocols.context import Context, Members
from lambdad.resources.arn import resolve_layer
from lambdad.resources.layer import Layer, LayerKey, LayerVersion, with_layer_version
from lambdad.resources.policy import Policy, Statements, document_of, with_statement, without_statement


async def add_layer_version_permission(backend: Backend, context: Context, request: Members) -> Members:
    key, number = _named(context, request)
    statement = _statement_of(f"{key.arn}:{number}", request)
    revision_id = await _change(backend, key, request, lambda before: with_statement(before, statement))
    return {"Statement": orjson.dumps(statement).decode(), "RevisionId": revision_id}


async def remove_layer_version_permission(backend: Backend, context: Context, request: Members) -> Members:
    key, _ = _named(context, request)
    sid = request["StatementId"]
    await _change(backend, key, request, lambda before: without_statement(before, sid))
    return {}


async def get_layer_version_policy(backend: Backend, context: Context, request: Members) -> Members:
    key, number = _named(context, request)
    policy = _find(key, backend.layers.get(key), number).policy
    if policy is None:
        raise ResourceNotFoundException.no_policy()
    return {"Policy": document_of(policy.statements), "RevisionId": policy.revision_id}


def _named(context: Context, request: Members) -> tuple[LayerKey, int]:
    """Policies are their owner's: another account's layer is as good as missing."""
    key = resolve_layer(request["LayerName"], context.account, context.region)
    if (key.account, key.region) != (context.account, context.region):
        raise ResourceNotFoundException.layer_version(f"{key.arn}:{request['VersionNumber']}")
    return key, request["VersionNumber"]


def _find(key: LayerKey, layer: Layer | None, number: int) -> LayerVersion:
    version = layer.versions.get(number) if layer is not None else None
    if version is None:
        raise ResourceNotFoundException.layer_version(f"{key.arn}:{number}")
    return version


async def _change(backend: Backend, key: LayerKey, request: Members, change: Callable[[Statements], Statements]) -> str:
    """The policy's new revision."""
    revision_id = new_uuid()

    def changed(layer: Layer | None) -> Layer:
        version = _find(key, layer, request["VersionNumber"])
        assert layer is not None
        before = version.policy or Policy((), "")
        if request.get("RevisionId") not in (None, before.revision_id):
            raise PreconditionFailedException.layer_policy_revision()
        statements = change(before.statements)
        policy = Policy(statements, revision_id) if statements else None
        return with_layer_version(layer, dataclasses.replace(version, policy=policy))

    await backend.layers.apply(key, changed)
    return revision_id


def _statement_of(arn: str, request: Members) -> Members:
    principal = request["Principal"]
    if principal.isdigit():
        principal = f"arn:aws:iam::{principal}:root"
    statement: Members = {
        "Sid": request["StatementId"],
        "Effect": "Allow",
        "Principal": principal if principal == "*" else {"AWS": principal},
        "Action": request["Action"],
        "Resource": arn,
    }
    if request.get("OrganizationId"):
        statement["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": request["OrganizationId"]}}
    return statement
