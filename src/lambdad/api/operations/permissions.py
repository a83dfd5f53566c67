"""AddPermission, RemovePermission, GetPolicy: a policy each for a function, its versions and its aliases.

A change of one is a change of what it belongs to, which gets the same new revision.
AWS: docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html
"""

import dataclasses
from collections.abc import Callable

import orjson

from lambdad.api.backend import Backend
from lambdad.api.operations.named import check_qualifier, function_of, named
from lambdad.errors import InvalidParameterValueException, PreconditionFailedException, ResourceNotFoundException
from lambdad.ids import new_uuid
from lambdad.protocols.context import Context, Members
from lambdad.resources.function import LATEST, Function, FunctionKey, with_revision
from lambdad.resources.policy import Statements, document_of, with_statement, without_statement
from lambdad.resources.policy_statement import is_action, principal_of

_OF_URLS = "lambda:InvokeFunctionUrl"
_EQUAL = {
    "SourceAccount": "AWS:SourceAccount",
    "PrincipalOrgID": "aws:PrincipalOrgID",
    "FunctionUrlAuthType": "lambda:FunctionUrlAuthType",
    "EventSourceToken": "lambda:EventSourceToken",
}
"""Members of a request, and the condition keys that must be equal to them."""


async def add_permission(backend: Backend, context: Context, request: Members) -> Members:
    key, qualifier = _published(context, request)
    statement = _statement_of(f"{key.arn}:{qualifier}" if qualifier else key.arn, request)
    function_of(backend, key)
    await change_policy(
        backend, key, qualifier, request.get("RevisionId"), lambda before: with_statement(before, statement)
    )
    return {"Statement": orjson.dumps(statement).decode()}


async def remove_permission(backend: Backend, context: Context, request: Members) -> Members:
    key, qualifier = _published(context, request)
    if backend.functions.get(key) is None:
        raise ResourceNotFoundException.no_policy_of(key.arn)
    sid = request["StatementId"]
    await change_policy(
        backend, key, qualifier, request.get("RevisionId"), lambda before: without_statement(before, sid)
    )
    return {}


async def get_policy(backend: Backend, context: Context, request: Members) -> Members:
    key, qualifier = named(context, request)
    function = backend.functions.get(key)
    statements = function.policies.get(qualifier or LATEST) if function is not None else None
    if function is None or not statements:
        raise ResourceNotFoundException.requested_resource()
    return {"Policy": document_of(statements), "RevisionId": policy_revision_of(function, qualifier or LATEST)}


def _published(context: Context, request: Members) -> tuple[FunctionKey, str | None]:
    key, qualifier = named(context, request)
    if qualifier == LATEST:
        raise InvalidParameterValueException.policy_of_latest()
    return key, qualifier


async def change_policy(
    backend: Backend,
    key: FunctionKey,
    qualifier: str | None,
    wanted_revision: str | None,
    change: Callable[[Statements], Statements],
) -> Function:
    """It is a change of what the policy belongs to, too: both get the new revision, and either's may be the one wanted."""
    name = qualifier or LATEST
    revision_id = new_uuid()

    def changed(function: Function) -> Function:
        if wanted_revision not in (None, revision_of(function, name), function.policy_revisions.get(name)):
            if name in function.aliases:
                raise PreconditionFailedException.policy_revision()
            raise PreconditionFailedException.function_revision()
        policies = {**function.policies, name: change(function.policies.get(name, ()))}
        policies = {one: statements for one, statements in policies.items() if statements}
        revisions = {
            one: kept for one, kept in {**function.policy_revisions, name: revision_id}.items() if one in policies
        }
        after = dataclasses.replace(function, policies=policies, policy_revisions=revisions)
        return with_revision(after, name, revision_id)

    return await backend.functions.update(key, changed)


def revision_of(function: Function, name: str) -> str:
    """Of a version or alias. Raises ResourceNotFoundException."""
    check_qualifier(function, name)
    holder = function.versions.get(name) or function.aliases[name]
    return holder.revision_id


def policy_revision_of(function: Function, name: str) -> str:
    """Of the policy that a version or alias has; what else changes there leaves it."""
    return function.policy_revisions.get(name) or revision_of(function, name)


def _statement_of(arn: str, request: Members) -> Members:
    action = request["Action"]
    if not is_action(action):
        raise InvalidParameterValueException.action(action)
    if request.get("FunctionUrlAuthType") and action != _OF_URLS:
        raise InvalidParameterValueException.url_auth_type(_OF_URLS)
    statement: Members = {
        "Sid": request["StatementId"],
        "Effect": "Allow",
        "Principal": principal_of(request["Principal"]),
        "Action": action,
        "Resource": arn,
    }
    condition: Members = {}
    equal = {name: request[member] for member, name in _EQUAL.items() if request.get(member)}
    if equal:
        condition["StringEquals"] = equal
    if request.get("SourceArn"):
        condition["ArnLike"] = {"AWS:SourceArn": request["SourceArn"]}
    if request.get("InvokedViaFunctionUrl") is not None:
        condition["Bool"] = {"lambda:InvokedViaFunctionUrl": str(request["InvokedViaFunctionUrl"]).lower()}
    return {**statement, "Condition": condition} if condition else statement
