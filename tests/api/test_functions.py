"""CreateFunction, GetFunction, ListFunctions, DeleteFunction: shapes, wording, and what is refused."""

import base64
import hashlib
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from functions import PROMPT, ROLE, new_name, zip_of
from refusals import invalid, refused, violation

ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
CODE = zip_of({"app.py": "def handler(event, context):\n    return event\n"})
Settled = Callable[..., None]
Create = Callable[..., dict[str, Any]]


def expected(name: str, **more: Any) -> dict[str, Any]:
    """A new function's configuration, but for what differs from run to run."""
    return {
        "FunctionName": name,
        "FunctionArn": ARN + name,
        "Runtime": "python3.12",
        "Role": ROLE,
        "Handler": "app.handler",
        "CodeSize": len(CODE),
        "Description": "",
        "Timeout": 3,
        "MemorySize": 128,
        "CodeSha256": base64.b64encode(hashlib.sha256(CODE).digest()).decode(),
        "Version": "$LATEST",
        "TracingConfig": {"Mode": "PassThrough"},
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"},
        **more,
    }


PENDING = {"State": "Pending", "StateReason": "The function is being created.", "StateReasonCode": "Creating"}
ACTIVE = {"State": "Active", "LastUpdateStatus": "Successful"}


def steady(configuration: dict[str, Any]) -> dict[str, Any]:
    """Without what differs from run to run, which is checked by its form."""
    rest = {key: value for key, value in configuration.items() if key != "ResponseMetadata"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", rest.pop("LastModified"))
    assert uuid.UUID(rest.pop("RevisionId")).version == 4
    runtime = rest.pop("RuntimeVersionConfig", None)
    if runtime is not None:
        assert re.fullmatch(r"arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}", runtime["RuntimeVersionArn"])
    return rest


def test_a_new_function(client: Any, create_function: Create, settled: Settled) -> None:
    name = new_name()
    created = create_function(FunctionName=name)
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert steady(created) == expected(name, **PENDING)
    settled(name)
    found = client.get_function(FunctionName=name)
    assert found.keys() == {"Configuration", "Code", "ResponseMetadata"}
    assert steady(found["Configuration"]) == expected(name, **ACTIVE)
    assert steady(client.get_function_configuration(FunctionName=name)) == expected(name, **ACTIVE)
    assert found["Code"]["RepositoryType"] == "S3"
    assert found["Configuration"]["RevisionId"] != created["RevisionId"]
    assert found["Configuration"]["LastModified"] == created["LastModified"]


def test_everything_that_can_be_asked_for(client: Any, create_function: Create, settled: Settled) -> None:
    name = new_name()
    asked = {
        "Description": "ünïcödé",
        "Timeout": 900,
        "MemorySize": 10240,
        "Environment": {"Variables": {"KEY": "value", "EMPTY": ""}},
        "TracingConfig": {"Mode": "Active"},
        "DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:000000000000:dead"},
        "KMSKeyArn": "arn:aws:kms:us-east-1:000000000000:key/1",
        "EphemeralStorage": {"Size": 10240},
        "Architectures": ["arm64"],
        "LoggingConfig": {"LogFormat": "JSON", "LogGroup": "mine", "SystemLogLevel": "WARN"},
    }
    create_function(FunctionName=name, Tags={"team": "blue"}, **asked)
    settled(name)
    found = client.get_function(FunctionName=name)
    asked["LoggingConfig"] = {
        "LogFormat": "JSON",
        "LogGroup": "mine",
        "ApplicationLogLevel": "INFO",
        "SystemLogLevel": "WARN",
    }
    assert steady(found["Configuration"]) == expected(name, **asked, **ACTIVE)
    assert found["Tags"] == {"team": "blue"}


def test_a_vpc_is_answered_with_its_id(create_function: Create) -> None:
    given = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    vpc = create_function(VpcConfig=given)["VpcConfig"]
    assert re.fullmatch(r"vpc-[0-9a-f]{17}", vpc.pop("VpcId"))
    assert vpc == {**given, "Ipv6AllowedForDualStack": False}


def test_a_function_published_as_it_is_created(client: Any, create_function: Create, settled: Settled) -> None:
    name = new_name()
    created = create_function(FunctionName=name, Publish=True, Description="first")
    assert steady(created) == expected(name, Description="first", Version="1", **PENDING)
    settled(name, Qualifier="1")
    found = client.get_function_configuration(FunctionName=name, Qualifier="1")
    assert steady(found) == expected(
        name, Description="first", Version="1", **ACTIVE | {"FunctionArn": f"{ARN}{name}:1"}
    )


@pytest.mark.parametrize("form", ["{}", "000000000000:function:{}", "function:{}", ARN + "{}"])
def test_every_form_of_a_name(client: Any, create_function: Create, form: str) -> None:
    name = new_name()
    assert create_function(FunctionName=form.format(name))["FunctionName"] == name
    assert client.get_function_configuration(FunctionName=form.format(name))["FunctionArn"] == ARN + name
    qualified = client.get_function_configuration(FunctionName=form.format(name) + ":$LATEST")
    assert qualified["FunctionArn"] == f"{ARN}{name}:$LATEST"
    client.delete_function(FunctionName=form.format(name))


def test_names_of_others(client: Any) -> None:
    elsewhere = ARN.replace("us-east-1", "eu-west-1") + "f"
    assert refused(client.get_function, FunctionName=elsewhere) == (
        "ResourceNotFoundException",
        404,
        "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
    )
    other = ARN.replace("000000000000", "111111111111") + "f"
    for operation, action in ((client.get_function, "GetFunction"), (client.delete_function, "DeleteFunction")):
        assert refused(operation, FunctionName=other) == (
            "AccessDeniedException",
            403,
            f"User: arn:aws:iam::000000000000:root is not authorized to perform: lambda:{action} on resource: {other} "
            f"because no resource-based policy allows the lambda:{action} action",
        )


@pytest.mark.parametrize("operation", ["get_function", "get_function_configuration"])
def test_what_is_not_there(client: Any, create_function: Create, operation: str) -> None:
    name, missing = create_function()["FunctionName"], new_name()
    action = getattr(client, operation)
    assert refused(action, FunctionName=missing) == (
        "ResourceNotFoundException",
        404,
        f"Function not found: {ARN}{missing}",
    )
    assert refused(action, FunctionName=name, Qualifier="1221")[2] == f"Function not found: {ARN}{name}:1221"
    assert refused(action, FunctionName=f"{name}:nosuchalias")[2] == f"Function not found: {ARN}{name}:nosuchalias"
    mismatch = "The derived qualifier from the function name does not match the specified qualifier."
    assert refused(action, FunctionName=f"{name}:1", Qualifier="2") == invalid(mismatch)


def test_a_name_is_taken(client: Any, create_function: Create) -> None:
    name = create_function()["FunctionName"]
    conflict = ("ResourceConflictException", 409, f"Function already exist: {name}")
    assert refused(create_function, FunctionName=name) == conflict


REFUSED = [
    ({"Runtime": None}, "Runtime and Handler are mandatory parameters for functions created with deployment packages."),
    ({"Handler": None}, "Runtime and Handler are mandatory parameters for functions created with deployment packages."),
    ({"Code": {}}, "Please provide a source for function code."),
    (
        {"Code": {"ZipFile": CODE, "S3Bucket": "bucket", "S3Key": "key"}},
        "Please do not provide other FunctionCode parameters when providing a ZipFile.",
    ),
    (
        {"Runtime": "python3.7"},
        "The runtime parameter of python3.7 is no longer supported for creating or updating AWS Lambda functions. "
        "We recommend you use a supported runtime while creating or updating functions.",
    ),
    ({"Tags": {f"key{number}": "" for number in range(51)}}, "Number of tags exceeds resource tag limit."),
    (
        {"Environment": {"Variables": {"BIG": "x" * 4087}}},
        "Lambda was unable to configure your environment variables because the environment variables you have "
        'provided exceeded the 4KB limit. String measured: {"BIG":"' + "x" * 4087 + '"}',
    ),
    (
        {"VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": []}},
        "SubnetIds and SecurityIds must coexist or be both empty list.",
    ),
    (
        {"LoggingConfig": {"ApplicationLogLevel": "DEBUG"}},
        'LogLevel is not supported when LogFormat is set to "Text". '
        'Remove LogLevel from your request or change the LogFormat to "Json" and try again.',
    ),
    (
        {"Layers": ["arn:aws:lambda:us-east-1:000000000000:layer:none:1"]},
        "Layer version arn:aws:lambda:us-east-1:000000000000:layer:none:1 does not exist.",
    ),
    (
        {"Layers": ["arn:aws:lambda:eu-west-1:000000000000:layer:none:1"]},
        "Layers are not in the same region as the function. Layers are expected to be in region us-east-1.",
    ),
]


@pytest.mark.parametrize(("parameters", "message"), REFUSED)
def test_refused(client: Any, create_function: Create, parameters: dict[str, Any], message: str) -> None:
    name = new_name()
    assert refused(create_function, FunctionName=name, **parameters) == invalid(message)
    assert refused(client.get_function, FunctionName=name)[0] == "ResourceNotFoundException"


def test_reserved_variables_are_named(create_function: Create) -> None:
    variables = {"AWS_REGION": "x", "FINE": "y", "LAMBDA_TASK_ROOT": "z"}
    assert refused(create_function, Environment={"Variables": variables}) == invalid(
        "Lambda was unable to configure your environment variables because the environment variables you have provided "
        "contains reserved keys that are currently not supported for modification. "
        "Reserved keys used in this request: AWS_REGION, LAMBDA_TASK_ROOT"
    )


def test_an_unknown_runtime(create_function: Create) -> None:
    code, status, message = refused(create_function, Runtime="python9.9")
    assert (code, status) == ("InvalidParameterValueException", 400)
    assert message.startswith(
        "Value python9.9 at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: ["
    )
    assert message.endswith("] or be a valid ARN")
    assert ": [nodejs20.x, python3.14, provided.al2023, python3.12, " in message, "in AWS's order"
    assert "dotnet10" in message
    assert "java8," not in message


@pytest.mark.parametrize(
    ("parameters", "member", "limit"),
    [
        ({"Timeout": 901}, "timeout", 900),
        ({"MemorySize": 10241}, "memorySize", 10240),
        ({"EphemeralStorage": {"Size": 10241}}, "ephemeralStorage.size", 10240),
    ],
)
def test_more_than_a_function_may_have(
    create_function: Create, parameters: dict[str, Any], member: str, limit: int
) -> None:
    assert refused(create_function, **parameters) == violation(
        f"Value '{limit + 1}' at '{member}' failed to satisfy constraint: "
        f"Member must have value less than or equal to {limit}"
    )


CONTENTS = [
    (
        {"Environment": {"Variables": {"1A": "secret"}}},
        "Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: "
        "[Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]",
    ),
    (
        {"Tags": {"a": "fine", "b": "x" * 257}},
        f"Value '{{a=fine, b={'x' * 257}}}' at 'tags' failed to satisfy constraint: Map value must satisfy constraint: "
        "[Member must have length less than or equal to 256, Member must have length greater than or equal to 0, "
        r"Member must satisfy regular expression pattern: ([\p{L}\p{Z}\p{N}_.:/=+\-@]*), Member must not be null]",
    ),
    (
        {"Architectures": ["mips"]},
        "Value '[mips]' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: "
        "[Member must satisfy enum value set: [x86_64, arm64], Member must not be null]",
    ),
]


@pytest.mark.parametrize(("parameters", "message"), CONTENTS)
def test_what_lists_and_maps_may_hold(create_function: Create, parameters: dict[str, Any], message: str) -> None:
    assert refused(create_function, **parameters) == violation(message)


def test_a_name_that_is_too_long(create_function: Create) -> None:
    name = "n" * 65
    wanted = invalid(
        f"1 validation error detected: Value '{name}' at 'functionName' failed to satisfy constraint: "
        "Member must have length less than or equal to 64"
    )
    assert refused(create_function, FunctionName=name) == wanted
    assert refused(create_function, FunctionName=ARN + name) == wanted, "whatever the form, it is the name"
    assert create_function(FunctionName=new_name("n" * 51))["FunctionName"].startswith("n" * 51)


def test_what_cannot_be_done_is_not_ignored(create_function: Create) -> None:
    wanted = invalid("lambdad does not support DurableConfig.")
    assert refused(create_function, DurableConfig={"ExecutionTimeout": 60}) == wanted


# --- Deletion -----------------------------------------------------------------------------------------------------------


def test_a_deleted_function_is_gone(client: Any, create_function: Create, settled: Settled) -> None:
    name = create_function(Publish=True)["FunctionName"]
    deleted = client.delete_function(FunctionName=name)
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    missing = ("ResourceNotFoundException", 404, f"Function not found: {ARN}{name}")
    for action in (client.get_function, client.delete_function, client.list_versions_by_function):
        assert refused(action, FunctionName=name) == missing
    assert refused(client.delete_function, FunctionName=name, Qualifier="1") == missing
    assert create_function(FunctionName=name, Publish=True)["Version"] == "2", "no number is used twice"
    client.delete_function(FunctionName=name)
    create_function(FunctionName=name)
    settled(name)
    assert client.publish_version(FunctionName=name)["Version"] == "3"


@pytest.mark.parametrize(
    "target",
    [
        "arn:aws:sqs:us-east-1:000000000000:q.fifo",
        "arn:aws:sns:us-east-1:000000000000:t.fifo",
        "arn:aws:s3:::bucket",
        f"{ARN}f",
        "arn:aws:sqs:eu-west-1:000000000000:q",
    ],
)
def test_what_cannot_take_dead_letters(client: Any, create_function: Create, settled: Settled, target: str) -> None:
    name = create_function()["FunctionName"]
    settled(name)
    wrong = refused(client.update_function_configuration, FunctionName=name, DeadLetterConfig={"TargetArn": target})
    assert wrong == invalid(
        f"The dead letter target {target} is neither a standard queue nor a standard topic of this region."
    )
    assert "DeadLetterConfig" not in client.get_function_configuration(FunctionName=name)


def test_file_systems_are_in_a_vpc(client: Any, create_function: Create, settled: Settled) -> None:
    name = create_function()["FunctionName"]
    settled(name)
    point = "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-0123456789abcdef0"
    system = {"FileSystemConfigs": [{"Arn": point, "LocalMountPath": "/mnt/data"}]}
    vpc = {"VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}}
    code, _, message = refused(client.update_function_configuration, FunctionName=name, **system)
    assert code == "InvalidParameterValueException"
    assert message.startswith(f"Function must be configured to execute in a VPC to reference access point {point}.")
    answer = client.update_function_configuration(FunctionName=name, **system, **vpc)
    assert answer["FileSystemConfigs"] == system["FileSystemConfigs"]
    client.get_waiter("function_updated_v2").wait(FunctionName=name)
    nowhere = {"VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []}}
    assert refused(client.update_function_configuration, FunctionName=name, **nowhere)[0] == code
    assert client.get_function_configuration(FunctionName=name)["VpcConfig"]["SubnetIds"] == ["subnet-1"]


def test_numbers_that_are_too_large(server: Any, client: Any, create_function: Create, settled: Settled) -> None:
    name = create_function()["FunctionName"]
    settled(name)
    loose = server.client(parameter_validation=False)
    for memory in (2**31, 10**25):
        assert refused(loose.update_function_configuration, FunctionName=name, MemorySize=memory)[:2] == (
            "SerializationException",
            400,
        )


def test_what_cannot_be_deleted(client: Any, create_function: Create) -> None:
    name = create_function()["FunctionName"]
    latest = invalid("$LATEST version cannot be deleted without deleting the function.")
    assert refused(client.delete_function, FunctionName=name, Qualifier="$LATEST") == latest
    assert refused(client.delete_function, FunctionName=f"{ARN}nosuchfunction:$LATEST") == latest
    alias = invalid("Deletion of aliases is not currently supported.")
    assert refused(client.delete_function, FunctionName=name, Qualifier="live") == alias
    assert client.delete_function(FunctionName=name, Qualifier="7")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(client.delete_function, FunctionName=new_name(), Qualifier="7")[0] == "ResourceNotFoundException"


# --- Lists --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def own_client(server: Any) -> Any:
    """Of an account that no other test uses."""
    return server.client(account=str(uuid.uuid4().int)[:12])


def make(client: Any, name: str, **more: Any) -> None:
    client.create_function(
        FunctionName=name, Runtime="python3.12", Role=ROLE, Handler="app.handler", Code={"ZipFile": CODE}, **more
    )


def test_an_empty_list(own_client: Any) -> None:
    assert own_client.list_functions()["Functions"] == []


def test_lists(own_client: Any) -> None:
    make(own_client, "b", Publish=True)
    make(own_client, "a")
    found = own_client.list_functions()
    assert "NextMarker" not in found
    assert [(f["FunctionName"], f["FunctionArn"][-2:]) for f in found["Functions"]] == [("a", ":a"), ("b", ":b")]
    own_client.get_waiter("function_active_v2").wait(FunctionName="a", WaiterConfig=PROMPT)
    whole = steady(own_client.get_function_configuration(FunctionName="a"))
    for name in ("State", "LastUpdateStatus"):
        del whole[name]
    assert steady(own_client.list_functions()["Functions"][0]) == whole
    everything = own_client.list_functions(FunctionVersion="ALL", MasterRegion="ALL")["Functions"]
    arns = [f["FunctionArn"].partition(":function:")[2] for f in everything]
    assert arns == ["a:$LATEST", "b:$LATEST", "b:1"]
    assert own_client.list_functions(FunctionVersion="ALL", MasterRegion="eu-west-1")["Functions"] == []
    for name in ("a", "b"):
        own_client.delete_function(FunctionName=name)


def test_pages(own_client: Any) -> None:
    names = [f"f{number:02}" for number in range(55)]
    for name in names:
        make(own_client, name)
    first = own_client.list_functions(MaxItems=10_000)
    assert len(first["Functions"]) == 50
    pages = own_client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 7})
    found = []
    for page in pages:
        for function in page["Functions"]:
            found.append(function["FunctionName"])
            own_client.delete_function(FunctionName=function["FunctionName"])
    assert found == names
    assert own_client.list_functions()["Functions"] == []


def test_lists_that_are_refused(client: Any) -> None:
    wrong = (
        "Value 'invalid' at 'functionVersion' failed to satisfy constraint: Member must satisfy enum value set: [ALL]"
    )
    assert refused(client.list_functions, FunctionVersion="invalid") == violation(wrong)
    assert refused(client.list_functions, Marker="no marker")[0] == "InvalidParameterValueException"
    assert refused(client.list_functions, MasterRegion="ALL")[0] == "InvalidParameterValueException"
