"""One statement of a resource-based policy: whom, what and under which conditions it may name. Pure.

AWS: docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html,
docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

import re
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from lambdad.errors import InvalidParameterValueException

ACTIONS = frozenset(
    f"lambda:{verb}{noun}"
    for verb, nouns in {
        "Add": "Permission",
        "Checkpoint": "DurableExecution",
        "Create": "Alias FunctionUrlConfig",
        "Delete": "Alias Function FunctionCodeSigningConfig FunctionConcurrency FunctionEventInvokeConfig "
        "FunctionUrlConfig ProvisionedConcurrencyConfig ResourcePolicy",
        "Disable": "Replication",
        "Enable": "Replication",
        "Get": "Alias DurableExecution DurableExecutionHistory DurableExecutionState Function FunctionCodeSigningConfig "
        "FunctionConcurrency FunctionConfiguration FunctionEventInvokeConfig FunctionRecursionConfig "
        "FunctionScalingConfig FunctionUrlConfig Policy ProvisionedConcurrencyConfig ResourcePolicy "
        "RuntimeManagementConfig",
        "Invoke": "Async Function FunctionUrl",
        "List": "Aliases DurableExecutionsByFunction FunctionEventInvokeConfigs FunctionUrlConfigs "
        "ProvisionedConcurrencyConfigs Tags VersionsByFunction",
        "Pause": "DurableExecution",
        "Publish": "Version",
        "Put": "FunctionCodeSigningConfig FunctionConcurrency FunctionEventInvokeConfig FunctionRecursionConfig "
        "FunctionScalingConfig ProvisionedConcurrencyConfig ResourcePolicy RuntimeManagementConfig",
        "Remove": "Permission",
        "Resume": "DurableExecution",
        "Send": "DurableExecutionCallbackFailure DurableExecutionCallbackHeartbeat DurableExecutionCallbackSuccess",
        "Stop": "DurableExecution",
        "Tag": "Resource",
        "Untag": "Resource",
        "Update": "Alias FunctionCode FunctionConfiguration FunctionEventInvokeConfig FunctionUrlConfig",
    }.items()
    for noun in nouns.split()
)
"""What can be done with a function, as IAM calls it."""
_BY_NAME = frozenset(action.casefold() for action in ACTIONS)

_SERVICE = re.compile(r"[a-z0-9.-]+\.(amazonaws\.com(\.cn)?|amazon\.com)")
_ACCOUNT = re.compile(r"\d{12}")
_WHO = re.compile(r"arn:aws[a-z-]*:(iam|sts)::\d{12}:\S+")
_PRINCIPALS: Mapping[str, Callable[[str], bool]] = {
    "AWS": lambda one: one == "*" or bool(_ACCOUNT.fullmatch(one) or _WHO.fullmatch(one)),
    "Service": lambda one: bool(_SERVICE.fullmatch(one)),
    "Federated": lambda one: one != "",
    "CanonicalUser": lambda one: one != "",
}
_OPERATOR = re.compile(
    r"(For(Any|All)Values?:)?("
    r"(String(Not)?(Equals(IgnoreCase)?|Like)|(Numeric|Date)((Not)?Equals|(Less|Greater)Than(Equals)?)"
    r"|Bool|BinaryEquals|(Not)?IpAddress|Arn(Not)?(Equals|Like))(IfExists)?|Null)"
)
_CONDITION_KEY = re.compile(r"[a-zA-Z0-9-]+:\S+")


def is_action(given: str) -> bool:
    """An action or, with wildcards, some. Case does not matter, as in IAM."""
    wanted = given.casefold()
    if "*" not in wanted and "?" not in wanted:
        return wanted in _BY_NAME
    return any(fnmatchcase(action, wanted) for action in _BY_NAME)


def principal_of(given: str) -> str | Mapping[str, str]:
    """As a statement has it. Raises InvalidParameterValueException for nobody's name."""
    if given == "*":
        return given
    if _SERVICE.fullmatch(given):
        return {"Service": given}
    if _ACCOUNT.fullmatch(given):
        return {"AWS": f"arn:aws:iam::{given}:root"}
    if given.startswith("arn:"):
        return {"AWS": given}
    raise InvalidParameterValueException.principal()


def objection_to(statement: Mapping[str, Any]) -> str | None:
    """Why a statement of a whole policy's is none, in its principals, actions and conditions."""
    for member in ("Principal", "NotPrincipal"):
        if member in statement and not _is_principal(statement[member]):
            return f"{member} names nobody that there can be"
    for member in ("Action", "NotAction"):
        if member in statement and not all(isinstance(one, str) and is_action(one) for one in _each(statement[member])):
            return f"{member} has an action that Lambda does not know"
    conditions = statement.get("Condition", {})
    if not isinstance(conditions, dict):
        return "Condition must be an object"
    for operator, keys in conditions.items():
        if not _OPERATOR.fullmatch(operator):
            return f"there is no condition operator {operator}"
        if not isinstance(keys, dict) or not keys or not all(map(_CONDITION_KEY.fullmatch, keys)):
            return f"{operator} must have condition keys"
        if not all(isinstance(one, (str, int, float)) for value in keys.values() for one in _each(value)):
            return f"{operator} must compare with strings, numbers or booleans"
    return None


def _each(value: Any) -> Iterator[Any]:
    """One or a list of them."""
    yield from value if isinstance(value, list) else (value,)


def _is_principal(given: Any) -> bool:
    if given == "*":
        return True
    return (
        isinstance(given, dict)
        and bool(given)
        and [] not in given.values()
        and all(
            kind in _PRINCIPALS and isinstance(one, str) and _PRINCIPALS[kind](one)
            for kind, names in given.items()
            for one in _each(names)
        )
    )
