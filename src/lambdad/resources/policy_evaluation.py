"""What a resource-based policy says of one request: allowed, denied, or nothing. Pure.

AWS: docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html and
…/reference_policies_elements_condition_operators.html. A statement that asks for what is not known here allows nobody, and
denies everybody.
"""

import fnmatch
import ipaddress
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, Literal

from lambdad.resources.policy import Statements

Verdict = Literal["Allow", "Deny"]


@dataclass(frozen=True, slots=True)
class Asking:
    """One request, as a policy sees it."""

    account: str | None
    """The caller's; None: nobody has signed it."""
    action: str
    """`lambda:InvokeFunctionUrl`"""
    values: Mapping[str, str]
    """By condition key, in lower case."""
    service: str | None = None
    """An AWS service that asks for itself: `events.amazonaws.com`."""


def lets_account(statements: Statements, account: str, action: str) -> bool:
    """May another account do that?"""
    return verdict_on(statements, account, action) == "Allow"


def verdict_on(statements: Statements, account: str, action: str) -> Verdict | None:
    """What is said of another account."""
    return evaluate(statements, Asking(account, action, {"aws:principalaccount": account}))


def evaluate(statements: Statements, asking: Asking) -> Verdict | None:
    """Of the policy of the resource that is asked for. None: it says nothing about it."""
    verdict: Verdict | None = None
    for statement in statements:
        effect: Verdict = "Deny" if statement.get("Effect") == "Deny" else "Allow"
        if _names_action(statement, asking.action) and _names_principal(statement, asking):
            try:
                holds = _holds(statement.get("Condition") or {}, asking.values)
            except (ValueError, TypeError, AttributeError, IndexError):  # a condition that cannot be understood
                holds = effect == "Deny"
            if holds and effect == "Deny":
                return "Deny"
            if holds:
                verdict = "Allow"
    return verdict


def _names_action(statement: Mapping[str, Any], action: str) -> bool:
    if "Action" in statement:
        return any(_like(action.lower(), str(one).lower()) for one in _list(statement["Action"]))
    return not any(_like(action.lower(), str(one).lower()) for one in _list(statement.get("NotAction")))


def _names_principal(statement: Mapping[str, Any], asking: Asking) -> bool:
    """Callers are known by their account: a single user or role of it is never taken to be the caller."""
    if "Principal" in statement:
        return _is_among(statement["Principal"], asking)
    return not _is_among(statement.get("NotPrincipal"), asking)


def _is_among(principals: Any, asking: Asking) -> bool:
    if principals == "*":
        return True
    if asking.service is not None:
        return isinstance(principals, dict) and asking.service in _list(principals.get("Service"))
    account = asking.account
    named = _list(principals.get("AWS")) if isinstance(principals, dict) else []
    if "*" in named:
        return True
    return account is not None and any(one in (account, f"arn:aws:iam::{account}:root") for one in named)


# --- Conditions ---------------------------------------------------------------------------------------------------------


def _holds(conditions: Mapping[str, Any], values: Mapping[str, str]) -> bool:
    """All of them."""
    for name, keys in conditions.items():
        for key, wanted in keys.items():
            if not _compare(name, values.get(key.lower()), [_text(one) for one in _list(wanted)]):
                return False
    return True


def _compare(name: str, value: str | None, wanted: list[str]) -> bool:
    """Raises ValueError for an operator that there is not, or what is no number, date or address."""
    asked = _operator(name)
    if asked.test is None:
        return (value is None) == (wanted[0].lower() == "true")
    if value is None:
        return asked.without
    return any(asked.test(value, one) for one in wanted) != asked.negated


@dataclass(frozen=True, slots=True)
class _Operator:
    test: Callable[[str, str], bool] | None
    """None: `Null`."""
    negated: bool
    without: bool
    """Does it hold for a request that has no such value?"""


@lru_cache(maxsize=256)
def _operator(name: str) -> _Operator:
    """By a name such as `ForAnyValue:StringNotLikeIfExists`. Raises ValueError."""
    quantifier, _, rest = name.rpartition(":")
    plain = rest.removesuffix("IfExists")
    positive = plain.replace("NotEquals", "Equals").replace("NotLike", "Like").replace("NotIp", "Ip")
    if quantifier not in ("", "ForAllValues", "ForAnyValue") or (rest != "Null" and positive not in _OPERATORS):
        raise ValueError(name)
    negated = plain != positive
    without = plain != rest or quantifier == "ForAllValues" or (negated and quantifier != "ForAnyValue")
    return _Operator(_OPERATORS.get(positive), negated, without)


def _number(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    return lambda value, wanted: compare(float(value), float(wanted))


def _date(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    return lambda value, wanted: compare(_moment(value), _moment(wanted))


def _moment(text: str) -> float:
    """Seconds since the epoch, of them or of an ISO date."""
    if text.isascii() and text.isdigit():
        return float(text)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


def _like(value: str, pattern: str) -> bool:
    return value == pattern or _pattern(pattern).match(value) is not None


@lru_cache(maxsize=256)
def _pattern(pattern: str) -> re.Pattern[str]:
    """`*` and `?`, and nothing else, are special."""
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")))


_ORDER: Final = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}
_OPERATORS: Final[dict[str, Callable[[str, str], bool]]] = {
    "StringEquals": operator.eq,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "IpAddress": lambda value, wanted: ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False),
    **{f"Numeric{name}": _number(compare) for name, compare in _ORDER.items()},
    **{f"Date{name}": _date(compare) for name, compare in _ORDER.items()},
}
"""`StringNotEquals` and its like are these, the other way round."""


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str | dict) else [value]
