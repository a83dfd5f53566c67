"""What resource-based policies allow and deny."""

from typing import Any

import pytest

from lambdad.resources.policy_evaluation import Asking, evaluate

ACCOUNT = "111122223333"
OTHER = "444455556666"
URL = "lambda:InvokeFunctionUrl"
VALUES = {
    "lambda:functionurlauthtype": "NONE",
    "lambda:invokedviafunctionurl": "true",
    "aws:sourceip": "10.1.2.3",
    "aws:useragent": "curl/8",
    "aws:epochtime": "1700000000",
    "aws:currenttime": "2023-11-14T22:13:20Z",
}


def statement(**members: Any) -> dict[str, Any]:
    return {"Sid": "one", "Effect": "Allow", "Principal": "*", "Action": URL, "Resource": "arn", **members}


def verdict(*statements: dict[str, Any], account: str | None = None, action: str = URL) -> str | None:
    return evaluate(statements, Asking(account, action, VALUES))


def test_effects() -> None:
    assert verdict() is None
    assert verdict(statement()) == "Allow"
    assert verdict(statement(), statement(Effect="Deny")) == "Deny"
    assert verdict(statement(Effect="Deny"), statement()) == "Deny"


@pytest.mark.parametrize(
    ("action", "named"),
    [
        (URL, True),
        ("lambda:invokefunctionurl", True),
        ("lambda:*", True),
        ("*", True),
        ("lambda:InvokeFunction", False),
        ("lambda:InvokeFunctionUr?", True),
        ("lambda:Invoke[F]unctionUrl", False),
        (["s3:Get*", URL], True),
        ([], False),
    ],
)
def test_actions(action: Any, named: bool) -> None:
    assert (verdict(statement(Action=action)) == "Allow") == named
    without = {name: value for name, value in statement(NotAction=action).items() if name != "Action"}
    assert (verdict(without) == "Allow") == (not named)


@pytest.mark.parametrize(
    ("principal", "everyone", "account"),
    [
        ("*", True, True),
        ({"AWS": "*"}, True, True),
        ({"AWS": ["*"]}, True, True),
        ({"AWS": ACCOUNT}, False, True),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, False, True),
        ({"AWS": [OTHER, ACCOUNT]}, False, True),
        ({"AWS": OTHER}, False, False),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:role/someone"}, False, False),
        ({"Service": "events.amazonaws.com"}, False, False),
        ({}, False, False),
        ("arn", False, False),
        (None, False, False),
    ],
)
def test_principals(principal: Any, everyone: bool, account: bool) -> None:
    assert (verdict(statement(Principal=principal)) == "Allow") == everyone
    assert (verdict(statement(Principal=principal), account=ACCOUNT) == "Allow") == account
    others = {
        name: value for name, value in statement(NotPrincipal=principal, Effect="Deny").items() if name != "Principal"
    }
    assert (verdict(others, account=ACCOUNT) == "Deny") == (not account)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}, True),
        ({"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}, False),
        ({"StringEquals": {"lambda:FunctionUrlAuthType": ["AWS_IAM", "NONE"]}}, True),
        ({"StringNotEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}, True),
        ({"StringNotEquals": {"lambda:FunctionUrlAuthType": ["AWS_IAM", "NONE"]}}, False),
        ({"StringEqualsIgnoreCase": {"lambda:FunctionUrlAuthType": "none"}}, True),
        ({"StringNotEqualsIgnoreCase": {"lambda:FunctionUrlAuthType": "none"}}, False),
        ({"StringLike": {"aws:UserAgent": "curl/*"}}, True),
        ({"StringNotLike": {"aws:UserAgent": "curl/?"}}, False),
        ({"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}, True),
        ({"Bool": {"lambda:InvokedViaFunctionUrl": True}}, True),
        ({"Bool": {"lambda:InvokedViaFunctionUrl": "false"}}, False),
        ({"StringEquals": {"aws:SourceAccount": ACCOUNT}}, False),
        ({"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}}, True),
        ({"StringNotEquals": {"aws:SourceAccount": ACCOUNT}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:*"}}, False),
        ({"ArnNotLike": {"aws:SourceArn": "arn:*"}}, True),
        ({"Null": {"aws:SourceArn": "true"}}, True),
        ({"Null": {"aws:SourceArn": "false"}}, False),
        ({"Null": {"aws:SourceIp": "false"}}, True),
        ({"IpAddress": {"aws:SourceIp": ["192.168.0.0/16", "10.0.0.0/8"]}}, True),
        ({"IpAddress": {"aws:SourceIp": "10.1.2.4"}}, False),
        ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, False),
        ({"NumericLessThan": {"aws:EpochTime": "1800000000"}}, True),
        ({"NumericGreaterThanEquals": {"aws:EpochTime": 1800000000}}, False),
        ({"DateLessThan": {"aws:CurrentTime": "2024-01-01T00:00:00Z"}}, True),
        ({"DateGreaterThan": {"aws:CurrentTime": "2024-01-01"}}, False),
        ({"ForAnyValue:StringEquals": {"aws:SourceAccount": ACCOUNT}}, False),
        ({"ForAllValues:StringEquals": {"aws:SourceAccount": ACCOUNT}}, True),
        ({"ForAnyValue:StringLike": {"aws:UserAgent": ["curl/*"]}}, True),
        ({"StringEquals": {"aws:UserAgent": "curl/8"}, "Bool": {"lambda:InvokedViaFunctionUrl": "false"}}, False),
        ({}, True),
    ],
)
def test_conditions(condition: Any, holds: bool) -> None:
    assert verdict(statement(Condition=condition)) == ("Allow" if holds else None)
    assert verdict(statement(Condition=condition, Effect="Deny")) == ("Deny" if holds else None)


@pytest.mark.parametrize(
    "condition",
    [
        {"StringFancy": {"a": "b"}},
        {"ForSome:StringEquals": {"a": "b"}},
        {"IpAddress": {"aws:SourceIp": "nowhere"}},
        {"NumericEquals": {"aws:UserAgent": "1"}},
        {"DateEquals": {"aws:CurrentTime": "soon"}},
        {"Null": {"aws:SourceIp": []}},
        {"StringEquals": "text"},
        "text",
        ["a"],
    ],
)
def test_what_is_not_understood_allows_nobody(condition: Any) -> None:
    assert verdict(statement(Condition=condition)) is None
    assert verdict(statement(Condition=condition, Effect="Deny")) == "Deny"
