"""Who may call a function URL, as a rule."""

from typing import Any

import pytest

from lambdad.triggers.function_url_access import Caller, facts_of, may_call

ACCOUNT = "111122223333"
OTHER = "444455556666"
URL = "lambda:InvokeFunctionUrl"


def statement(**members: Any) -> dict[str, Any]:
    return {"Sid": "one", "Effect": "Allow", "Principal": "*", "Action": URL, "Resource": "arn", **members}


def permissions(auth_type: str, principal: Any = "*") -> list[dict[str, Any]]:
    """As AddPermission makes them."""
    return [
        statement(Principal=principal, Condition={"StringEquals": {"lambda:FunctionUrlAuthType": auth_type}}),
        statement(
            Principal=principal,
            Action="lambda:InvokeFunction",
            Condition={"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
        ),
    ]


def may(auth_type: str, policy: list[dict[str, Any]], account: str | None = None) -> bool:
    caller = Caller(account, "AKID") if account is not None else None
    return may_call(auth_type, ACCOUNT, tuple(policy), caller, facts_of({}, "10.1.2.3", 1_700_000_000.5))


def test_everyone_needs_both_permissions() -> None:
    public = permissions("NONE")
    assert may("NONE", public)
    assert not may("NONE", [])
    assert not may("NONE", public[:1])
    assert not may("NONE", public[1:])
    assert not may("NONE", permissions("AWS_IAM"))
    assert not may("NONE", permissions("NONE", {"AWS": ACCOUNT}))
    assert may("NONE", [statement(Action=[URL, "lambda:InvokeFunction"])])


def test_signed_requests() -> None:
    assert may("AWS_IAM", [], ACCOUNT)
    assert not may("AWS_IAM", [])
    assert not may("AWS_IAM", permissions("AWS_IAM"))
    assert not may("AWS_IAM", [], OTHER)
    assert may("AWS_IAM", permissions("AWS_IAM", {"AWS": OTHER}), OTHER)
    assert not may("AWS_IAM", permissions("AWS_IAM", {"AWS": OTHER})[:1], OTHER)
    assert not may("AWS_IAM", permissions("NONE", {"AWS": OTHER}), OTHER)


@pytest.mark.parametrize("action", [URL, "lambda:InvokeFunction"])
def test_a_denial_counts_for_the_owner_too(action: str) -> None:
    denied = statement(Effect="Deny", Action=action, Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})
    assert not may("AWS_IAM", [denied], ACCOUNT)
    assert not may("NONE", [*permissions("NONE"), denied])
