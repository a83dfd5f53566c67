"""UpdateFunctionConfiguration: what is changed, what is kept, what is unset, what is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions import call, new_name, zip_of
from refusals import invalid, refused, violation

Settled = Callable[..., None]
Create = Callable[..., dict[str, Any]]
VARYING = ("ResponseMetadata", "RevisionId", "LastModified")
IN_PROGRESS = {
    "LastUpdateStatus": "InProgress",
    "LastUpdateStatusReason": "The function is being created.",
    "LastUpdateStatusReasonCode": "Creating",
}


def steady(configuration: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in configuration.items() if name not in VARYING}


@pytest.fixture
def function(create_function: Create, settled: Settled) -> str:
    code = zip_of({"app.py": "import os\ndef handler(event, context):\n    return os.environ.get('KEY')\n"})
    name: str = create_function(Code={"ZipFile": code})["FunctionName"]
    settled(name)
    return name


@pytest.mark.parametrize(
    "change",
    [
        {"Description": "new"},
        {"Timeout": 10, "MemorySize": 512},
        {"Handler": "app.other"},
        {"Runtime": "python3.11"},
        {"Role": "arn:aws:iam::000000000000:role/other"},
        {"Environment": {"Variables": {"KEY": "value"}}},
        {"Environment": {"Variables": {}}},
        {"EphemeralStorage": {"Size": 1024}},
        {"TracingConfig": {"Mode": "Active"}},
        {"KMSKeyArn": "arn:aws:kms:us-east-1:000000000000:key/1"},
        {"DeadLetterConfig": {"TargetArn": "arn:aws:sns:us-east-1:000000000000:dead"}},
        {},
    ],
)
def test_only_what_is_given_changes(client: Any, function: str, settled: Settled, change: dict[str, Any]) -> None:
    before = client.get_function_configuration(FunctionName=function)
    updated = client.update_function_configuration(FunctionName=function, **change)
    wanted = {**steady(before), **change}
    if "Runtime" in change:
        wanted["RuntimeVersionConfig"] = updated["RuntimeVersionConfig"]
        assert updated["RuntimeVersionConfig"] != before["RuntimeVersionConfig"]
    assert steady(updated) == {**wanted, **IN_PROGRESS}
    settled(function)
    after = client.get_function_configuration(FunctionName=function)
    assert steady(after) == wanted
    assert len({before["RevisionId"], updated["RevisionId"], after["RevisionId"]}) == 3
    assert before["LastModified"] < updated["LastModified"] == after["LastModified"]


def test_what_can_be_unset(client: Any, function: str, settled: Settled) -> None:
    before = client.get_function_configuration(FunctionName=function)
    client.update_function_configuration(
        FunctionName=function,
        KMSKeyArn="arn:aws:kms:us-east-1:000000000000:key/1",
        DeadLetterConfig={"TargetArn": "arn:aws:sns:us-east-1:000000000000:dead"},
    )
    settled(function)
    client.update_function_configuration(
        FunctionName=function, KMSKeyArn="", DeadLetterConfig={}, FileSystemConfigs=[], Layers=[]
    )
    settled(function)
    assert steady(client.get_function_configuration(FunctionName=function)) == steady(before)
    vpc = {"SubnetIds": [], "SecurityGroupIds": []}
    updated = client.update_function_configuration(FunctionName=function, VpcConfig=vpc)
    assert updated["VpcConfig"] == {**vpc, "VpcId": "", "Ipv6AllowedForDualStack": False}


def test_variables_reach_the_next_invocation(client: Any, function: str) -> None:
    assert call(client, function)[0] is None
    client.update_function_configuration(FunctionName=function, Environment={"Variables": {"KEY": "value"}})
    assert call(client, function)[0] == "value"


def test_log_formats_and_levels(client: Any, function: str, settled: Settled) -> None:
    group = f"/aws/lambda/{function}"
    steps = [
        (
            {"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG"},
            {"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG", "SystemLogLevel": "INFO", "LogGroup": group},
        ),
        (
            {"SystemLogLevel": "WARN", "LogGroup": "mine"},
            {"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG", "SystemLogLevel": "WARN", "LogGroup": "mine"},
        ),
        ({"LogFormat": "Text"}, {"LogFormat": "Text", "LogGroup": "mine"}),
        (
            {"LogFormat": "JSON"},
            {"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO", "LogGroup": "mine"},
        ),
    ]
    for given, expected in steps:
        updated = client.update_function_configuration(FunctionName=function, LoggingConfig=given)
        assert updated["LoggingConfig"] == expected
        settled(function)
    text = {"LogFormat": "Text", "SystemLogLevel": "INFO"}
    assert refused(client.update_function_configuration, FunctionName=function, LoggingConfig=text) == invalid(
        'LogLevel is not supported when LogFormat is set to "Text". '
        'Remove LogLevel from your request or change the LogFormat to "Json" and try again.'
    )


def test_only_what_the_caller_knows_is_updated(client: Any, function: str, settled: Settled) -> None:
    update = client.update_function_configuration
    known = client.get_function_configuration(FunctionName=function)["RevisionId"]
    update(FunctionName=function, Description="mine", RevisionId=known)
    settled(function)
    code, status, _ = refused(update, FunctionName=function, Description="lost", RevisionId=known)
    assert (code, status) == ("PreconditionFailedException", 412)
    assert client.get_function_configuration(FunctionName=function)["Description"] == "mine"


REFUSED = [
    (
        {"Timeout": 901},
        violation(
            "Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900"
        ),
    ),
    (
        {"Runtime": "go1.x"},
        invalid(
            "The runtime parameter of go1.x is no longer supported for creating or updating AWS Lambda functions. "
            "We recommend you use a supported runtime while creating or updating functions."
        ),
    ),
    (
        {"SnapStart": {"ApplyOn": "Always"}},
        violation(
            "Value 'Always' at 'snapStart.applyOn' failed to satisfy constraint: "
            "Member must satisfy enum value set: [PublishedVersions, None]"
        ),
    ),
    ({"AcceleratorConfig": {"AcceleratorMemorySize": 24}}, invalid("lambdad does not support AcceleratorConfig.")),
]


@pytest.mark.parametrize(("change", "answer"), REFUSED)
def test_refused_and_nothing_is_changed(
    client: Any, function: str, change: dict[str, Any], answer: tuple[str, int, str]
) -> None:
    before = client.get_function(FunctionName=function)["Configuration"]
    given = {"Description": "not this one", **change}
    assert refused(client.update_function_configuration, FunctionName=function, **given) == answer
    assert client.get_function(FunctionName=function)["Configuration"] == before


def test_what_is_not_there(client: Any) -> None:
    name = new_name()
    assert refused(client.update_function_configuration, FunctionName=name, Timeout=3) == (
        "ResourceNotFoundException",
        404,
        f"Function not found: arn:aws:lambda:us-east-1:000000000000:function:{name}",
    )


def test_patterns_are_shown_with_their_anchors(client: Any) -> None:
    """Published models have lost them; AWS's messages have not."""
    with pytest.raises(ClientError) as caught:
        client.update_function_configuration(
            FunctionName="any", VpcConfig={"SubnetIds": ["foo"], "SecurityGroupIds": ["bar"]}
        )
    message = caught.value.response["Error"]["Message"]
    assert "satisfy regular expression pattern: ^subnet-[0-9a-z]*$" in message
    assert "satisfy regular expression pattern: ^sg-[0-9a-zA-Z]*$" in message
    with pytest.raises(ClientError) as caught:
        client.put_function_event_invoke_config(
            FunctionName="any", DestinationConfig={"OnFailure": {"Destination": "foo"}}
        )
    assert "satisfy regular expression pattern: ^$|kafka://" in caught.value.response["Error"]["Message"]
