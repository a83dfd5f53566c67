"""PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy: the policy of a function, version or alias as one document.

It is the same policy that AddPermission adds statements to. AWS:
docs.aws.amazon.com/lambda/latest/api/API_PutResourcePolicy.html and its siblings.
"""

from lambdad.api.backend import Backend
from lambdad.api.operations.named import check_qualifier
from lambdad.api.operations.permissions import change_policy, policy_revision_of
from lambdad.errors import InvalidParameterValueException, ResourceNotFoundException
from lambdad.protocols.context import Context, Members
from lambdad.resources.arn import resolve_function
from lambdad.resources.function import LATEST, FunctionKey
from lambdad.resources.policy import document_of, statements_of


async def put_resource_policy(backend: Backend, context: Context, request: Members) -> Members:
    """Replaces what is there."""
    key, qualifier = _named(context, request["ResourceArn"])
    if qualifier == LATEST:
        raise InvalidParameterValueException.policy_of_latest()
    statements = statements_of(request["Policy"], request["ResourceArn"])
    if backend.functions.get(key) is None:
        raise ResourceNotFoundException.requested_resource()
    function = await change_policy(backend, key, qualifier, request.get("RevisionId"), lambda before: statements)
    return {"Policy": document_of(statements), "RevisionId": policy_revision_of(function, qualifier or LATEST)}


async def get_resource_policy(backend: Backend, context: Context, request: Members) -> Members:
    key, qualifier = _named(context, request["ResourceArn"])
    function = backend.functions.get(key)
    statements = function.policies.get(qualifier or LATEST) if function is not None else None
    if function is None or not statements:
        raise ResourceNotFoundException.requested_resource()
    return {"Policy": document_of(statements), "RevisionId": policy_revision_of(function, qualifier or LATEST)}


async def delete_resource_policy(backend: Backend, context: Context, request: Members) -> Members:
    key, qualifier = _named(context, request["ResourceArn"])
    function = backend.functions.get(key)
    if function is None:
        raise ResourceNotFoundException.requested_resource()
    check_qualifier(function, qualifier or LATEST)
    if not function.policies.get(qualifier or LATEST):
        raise ResourceNotFoundException.requested_resource()
    await change_policy(backend, key, qualifier, request.get("RevisionId"), lambda before: ())
    return {}


def _named(context: Context, arn: str) -> tuple[FunctionKey, str | None]:
    """Runtimes can have policies, too, on AWS: there are none here that are anyone's own."""
    if ":function:" not in arn:
        raise ResourceNotFoundException.requested_resource()
    return resolve_function(arn, None, context.account, context.region)
