"""AddPermission, RemovePermission, GetPolicy: for a function, a version, an alias."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from functions import call, create, new_name
from refusals import invalid, refused, violation
from server import Server

Settled = Callable[..., None]
Create = Callable[..., dict[str, Any]]
ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
BUCKET = "arn:aws:s3:::photos"
INVOKE = {"Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
NO_POLICY = ("ResourceNotFoundException", 404, "The resource you requested does not exist.")


@pytest.fixture
def function(client: Any, create_function: Create, settled: Settled) -> str:
    """With version 1 and the alias `live` of it."""
    name: str = create_function(Publish=True)["FunctionName"]
    settled(name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    return name


def sids_of(client: Any, name: str, **more: Any) -> list[str]:
    policy = json.loads(client.get_policy(FunctionName=name, **more)["Policy"])
    return [statement["Sid"] for statement in policy["Statement"]]


def test_a_statement(client: Any, function: str) -> None:
    answer = client.add_permission(FunctionName=function, StatementId="s3", SourceArn=BUCKET, **INVOKE)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    statement = json.loads(answer["Statement"])
    assert statement == {
        "Sid": "s3",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": ARN + function,
        "Condition": {"ArnLike": {"AWS:SourceArn": BUCKET}},
    }
    found = client.get_policy(FunctionName=function)
    assert json.loads(found["Policy"]) == {"Version": "2012-10-17", "Id": "default", "Statement": [statement]}
    assert found["RevisionId"] == client.get_function_configuration(FunctionName=function)["RevisionId"]


@pytest.mark.parametrize(
    ("given", "principal", "condition"),
    [
        (
            {"Principal": "*", "SourceAccount": "111111111111"},
            "*",
            {"StringEquals": {"AWS:SourceAccount": "111111111111"}},
        ),
        ({"Principal": "111111111111"}, {"AWS": "arn:aws:iam::111111111111:root"}, None),
        ({"Principal": "arn:aws:iam::111111111111:user/u"}, {"AWS": "arn:aws:iam::111111111111:user/u"}, None),
        ({"Principal": "alexa-appkit.amazon.com"}, {"Service": "alexa-appkit.amazon.com"}, None),
        (
            {"Principal": "*", "EventSourceToken": "amzn1.ask.skill.x"},
            "*",
            {"StringEquals": {"lambda:EventSourceToken": "amzn1.ask.skill.x"}},
        ),
        (
            {
                "Action": "lambda:InvokeFunctionUrl",
                "Principal": "*",
                "SourceArn": BUCKET,
                "SourceAccount": "111111111111",
                "PrincipalOrgID": "o-1234567890",
                "FunctionUrlAuthType": "NONE",
            },
            "*",
            {
                "ArnLike": {"AWS:SourceArn": BUCKET},
                "StringEquals": {
                    "AWS:SourceAccount": "111111111111",
                    "aws:PrincipalOrgID": "o-1234567890",
                    "lambda:FunctionUrlAuthType": "NONE",
                },
            },
        ),
        (
            {"Principal": "*", "InvokedViaFunctionUrl": True},
            "*",
            {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
        ),
    ],
)
def test_principals_and_conditions(
    client: Any, function: str, given: dict[str, Any], principal: object, condition: object
) -> None:
    answer = client.add_permission(FunctionName=function, StatementId="s", **{**INVOKE, **given})
    statement = json.loads(answer["Statement"])
    assert statement["Principal"] == principal
    assert statement.get("Condition") == condition
    assert statement["Action"] == given.get("Action", "lambda:InvokeFunction")


@pytest.mark.parametrize("action", ["lambda:InvokeFunction", "lambda:*", "*"])
def test_the_type_of_a_urls_authorization_belongs_to_urls(client: Any, function: str, action: str) -> None:
    statement = {"StatementId": "s", "Principal": "*", "FunctionUrlAuthType": "NONE", "Action": action}
    refusal = refused(client.add_permission, FunctionName=function, **statement)
    assert refusal == invalid("FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action")


def test_actions(client: Any, function: str) -> None:
    for number, action in enumerate(("lambda:GetFunction", "lambda:*", "*", "lambda:invokefunction")):
        client.add_permission(FunctionName=function, StatementId=f"s{number}", **{**INVOKE, "Action": action})
    for action in ("lambda:Invoke", "lambda:InvokeModel"):
        refusal = refused(
            client.add_permission, FunctionName=function, StatementId="no", **{**INVOKE, "Action": action}
        )
        assert refusal == invalid(f"The provided action {action} was invalid. Please check the action and try again.")
    assert sids_of(client, function) == ["s0", "s1", "s2", "s3"]


def test_a_policy_keeps_its_revision_while_the_function_changes(client: Any, function: str) -> None:
    client.add_permission(FunctionName=function, StatementId="first", **INVOKE)
    known = client.get_policy(FunctionName=function)["RevisionId"]
    client.publish_version(FunctionName=function)
    client.tag_resource(Resource=ARN + function, Tags={"a": "b"})
    assert client.get_policy(FunctionName=function)["RevisionId"] == known
    assert client.get_function_configuration(FunctionName=function)["RevisionId"] != known
    client.add_permission(FunctionName=function, StatementId="second", RevisionId=known, **INVOKE)
    assert client.get_policy(FunctionName=function)["RevisionId"] != known
    code, *_ = refused(client.remove_permission, FunctionName=function, StatementId="first", RevisionId=known)
    assert code == "PreconditionFailedException"


def test_each_qualifier_has_its_own(client: Any, function: str) -> None:
    client.add_permission(FunctionName=function, StatementId="own", **INVOKE)
    assert refused(client.get_policy, FunctionName=function, Qualifier="1") == NO_POLICY
    version = client.add_permission(FunctionName=f"{ARN}{function}:1", StatementId="own", **INVOKE)
    alias = client.add_permission(FunctionName=function, Qualifier="live", StatementId="own", **INVOKE)
    assert json.loads(version["Statement"])["Resource"] == f"{ARN}{function}:1"
    assert json.loads(alias["Statement"])["Resource"] == f"{ARN}{function}:live"
    client.add_permission(FunctionName=function, Qualifier="live", StatementId="second", **INVOKE)
    assert sids_of(client, function) == ["own"]
    assert sids_of(client, function, Qualifier="1") == ["own"]
    assert sids_of(client, f"{function}:live") == ["own", "second"]
    client.remove_permission(FunctionName=function, Qualifier="live", StatementId="own")
    assert sids_of(client, function, Qualifier="live") == ["second"]
    client.delete_alias(FunctionName=function, Name="live")
    client.create_alias(FunctionName=function, Name="live", FunctionVersion="1")
    assert refused(client.get_policy, FunctionName=function, Qualifier="live") == NO_POLICY


def test_the_last_one_removed(client: Any, function: str) -> None:
    for sid in ("a", "b"):
        client.add_permission(FunctionName=function, StatementId=sid, **INVOKE)
    answer = client.remove_permission(FunctionName=function, StatementId="a")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert sids_of(client, function) == ["b"]
    client.remove_permission(FunctionName=function, StatementId="b")
    assert refused(client.get_policy, FunctionName=function) == NO_POLICY
    missing = ("ResourceNotFoundException", 404, "No policy is associated with the given resource.")
    assert refused(client.remove_permission, FunctionName=function, StatementId="b") == missing


def test_revisions(client: Any, function: str) -> None:
    """A policy's revision is that of what it belongs to, and changes with it."""
    revision = client.get_function_configuration(FunctionName=function)["RevisionId"]
    client.add_permission(FunctionName=function, StatementId="a", RevisionId=revision, **INVOKE)
    stale = (
        "PreconditionFailedException",
        412,
        "The Revision Id provided does not match the latest Revision Id. "
        "Call the GetFunction/GetAlias API to retrieve the latest Revision Id",
    )
    named = {"FunctionName": function, "RevisionId": revision}
    assert refused(client.add_permission, StatementId="b", **named, **INVOKE) == stale
    assert refused(client.remove_permission, StatementId="a", **named) == stale
    assert sids_of(client, function) == ["a"]
    alias = client.get_alias(FunctionName=function, Name="live")["RevisionId"]
    more = {"FunctionName": function, "Qualifier": "live"}
    client.add_permission(StatementId="a", RevisionId=alias, **more, **INVOKE)
    code, status, message = refused(client.add_permission, StatementId="b", RevisionId=alias, **more, **INVOKE)
    assert (code, status) == ("PreconditionFailedException", 412)
    assert message.endswith("Call the GetPolicy API to retrieve the latest Revision Id")
    newest = client.get_alias(FunctionName=function, Name="live")["RevisionId"]
    assert client.get_policy(**more)["RevisionId"] == newest != alias
    client.remove_permission(StatementId="a", RevisionId=newest, **more)


def test_what_is_not_there(client: Any, function: str) -> None:
    nothing = new_name()
    add = {"StatementId": "s", **INVOKE}

    def missing(message: str) -> tuple[str, int, str]:
        return "ResourceNotFoundException", 404, message

    assert refused(client.add_permission, FunctionName=nothing, **add) == missing(f"Function not found: {ARN}{nothing}")
    assert refused(client.remove_permission, FunctionName=nothing, StatementId="s") == missing(
        f"No policy found for: {ARN}{nothing}"
    )
    assert refused(client.get_policy, FunctionName=nothing) == NO_POLICY
    for qualifier, message in (
        ("42", "Function not found: "),
        ("with-$", "Function not found: "),
        ("nothing", "Cannot find alias arn: "),
    ):
        named = {"FunctionName": function, "Qualifier": qualifier}
        expected = missing(f"{message}{ARN}{function}:{qualifier}")
        assert refused(client.add_permission, **named, **add) == expected
        assert refused(client.remove_permission, **named, StatementId="s") == expected
        assert refused(client.get_policy, **named) == NO_POLICY
    client.add_permission(FunctionName=function, **add)
    assert refused(client.remove_permission, FunctionName=function, StatementId="other") == missing(
        "Statement other is not found in resource policy."
    )
    assert sids_of(client, function) == ["s"]


def test_what_is_refused(client: Any, function: str) -> None:
    add = {"FunctionName": function, "StatementId": "s", **INVOKE}
    client.add_permission(**add)
    assert refused(client.add_permission, **add) == (
        "ResourceConflictException",
        409,
        "The statement id (s) provided already exists. "
        "Please provide a new statement id, or remove the existing statement.",
    )
    assert refused(client.add_permission, **{**add, "Principal": "somebody.example.com"}) == invalid(
        "The provided principal was invalid. Please check the principal and try again."
    )
    assert refused(client.add_permission, **add, Qualifier="$LATEST") == invalid(
        "We currently do not support adding policies for $LATEST."
    )
    assert refused(client.add_permission, **{**add, "FunctionName": f"{function}:1"}, Qualifier="live") == invalid(
        "The derived qualifier from the function name does not match the specified qualifier."
    )
    assert refused(client.add_permission, **{**add, "StatementId": "example.com"}) == violation(
        "Value 'example.com' at 'statementId' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)"
    )
    assert refused(client.add_permission, **add, Qualifier="what-?") == violation(
        "Value 'what-?' at 'qualifier' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: \$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"
    )
    assert sids_of(client, function) == ["s"]


def test_a_policy_has_a_limit(client: Any, function: str) -> None:
    arn = f"arn:aws:s3:::{'x' * 2000}"
    for number in range(9):
        client.add_permission(FunctionName=function, StatementId=f"s{number}", SourceArn=arn, **INVOKE)
    code, status, message = refused(
        client.add_permission, FunctionName=function, StatementId="s9", SourceArn=arn, **INVOKE
    )
    assert (code, status) == ("PolicyLengthExceededException", 400)
    assert message.endswith("is bigger than the limit (20480).")
    assert len(sids_of(client, function)) == 9


def test_policies_survive_a_restart(own_server: Any) -> None:
    client = own_server.start().client()
    name = create(client, "def handler(event, context):\n    return event\n")
    client.add_permission(FunctionName=name, StatementId="s", **INVOKE)
    before = client.get_policy(FunctionName=name)
    own_server.kill()
    after = own_server.start().client().get_policy(FunctionName=name)
    assert (after["Policy"], after["RevisionId"]) == (before["Policy"], before["RevisionId"])


def test_another_account_may_invoke_what_a_policy_lets_it(server: Server, client: Any) -> None:
    other = server.client(account="111111111111")
    name = create(client, "def handler(event, context):\n    return context.invoked_function_arn\n", Publish=True)
    arn = client.get_function_configuration(FunctionName=name)["FunctionArn"]
    denied = (
        "AccessDeniedException",
        403,
        "User: arn:aws:iam::111111111111:root is not authorized to perform: lambda:InvokeFunction on resource: "
        "{} because no resource-based policy allows the lambda:InvokeFunction action",
    )
    assert refused(other.invoke, FunctionName=arn) == (*denied[:2], denied[2].format(arn))
    assert refused(other.invoke, FunctionName=f"{arn}x") == (*denied[:2], denied[2].format(f"{arn}x"))
    client.add_permission(
        FunctionName=name, StatementId="in", Action="lambda:InvokeFunction", Principal="111111111111", Qualifier="1"
    )
    assert call(other, f"{arn}:1")[0] == f"{arn}:1"
    assert other.invoke(FunctionName=f"{arn}:1", InvocationType="Event")["StatusCode"] == 202
    events = list(other.invoke_with_response_stream(FunctionName=f"{arn}:1")["EventStream"])
    assert events[0]["PayloadChunk"]["Payload"] == f'"{arn}:1"'.encode()
    assert refused(other.invoke, FunctionName=arn)[:2] == denied[:2]
    assert refused(other.get_function, FunctionName=arn)[0] == "AccessDeniedException"
    statement = {"Sid": "no", "Effect": "Deny", "Principal": {"AWS": "111111111111"}, "Action": INVOKE["Action"]}
    policy = {"Version": "2012-10-17", "Statement": [{**statement, "Resource": f"{arn}:1"}]}
    client.put_resource_policy(ResourceArn=f"{arn}:1", Policy=json.dumps(policy))
    explicitly = denied[2].partition(" because")[0] + " with an explicit deny in a resource-based policy"
    assert refused(other.invoke, FunctionName=f"{arn}:1") == (*denied[:2], explicitly.format(f"{arn}:1"))
