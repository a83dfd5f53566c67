"""May a service invoke a function? By the function's own policy, as on AWS."""

from typing import Final

from lambdad.errors import AccessDeniedException, ResourceNotFoundException
from lambdad.invocation.invoke import Functions
from lambdad.invocation.routing import version_of
from lambdad.resources.arn import find_function_arn, qualifier_of
from lambdad.resources.function import LATEST, FunctionKey
from lambdad.resources.policy_evaluation import Asking, evaluate, lets_account
from lambdad.resources.tenancy import check_tenant

INVOKE: Final = "lambda:InvokeFunction"


def invocable(
    functions: Functions, arn: str, principal: str, source: str, account: str
) -> tuple[FunctionKey, str | None]:
    """The function and its qualifier. `principal`: empty when the account itself asks; `source`: the ARN of what asks.

    Raises ResourceNotFoundException, AccessDeniedException; InvalidParameterValueException, as no service names a tenant.
    """
    key, qualifier = find_function_arn(arn), qualifier_of(arn)
    if key is None:
        raise ResourceNotFoundException.function(arn)
    function = functions.get(key)
    version = version_of(key, function, qualifier)
    statements = function.policies.get(qualifier or LATEST, ()) if function is not None else ()
    values = {"aws:sourcearn": source, "aws:sourceaccount": account}
    if principal and evaluate(statements, Asking(None, INVOKE, values, principal)) != "Allow":
        raise AccessDeniedException.service(principal, INVOKE, arn)
    if not principal and key.account != account and not lets_account(statements, account, INVOKE):
        raise AccessDeniedException.action(account, INVOKE, arn)
    check_tenant(version, None)
    return key, qualifier
