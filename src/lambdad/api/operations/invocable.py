"""The function that is to be invoked: the caller's own, or another account's whose policy lets the caller in.

AWS: docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

from lambdad.api.backend import Backend
from lambdad.errors import AccessDeniedException, AnotherAccount
from lambdad.protocols.context import Context
from lambdad.resources.arn import find_function_arn, resolve_function
from lambdad.resources.function import LATEST, FunctionKey
from lambdad.resources.policy_evaluation import verdict_on

_ACTION = "lambda:InvokeFunction"


def invocable(backend: Backend, context: Context, name: str, qualifier: str | None) -> tuple[FunctionKey, str | None]:
    """As `resolve_function`. Raises AccessDeniedException, whether another account's function exists or not."""
    try:
        return resolve_function(name, qualifier, context.account, context.region)
    except AnotherAccount as error:
        other = find_function_arn(error.arn)
        assert other is not None
    key, wanted = resolve_function(name, qualifier, other.account, context.region)
    function = backend.functions.get(key)
    statements = function.policies.get(wanted or LATEST, ()) if function is not None else ()
    verdict = verdict_on(statements, context.account, _ACTION)
    if verdict != "Allow":
        arn = f"{key.arn}:{wanted}" if wanted else key.arn
        raise AccessDeniedException.action(context.account, _ACTION, arn, denied=verdict == "Deny")
    return key, wanted
