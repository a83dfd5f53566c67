"""PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy: the policy that AddPermission adds to, as one document."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from functions import new_name
from refusals import refused

Create = Callable[..., dict[str, Any]]
Settled = Callable[..., None]
ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
MISSING = ("ResourceNotFoundException", 404, "The resource you requested does not exist.")
OTHER_REVISION = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def arn(create_function: Create, settled: Settled) -> str:
    """Settled: becoming Active gives a function another revision, too."""
    name: str = create_function(Publish=True)["FunctionName"]
    settled(name)
    return ARN + name


def allow(arn: str, sid: str = "events") -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": arn,
    }


NOBODY = ("me", "123", {"AWS": "me"}, {"AWS": []}, {}, {"Service": "events"}, {"Nobody": "*"}, {"AWS": 1}, [])
NO_ACTIONS = ("lambda:Invoke", "s3:GetObject", "lambda:Fly*", ["lambda:InvokeFunction", "lambda:Fly"], 1, "")
NO_CONDITIONS = (
    *("none", [], {"Equals": {"aws:SourceArn": "a"}}, {"StringEquals": {}}, {"StringEquals": "a"}),
    *(
        {"StringEquals": {"SourceArn": "a"}},
        {"StringEquals": {"aws:SourceArn": {}}},
        {"NullIfExists": {"aws:x": "true"}},
    ),
)


def nested(depth: int) -> Any:
    value: Any = "a"
    for _ in range(depth):
        value = {"aws:a": value}
    return value


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def statements(answer: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(answer["Policy"])["Statement"]
    return found


def test_the_life_of_a_policy(client: Any, arn: str) -> None:
    assert refused(client.get_resource_policy, ResourceArn=arn) == MISSING
    put = client.put_resource_policy(ResourceArn=arn, Policy=document(allow(arn)))
    assert statements(put) == [allow(arn)]
    got = client.get_resource_policy(ResourceArn=arn)
    assert (got["Policy"], got["RevisionId"]) == (put["Policy"], put["RevisionId"])
    assert statements(client.get_policy(FunctionName=arn)) == [allow(arn)]
    client.add_permission(
        FunctionName=arn, StatementId="more", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com"
    )
    assert [one["Sid"] for one in statements(client.get_resource_policy(ResourceArn=arn))] == ["events", "more"]
    replaced = client.put_resource_policy(ResourceArn=arn, Policy=document(allow(arn, "only")))
    assert [one["Sid"] for one in statements(replaced)] == ["only"]
    answer = client.delete_resource_policy(ResourceArn=arn)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    for operation in ("get", "delete"):
        assert refused(getattr(client, f"{operation}_resource_policy"), ResourceArn=arn) == MISSING


def test_versions_have_their_own(client: Any, arn: str) -> None:
    version = f"{arn}:1"
    client.put_resource_policy(ResourceArn=version, Policy=document(allow(version)))
    assert refused(client.get_resource_policy, ResourceArn=arn) == MISSING
    assert statements(client.get_policy(FunctionName=version)) == [allow(version)]


def test_revisions(client: Any, arn: str) -> None:
    policy = document(allow(arn))
    code, status, _ = refused(client.put_resource_policy, ResourceArn=arn, Policy=policy, RevisionId=OTHER_REVISION)
    assert (code, status) == ("PreconditionFailedException", 412)
    revision = client.get_function_configuration(FunctionName=arn)["RevisionId"]
    after = client.put_resource_policy(ResourceArn=arn, Policy=policy, RevisionId=revision)["RevisionId"]
    assert after != revision
    code, status, _ = refused(client.delete_resource_policy, ResourceArn=arn, RevisionId=revision)
    assert (code, status) == ("PreconditionFailedException", 412)
    client.delete_resource_policy(ResourceArn=arn, RevisionId=after)


@pytest.mark.parametrize(
    "policy",
    [
        *("{", "[]", "{}", '{"Version": "2012-10-17"}', '{"Version": "2012-10-17", "Statement": []}'),
        *('{"Version": "2012-10-17", "Statement": ["a"]}', '{"Version": "1999-01-01", "Statement": [{}]}'),
        document({"Effect": "Allow"}),
        document({"Effect": "Perhaps", "Principal": "*", "Action": "*"}),
        document({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}),
        document({"Effect": "Allow", "Principal": "*", "Action": "*", "Sid": 1}),
        document({"Effect": "Allow", "Principal": "*", "Action": "*", "Reason": "none"}),
        document(*[{"Effect": "Allow", "Principal": "*", "Action": "*", "Sid": "same"}] * 2),
        *(document({"Effect": "Allow", "Principal": one, "Action": "*"}) for one in NOBODY),
        *(document({"Effect": "Allow", "Principal": "*", "Action": one}) for one in NO_ACTIONS),
        *(document({"Effect": "Allow", "Principal": "*", "Action": "*", "Condition": one}) for one in NO_CONDITIONS),
        document({"Effect": "Allow", "NotPrincipal": "me", "NotAction": "*"}),
        '{"Version": "2012-10-17", "Statement": [' + '{"Sid": ' + "[" * 900 + "]" * 900 + "}]}",
        document({"Effect": "Allow", "Principal": "*", "Action": "*", "Condition": {"StringEquals": nested(900)}}),
    ],
)
def test_documents_that_are_refused(client: Any, arn: str, policy: str) -> None:
    code, status, message = refused(client.put_resource_policy, ResourceArn=arn, Policy=policy)
    assert (code, status) == ("InvalidParameterValueException", 400)
    assert message.startswith("The policy document is malformed: ")
    assert refused(client.get_resource_policy, ResourceArn=arn) == MISSING


def test_documents_that_are_taken(client: Any, arn: str) -> None:
    account = {"AWS": ["123456789012", "arn:aws:iam::123456789012:role/caller"]}
    given = [
        {**allow(arn), "Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::photos"}}},
        {**allow(arn, "many"), "Principal": account, "Action": ["lambda:Get*", "lambda:invokeFunction"]},
        {
            **allow(arn, "conditions"),
            "Principal": "*",
            "Condition": {
                "StringEqualsIfExists": {"aws:PrincipalOrgID": ["o-1", "o-2"]},
                "ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-1/*"},
                "Bool": {"lambda:InvokedViaFunctionUrl": True},
                "Null": {"aws:SourceVpc": "false"},
            },
        },
        {**allow(arn, "deny"), "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "*"},
    ]
    put = client.put_resource_policy(ResourceArn=arn, Policy=document(*given))
    assert statements(put) == given


def test_resources_that_are_not_there(client: Any, arn: str) -> None:
    unknown = ARN + new_name()
    for resource in (unknown, "arn:aws:lambda:us-east-1:000000000000:runtime/none"):
        assert refused(client.put_resource_policy, ResourceArn=resource, Policy=document(allow(resource))) == MISSING
        assert refused(client.get_resource_policy, ResourceArn=resource) == MISSING
        assert refused(client.delete_resource_policy, ResourceArn=resource) == MISSING
    nobody = f"{arn}:nobody"
    refusal = refused(client.put_resource_policy, ResourceArn=nobody, Policy=document(allow(nobody)))
    assert refusal == ("ResourceNotFoundException", 404, f"Cannot find alias arn: {nobody}")
