"""Layers as resources, and how functions refer to them. What they do inside: `environments/test_layers_inside.py`."""

import hashlib
import json
import re
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest

from functions import new_name, zip_of
from refusals import invalid, refused, violation

Settled = Callable[..., None]
Create = Callable[..., dict[str, Any]]
ARN = "arn:aws:lambda:us-east-1:000000000000:layer:"
ZIP = zip_of({"python/shared.py": "value = 1\n"})
GONE = ("ResourceNotFoundException", 404, "The resource you requested does not exist.")


@pytest.fixture
def layer(client: Any) -> str:
    """With one version."""
    name = new_name("layer")
    publish(client, name)
    return name


def publish(client: Any, name: str, content: bytes = ZIP, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client.publish_layer_version(LayerName=name, Content={"ZipFile": content}, **more)
    return answer


def without_location(answer: dict[str, Any]) -> dict[str, Any]:
    content = {name: value for name, value in answer["Content"].items() if name != "Location"}
    return {**answer, "Content": content, "ResponseMetadata": None}


def test_a_layer_version(client: Any) -> None:
    name = new_name("layer")
    more = {
        "Description": "shared",
        "CompatibleRuntimes": ["python3.12", "python3.13"],
        "CompatibleArchitectures": ["x86_64"],
        "LicenseInfo": "MIT",
    }
    made = publish(client, name, **more)
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", made["CreatedDate"])
    sha256 = b64encode(hashlib.sha256(ZIP).digest()).decode()
    assert without_location(made) == {
        "LayerArn": ARN + name,
        "LayerVersionArn": f"{ARN}{name}:1",
        "Version": 1,
        "Content": {"CodeSha256": sha256, "CodeSize": len(ZIP)},
        "CreatedDate": made["CreatedDate"],
        "ResponseMetadata": None,
        **more,
    }
    for found in (
        client.get_layer_version(LayerName=name, VersionNumber=1),
        client.get_layer_version(LayerName=ARN + name, VersionNumber=1),
        client.get_layer_version_by_arn(Arn=f"{ARN}{name}:1"),
    ):
        assert without_location(found) == without_location(made)
        with urllib.request.urlopen(found["Content"]["Location"], timeout=120) as download:
            assert download.read() == ZIP


def test_what_is_not_given_is_not_answered(client: Any, layer: str) -> None:
    found = client.get_layer_version(LayerName=layer, VersionNumber=1)
    assert found["Description"] == ""
    assert not {"CompatibleRuntimes", "CompatibleArchitectures", "LicenseInfo"} & set(found)
    assert publish(client, layer, CompatibleRuntimes=[])["CompatibleRuntimes"] == []


def test_numbers_are_never_used_again(client: Any, layer: str) -> None:
    assert [publish(client, layer)["Version"] for _ in range(2)] == [2, 3]
    for _ in range(2):
        for number in (1, 3, 2):
            answer = client.delete_layer_version(LayerName=layer, VersionNumber=number)
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(client.get_layer_version, LayerName=layer, VersionNumber=3) == GONE
    assert client.list_layer_versions(LayerName=layer)["LayerVersions"] == []
    assert layer not in names_of(client)
    assert publish(client, layer)["Version"] == 4


def names_of(client: Any, **more: Any) -> list[str]:
    pages = client.get_paginator("list_layers").paginate(**more)
    return [layer["LayerName"] for page in pages for layer in page["Layers"]]


def test_lists(client: Any) -> None:
    name = new_name("layer")
    publish(client, name, CompatibleRuntimes=["python3.12"], CompatibleArchitectures=["x86_64"])
    publish(client, name, CompatibleRuntimes=["python3.12", "nodejs22.x"], CompatibleArchitectures=["arm64"])
    publish(client, name, Description="no word of what it suits")

    def versions(**more: Any) -> list[int]:
        pages = client.get_paginator("list_layer_versions").paginate(LayerName=name, **more)
        return [version["Version"] for page in pages for version in page["LayerVersions"]]

    assert versions() == [3, 2, 1]
    assert versions(PaginationConfig={"PageSize": 1}) == [3, 2, 1]
    assert versions(CompatibleRuntime="python3.12") == [2, 1]
    assert versions(CompatibleRuntime="python3.12", CompatibleArchitecture="x86_64") == [1]
    assert versions(CompatibleRuntime="python3.13") == []
    (found,) = [one for one in client.list_layers(MaxItems=50)["Layers"] if one["LayerName"] == name]
    assert found["LayerArn"] == ARN + name
    assert found["LatestMatchingVersion"]["Version"] == 3
    assert found["LatestMatchingVersion"]["LayerVersionArn"] == f"{ARN}{name}:3"
    assert "Content" not in found["LatestMatchingVersion"]
    suiting = client.list_layers(CompatibleRuntime="nodejs22.x")["Layers"]
    assert [one["LatestMatchingVersion"]["Version"] for one in suiting if one["LayerName"] == name] == [2]
    assert client.list_layer_versions(LayerName=new_name())["LayerVersions"] == []


def test_a_page_of_layers(client: Any) -> None:
    names = sorted(new_name("paged") for _ in range(3))
    for name in reversed(names):
        publish(client, name)
    listed = names_of(client, PaginationConfig={"PageSize": 2})
    assert [name for name in listed if name in names] == names
    assert listed == sorted(listed)


def test_what_is_not_there(client: Any, layer: str) -> None:
    assert refused(client.get_layer_version, LayerName=layer, VersionNumber=2) == GONE
    assert refused(client.get_layer_version, LayerName=new_name(), VersionNumber=1) == GONE
    assert refused(client.get_layer_version_by_arn, Arn=f"{ARN}{new_name()}:1") == GONE
    below = invalid("Layer Version Cannot be less than 1")
    assert refused(client.get_layer_version, LayerName=layer, VersionNumber=0) == below
    assert refused(client.delete_layer_version, LayerName=layer, VersionNumber=-1) == below


def test_bad_content_makes_no_version(client: Any, layer: str) -> None:
    broken = invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
    assert refused(publish, client=client, name=layer, content=b"not a zip") == broken
    nothing = invalid("Please provide a source for function code.")
    assert refused(client.publish_layer_version, LayerName=layer, Content={}) == nothing
    code, status, message = refused(publish, client=client, name=layer, CompatibleRuntimes=["python3.12", "cobol"])
    assert (code, status) == ("ValidationException", 400)
    assert message.startswith(
        "1 validation error detected: Value '[python3.12, cobol]' at 'compatibleRuntimes' failed to satisfy constraint: "
    )
    assert client.list_layer_versions(LayerName=layer)["LayerVersions"][0]["Version"] == 1


# --- Functions and their layers -------------------------------------------------------------------------------------


def test_a_function_says_its_layers(client: Any, create_function: Create, settled: Settled, layer: str) -> None:
    other = publish(client, new_name("layer"), zip_of({"python/other.py": "value = 2\n" * 50}))
    arns = [other["LayerVersionArn"], f"{ARN}{layer}:1"]
    answer = create_function(Layers=arns, Publish=True)
    layers = [
        {"Arn": arns[0], "CodeSize": other["Content"]["CodeSize"]},
        {"Arn": arns[1], "CodeSize": len(ZIP)},
    ]
    assert answer["Layers"] == layers
    name = answer["FunctionName"]
    settled(name)
    assert client.get_function(FunctionName=name)["Configuration"]["Layers"] == layers
    kept = client.update_function_configuration(FunctionName=name, Timeout=9)
    assert kept["Layers"] == layers
    settled(name)
    fewer = client.update_function_configuration(FunctionName=name, Layers=arns[1:])
    assert fewer["Layers"] == layers[1:]
    settled(name)
    none = client.update_function_configuration(FunctionName=name, Layers=[])
    assert "Layers" not in none
    settled(name)
    assert client.get_function_configuration(FunctionName=name, Qualifier="1")["Layers"] == layers


def test_layers_that_a_function_may_not_have(
    client: Any, create_function: Create, settled: Settled, layer: str
) -> None:
    publish(client, layer)
    name = create_function(Layers=[f"{ARN}{layer}:1"])["FunctionName"]
    settled(name)
    twice = (
        "Two different versions of the same layer are not allowed to be referenced in the same function. "
        "{0} and {1} are versions of the same layer."
    )
    one, two, nine = (f"{ARN}{layer}:{number}" for number in (1, 2, 9))
    unknown, elsewhere = f"{ARN}{new_name()}:1", one.replace("us-east-1", "eu-west-1")
    for layers, message in (
        ([nine], f"Layer version {nine} does not exist."),
        ([one, unknown], f"Layer version {unknown} does not exist."),
        ([one, two], twice.format(one, two)),
        ([one, one], twice.format(one, one)),
        (
            [elsewhere],
            "Layers are not in the same region as the function. Layers are expected to be in region us-east-1.",
        ),
        ([f"{ARN}l{number}:1" for number in range(6)], "Cannot reference more than 5 layers."),
    ):
        assert refused(client.update_function_configuration, FunctionName=name, Layers=layers) == invalid(message)
        assert refused(create_function, Layers=layers) == invalid(message)
    theirs = elsewhere.replace("000000000000", "123456789012")
    code, status, message = refused(client.update_function_configuration, FunctionName=name, Layers=[theirs])
    assert (code, status) == ("AccessDeniedException", 403), "of another account, where it is comes second"
    assert f"perform: lambda:GetLayerVersion on resource: {theirs}" in message
    code, status, message = refused(client.update_function_configuration, FunctionName=name, Layers=[ARN + layer])
    assert (code, status) == ("ValidationException", 400)
    assert message.startswith(f"1 validation error detected: Value '[{ARN}{layer}]' at 'layers' failed to satisfy")
    layers = client.get_function_configuration(FunctionName=name)["Layers"]
    assert [one["Arn"] for one in layers] == [f"{ARN}{layer}:1"]


def test_code_and_layers_together_have_a_limit(client: Any, create_function: Create, settled: Settled) -> None:
    mb = 1 << 20
    large = zip_of({"zeros": bytes(130 * mb)})
    arn = publish(client, new_name("layer"), large)["LayerVersionArn"]
    other = publish(client, new_name("layer"), zip_of({"zeros": bytes(121 * mb)}))["LayerVersionArn"]
    code = zip_of({"app.py": "def handler(event, context):\n    return event\n"})
    name = create_function(Code={"ZipFile": code}, Layers=[arn])["FunctionName"]
    settled(name)
    most = 250 * mb

    def refusal(actual: int) -> tuple[str, int, str]:
        return invalid(
            f"Function code combined with layers exceeds the maximum allowed size of {most} bytes. "
            f"The actual size is {actual} bytes."
        )

    own = len("def handler(event, context):\n    return event\n")
    both = {"FunctionName": name, "Layers": [arn, other]}
    assert refused(client.update_function_configuration, **both) == refusal(251 * mb + own)
    assert refused(client.update_function_code, FunctionName=name, ZipFile=large) == refusal(260 * mb)
    assert refused(create_function, Layers=[arn, other], Code={"ZipFile": code}) == refusal(251 * mb + own)
    assert client.get_function_configuration(FunctionName=name)["CodeSize"] == len(code)


# --- Policies -------------------------------------------------------------------------------------------------------


def test_a_policy(client: Any, layer: str) -> None:
    wanted = {"LayerName": layer, "VersionNumber": 1, "Action": "lambda:GetLayerVersion"}
    nothing = ("ResourceNotFoundException", 404, "No policy is associated with the given resource.")
    assert refused(client.get_layer_version_policy, LayerName=layer, VersionNumber=1) == nothing
    added = client.add_layer_version_permission(**wanted, StatementId="s1", Principal="*")
    assert added["ResponseMetadata"]["HTTPStatusCode"] == 201
    first = {
        "Sid": "s1",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "lambda:GetLayerVersion",
        "Resource": f"{ARN}{layer}:1",
    }
    assert json.loads(added["Statement"]) == first
    more = client.add_layer_version_permission(
        **wanted, StatementId="s2", Principal="*", OrganizationId="o-1234567890", RevisionId=added["RevisionId"]
    )
    account = client.add_layer_version_permission(**wanted, StatementId="s3", Principal="111111111111")
    found = client.get_layer_version_policy(LayerName=layer, VersionNumber=1)
    assert found["RevisionId"] == account["RevisionId"]
    condition = {"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}}
    assert json.loads(found["Policy"]) == {
        "Version": "2012-10-17",
        "Id": "default",
        "Statement": [
            first,
            {**first, "Sid": "s2", "Condition": condition},
            {**first, "Sid": "s3", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}},
        ],
    }
    stale = {"LayerName": layer, "VersionNumber": 1, "StatementId": "s1", "RevisionId": more["RevisionId"]}
    older = (
        "PreconditionFailedException",
        412,
        "The Revision Id provided does not match the latest Revision Id. "
        "Call the GetLayerPolicy API to retrieve the latest Revision Id",
    )
    assert refused(client.remove_layer_version_permission, **stale) == older
    assert (
        refused(client.add_layer_version_permission, **{**wanted, **stale, "StatementId": "s4"}, Principal="*") == older
    )
    for sid in ("s1", "s2", "s3"):
        answer = client.remove_layer_version_permission(LayerName=layer, VersionNumber=1, StatementId=sid)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(client.get_layer_version_policy, LayerName=layer, VersionNumber=1) == nothing


def test_permissions_that_are_refused(client: Any, layer: str) -> None:
    wanted = {"LayerName": layer, "VersionNumber": 1, "StatementId": "s1", "Principal": "*"}
    action = "lambda:GetLayerVersion"
    client.add_layer_version_permission(**wanted, Action=action)
    assert refused(client.add_layer_version_permission, **wanted, Action=action) == (
        "ResourceConflictException",
        409,
        "The statement id (s1) provided already exists. "
        "Please provide a new statement id, or remove the existing statement.",
    )
    assert refused(client.add_layer_version_permission, **wanted, Action="*") == violation(
        "Value '*' at 'action' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: lambda:GetLayerVersion"
    )
    for name, number in ((layer, 2), (new_name(), 1)):
        missing = ("ResourceNotFoundException", 404, f"Layer version {ARN}{name}:{number} does not exist.")
        named = {"LayerName": name, "VersionNumber": number}
        assert refused(client.get_layer_version_policy, **named) == missing
        assert refused(client.add_layer_version_permission, **{**wanted, **named}, Action=action) == missing
        assert refused(client.remove_layer_version_permission, **named, StatementId="s1") == missing
    assert refused(client.remove_layer_version_permission, LayerName=layer, VersionNumber=1, StatementId="no") == (
        "ResourceNotFoundException",
        404,
        "Statement no is not found in resource policy.",
    )


def test_another_account_needs_the_policy(server: Any, client: Any, layer: str) -> None:
    guest = server.client(account="222222222222")
    arn = f"{ARN}{layer}:1"
    denied = (
        "AccessDeniedException",
        403,
        f"User: arn:aws:iam::222222222222:root is not authorized to perform: lambda:GetLayerVersion on resource: {arn} "
        "because no resource-based policy allows the lambda:GetLayerVersion action",
    )
    function = {
        "FunctionName": new_name(),
        "Runtime": "python3.12",
        "Role": "arn:aws:iam::222222222222:role/r",
        "Handler": "app.handler",
        "Code": {"ZipFile": zip_of({"app.py": "def handler(event, context):\n    return event\n"})},
        "Layers": [arn],
    }
    assert refused(guest.get_layer_version_by_arn, Arn=arn) == denied
    assert refused(guest.create_function, **function) == denied
    permission = {"LayerName": layer, "VersionNumber": 1, "StatementId": "s1", "Action": "lambda:GetLayerVersion"}
    client.add_layer_version_permission(**permission, Principal="333333333333")
    assert refused(guest.get_layer_version_by_arn, Arn=arn) == denied
    client.add_layer_version_permission(**{**permission, "StatementId": "s2"}, Principal="222222222222")
    assert guest.get_layer_version_by_arn(Arn=arn)["LayerVersionArn"] == arn
    assert guest.create_function(**function)["Layers"] == [{"Arn": arn, "CodeSize": len(ZIP)}]
    guest.delete_function(FunctionName=function["FunctionName"])
    assert layer not in names_of(guest)
    code, _, _ = refused(guest.publish_layer_version, LayerName=ARN + layer, Content={"ZipFile": ZIP})
    assert code == "AccessDeniedException"
    code, _, _ = refused(guest.delete_layer_version, LayerName=ARN + layer, VersionNumber=1)
    assert code == "AccessDeniedException"
    assert client.get_layer_version(LayerName=layer, VersionNumber=1)["Version"] == 1


def test_all_that_is_wrong_is_named_at_once(client: Any) -> None:
    def told(refusal: tuple[str, int, str]) -> list[str]:
        code, status, message = refusal
        assert (code, status) == ("ValidationException", 400)
        return re.findall(r"Value '(.*?)' at '(\w+)' failed to satisfy constraint", message)

    wrong = {"CompatibleRuntimes": ["one", "two"], "CompatibleArchitectures": ["three"]}
    refusal = refused(client.publish_layer_version, LayerName="layer", Content={"ZipFile": ZIP}, **wrong)
    assert refusal[2].startswith("2 validation errors detected: ")
    assert told(refusal) == [("[one, two]", "compatibleRuntimes"), ("[three]", "compatibleArchitectures")]
    asked = {"CompatibleRuntime": "one", "CompatibleArchitecture": "two"}
    for refusal in (refused(client.list_layers, **asked), refused(client.list_layer_versions, LayerName="l", **asked)):
        assert told(refusal) == [("one", "compatibleRuntime"), ("two", "compatibleArchitecture")]
