"""How the deployment tools use the API: the calls they make, in their order, with what they read from the answers.

Terraform's AWS provider (`aws_lambda_function` and its companions), CloudFormation's resource handlers (which CDK, SAM and the
Serverless Framework deploy through), and `sam sync` / `sls deploy function`, which go around CloudFormation. The tools are not
run here: their calls are.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from functions import PROMPT, ROLE, call, new_name, zip_of
from refusals import refused
from server import Server
from wait import wait_for

CODE = "def handler(event, context):\n    return 'first'\n"
SECOND = "def handler(event, context):\n    return 'second'\n"
ARN = "arn:aws:lambda:us-east-1:000000000000:"


@pytest.fixture
def name(client: Any) -> Iterator[str]:
    function = new_name()
    yield function
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_function(FunctionName=function)  # each tool has removed what it made


def digest(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def settled(client: Any, name: str) -> None:
    for waiter in ("function_active_v2", "function_updated_v2"):
        client.get_waiter(waiter).wait(FunctionName=name, WaiterConfig=PROMPT)


# --- Terraform ------------------------------------------------------------------------------------------------------


def terraform_reads(client: Any, name: str) -> dict[str, Any]:
    """`terraform refresh` of aws_lambda_function."""
    function: dict[str, Any] = client.get_function(FunctionName=name)
    versions = [
        version["Version"]
        for page in client.get_paginator("list_versions_by_function").paginate(FunctionName=name, MaxItems=10000)
        for version in page["Versions"]
    ]
    signing = client.get_function_code_signing_config(FunctionName=name)
    assert "CodeSigningConfigArn" not in signing
    return {**function["Configuration"], "Tags": function.get("Tags", {}), "newest": versions[-1]}


def test_terraform(server: Server, client: Any, name: str) -> None:
    first = zip_of({"app.py": CODE})
    created = client.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=ROLE,
        Handler="app.handler",
        Code={"ZipFile": first},
        Description="",
        MemorySize=128,
        Timeout=3,
        Publish=False,
        PackageType="Zip",
        Architectures=["x86_64"],
        EphemeralStorage={"Size": 512},
        TracingConfig={"Mode": "PassThrough"},
        LoggingConfig={"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"},
        Environment={"Variables": {"STAGE": "test"}},
        Tags={"Name": name},
    )
    assert created["CodeSha256"] == digest(first)
    settled(client, name)
    state = terraform_reads(client, name)
    assert (state["newest"], state["Tags"], state["CodeSha256"]) == ("$LATEST", {"Name": name}, digest(first))
    # A plan that changes nothing must see nothing changed.
    again = terraform_reads(client, name)
    assert again == state

    # resource aws_lambda_function: configuration, then code, then a version.
    client.update_function_configuration(
        FunctionName=name, Timeout=10, Environment={"Variables": {"STAGE": "live"}}, Role=ROLE, Handler="app.handler"
    )
    settled(client, name)
    client.update_function_code(FunctionName=name, ZipFile=zip_of({"app.py": SECOND}), Architectures=["x86_64"])
    settled(client, name)
    version = client.publish_version(FunctionName=name)["Version"]
    client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier=version, WaiterConfig=PROMPT)
    client.tag_resource(Resource=state["FunctionArn"], Tags={"Owner": "us"})
    client.untag_resource(Resource=state["FunctionArn"], TagKeys=["Name"])
    changed = terraform_reads(client, name)
    assert (changed["Timeout"], changed["newest"], changed["Tags"]) == (10, version, {"Owner": "us"})

    # Its companions: alias, permission, concurrency, event invoke config, URL, mapping.
    client.create_alias(FunctionName=name, Name="live", FunctionVersion=version, Description="")
    assert client.get_alias(FunctionName=name, Name="live")["FunctionVersion"] == version
    permission = {"Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com", "StatementId": "tf"}
    client.add_permission(FunctionName=name, Qualifier="live", **permission)
    policy = json.loads(client.get_policy(FunctionName=name, Qualifier="live")["Policy"])
    assert [statement["Sid"] for statement in policy["Statement"]] == ["tf"]
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=3)
    client.put_function_event_invoke_config(FunctionName=name, Qualifier="live", MaximumRetryAttempts=0)
    client.put_provisioned_concurrency_config(FunctionName=name, Qualifier="live", ProvisionedConcurrentExecutions=1)
    provisioned = client.get_provisioned_concurrency_config
    wait_for(lambda: provisioned(FunctionName=name, Qualifier="live")["Status"] == "READY")
    url = client.create_function_url_config(FunctionName=name, Qualifier="live", AuthType="NONE")
    assert client.get_function_url_config(FunctionName=name, Qualifier="live")["FunctionUrl"] == url["FunctionUrl"]
    server.client("sqs").create_queue(QueueName=name)
    mapping = client.create_event_source_mapping(
        FunctionName=name, EventSourceArn=f"arn:aws:sqs:us-east-1:000000000000:{name}", BatchSize=10, Enabled=True
    )
    find = client.get_event_source_mapping
    wait_for(lambda: find(UUID=mapping["UUID"])["State"] == "Enabled")
    assert call(client, name, Qualifier="live")[0] == "second"

    # terraform destroy: the other way round; each deletion is read back until it is gone.
    client.delete_event_source_mapping(UUID=mapping["UUID"])
    wait_for(lambda: is_gone(client, find, UUID=mapping["UUID"]))
    client.delete_function_url_config(FunctionName=name, Qualifier="live")
    client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="live")
    client.delete_function_event_invoke_config(FunctionName=name, Qualifier="live")
    client.remove_permission(FunctionName=name, Qualifier="live", StatementId="tf")
    assert refused(client.get_policy, FunctionName=name, Qualifier="live")[0] == "ResourceNotFoundException"
    client.delete_alias(FunctionName=name, Name="live")
    client.delete_function(FunctionName=name)


def is_gone(client: Any, action: Callable[..., Any], **parameters: Any) -> bool:
    try:
        action(**parameters)
    except client.exceptions.ResourceNotFoundException:
        return True
    return False


# --- CloudFormation: CDK, SAM, Serverless Framework ----------------------------------------------------------------------


def test_cloudformation(client: Any, name: str) -> None:
    """A stack with a function, a layer, a version, an alias with a weighted shift, a permission and a URL; then its update."""
    layer = client.publish_layer_version(
        LayerName=f"{name}-layer",
        Content={"ZipFile": zip_of({"python/greeting.py": "WORD = 'from the layer'\n"})},
        CompatibleRuntimes=["python3.12"],
    )
    code = "import greeting\ndef handler(event, context):\n    return greeting.WORD\n"
    created = client.create_function(
        FunctionName=name,
        Code={"ZipFile": zip_of({"app.py": code})},
        Role=ROLE,
        Runtime="python3.12",
        Handler="app.handler",
        Layers=[layer["LayerVersionArn"]],
        Tags={"lambda:createdBy": "SAM"},
    )
    # The handler stabilizes on State, then reads what the stack's attributes are made of.
    settled(client, name)
    function = client.get_function(FunctionName=created["FunctionArn"])
    assert function["Configuration"]["State"] == "Active"
    assert function["Tags"]["lambda:createdBy"] == "SAM"
    client.get_function_recursion_config(FunctionName=name)
    client.get_runtime_management_config(FunctionName=name)
    assert "Policy" not in client.get_function_code_signing_config(FunctionName=name)
    published = client.publish_version(FunctionName=name, CodeSha256=created["CodeSha256"])
    alias = client.create_alias(FunctionName=name, Name="live", FunctionVersion=published["Version"])
    client.add_permission(
        FunctionName=alias["AliasArn"],
        StatementId=f"{name}-api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn="arn:aws:execute-api:us-east-1:000000000000:api/*/GET/",
    )
    client.create_function_url_config(FunctionName=name, AuthType="AWS_IAM", Cors={"AllowOrigins": ["*"]})
    assert call(client, name, Qualifier="live")[0] == "from the layer"

    # Update: new code, a new version (CDK and SAM hash the code into its logical id), CodeDeploy shifts the alias.
    client.update_function_code(FunctionName=name, ZipFile=zip_of({"app.py": SECOND}))
    settled(client, name)
    client.update_function_configuration(FunctionName=name, Layers=[], Description="second")
    settled(client, name)
    second = client.publish_version(FunctionName=name)["Version"]
    shift = {"AdditionalVersionWeights": {second: 0.1}}
    client.update_alias(FunctionName=name, Name="live", FunctionVersion=published["Version"], RoutingConfig=shift)
    client.update_alias(
        FunctionName=name, Name="live", FunctionVersion=second, RoutingConfig={"AdditionalVersionWeights": {}}
    )
    assert call(client, name, Qualifier="live")[0] == "second"
    # The old version and layer version are deleted in the stack's cleanup.
    client.delete_function(FunctionName=name, Qualifier=published["Version"])
    client.delete_layer_version(LayerName=f"{name}-layer", VersionNumber=layer["Version"])
    client.delete_function(FunctionName=name)


def test_redeployment_of_code_alone(client: Any, name: str) -> None:
    """`sam sync --code`, `sls deploy function` and `cdk deploy --hotswap`: compare, upload, wait, maybe publish."""
    first = zip_of({"app.py": CODE})
    client.create_function(
        FunctionName=name, Code={"ZipFile": first}, Role=ROLE, Runtime="python3.12", Handler="app.handler", Publish=True
    )
    settled(client, name)
    # The Serverless Framework uploads only what differs.
    assert client.get_function(FunctionName=name)["Configuration"]["CodeSha256"] == digest(first)
    dry = client.update_function_code(FunctionName=name, ZipFile=zip_of({"app.py": SECOND}), DryRun=True)
    assert dry["CodeSha256"] != digest(first)
    assert client.get_function_configuration(FunctionName=name)["CodeSha256"] == digest(first)
    updated = client.update_function_code(FunctionName=name, ZipFile=zip_of({"app.py": SECOND}))
    assert updated["LastUpdateStatus"] == "InProgress"
    client.get_waiter("function_updated").wait(FunctionName=name, WaiterConfig=PROMPT)
    # A hotswap publishes a version and moves the alias to it.
    version = client.publish_version(FunctionName=name, CodeSha256=updated["CodeSha256"])["Version"]
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    client.update_alias(FunctionName=name, Name="live", FunctionVersion=version)
    assert call(client, name, Qualifier="live")[0] == "second"
    client.delete_function(FunctionName=name)
