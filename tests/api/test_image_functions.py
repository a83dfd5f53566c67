"""Functions whose package type is Image: everything but running them.

AWS: docs.aws.amazon.com/lambda/latest/dg/images-create.html
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from functions import PROMPT, ROLE, call, create, new_name, zip_of
from refusals import invalid, refused
from server import Server
from wait import wait_for

REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/app"
DIGEST, OTHER_DIGEST = "0" * 63 + "1", "0" * 63 + "2"
PINNED = f"{REPOSITORY}@sha256:{DIGEST}"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:"

Make = Callable[..., str]


def make(client: Any, uri: str = PINNED, **more: Any) -> str:
    name = new_name()
    client.create_function(FunctionName=name, Role=ROLE, PackageType="Image", Code={"ImageUri": uri}, **more)
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
    return name


def test_what_is_answered(client: Any) -> None:
    name = new_name()
    created = client.create_function(
        FunctionName=name,
        Role=ROLE,
        PackageType="Image",
        Code={"ImageUri": f"{REPOSITORY}:latest"},
        Environment={"Variables": {"MINE": "b"}},
    )
    assert (created["State"], created["StateReasonCode"], created["PackageType"]) == ("Pending", "Creating", "Image")
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
    answer = client.get_function(FunctionName=name)
    configuration, code = answer["Configuration"], answer["Code"]
    assert not {"Runtime", "Handler", "RuntimeVersionConfig", "ImageConfigResponse", "Layers"} & configuration.keys()
    assert len(configuration["CodeSha256"]) == 64
    assert (configuration["State"], configuration["CodeSize"]) == ("Active", 0)
    assert code == {
        "RepositoryType": "ECR",
        "ImageUri": f"{REPOSITORY}:latest",
        "ResolvedImageUri": f"{REPOSITORY}@sha256:{configuration['CodeSha256']}",
    }
    assert client.get_function_configuration(FunctionName=name)["CodeSha256"] == configuration["CodeSha256"]
    assert name in {
        one["FunctionName"] for one in client.get_paginator("list_functions").paginate().search("Functions")
    }
    client.delete_function(FunctionName=name)


def test_a_digest_is_kept(client: Any) -> None:
    name = make(client, f"{REPOSITORY}:v1@sha256:{DIGEST}")
    code = client.get_function(FunctionName=name)["Code"]
    assert code["ResolvedImageUri"] == PINNED
    assert client.get_function_configuration(FunctionName=name)["CodeSha256"] == DIGEST


def test_the_code_is_updated(client: Any) -> None:
    name = make(client)
    other = f"{REPOSITORY}@sha256:{OTHER_DIGEST}"
    dry = client.update_function_code(FunctionName=name, ImageUri=other, DryRun=True)
    assert dry["CodeSha256"] == OTHER_DIGEST
    assert client.get_function_configuration(FunctionName=name)["CodeSha256"] == DIGEST
    updated = client.update_function_code(FunctionName=name, ImageUri=other)
    assert (updated["CodeSha256"], updated["LastUpdateStatus"]) == (OTHER_DIGEST, "InProgress")
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
    assert client.get_function(FunctionName=name)["Code"]["ImageUri"] == other


def test_versions(client: Any) -> None:
    name = make(client, Publish=True)
    assert client.publish_version(FunctionName=name)["Version"] == "1"
    client.update_function_configuration(FunctionName=name, Description="two")
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
    wrong = "a" * 64
    assert refused(client.publish_version, FunctionName=name, CodeSha256=wrong) == invalid(
        f"CodeSHA256 ({wrong}) is different from current CodeSHA256 in $LATEST ({DIGEST}). "
        "Please try again with the CodeSHA256 in $LATEST."
    )
    second = client.publish_version(FunctionName=name, CodeSha256=DIGEST)
    assert (second["Version"], second["Description"], second["PackageType"]) == ("2", "two", "Image")
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="2")
    assert client.get_function(FunctionName=name, Qualifier="live")["Code"]["ImageUri"] == PINNED


def test_the_image_config(client: Any) -> None:
    config = {"EntryPoint": ["/entry"], "Command": ["app.handler"], "WorkingDirectory": "/work"}
    name = make(client, ImageConfig=config)
    read = client.get_function_configuration(FunctionName=name)
    assert read["ImageConfigResponse"] == {"ImageConfig": config}
    updated = client.update_function_configuration(FunctionName=name, ImageConfig={"Command": ["other.handler"]})
    assert updated["ImageConfigResponse"] == {"ImageConfig": {"Command": ["other.handler"]}}
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
    assert "ImageConfigResponse" not in client.update_function_configuration(FunctionName=name, ImageConfig={})


def test_what_belongs_to_packages_is_refused(client: Any) -> None:
    new = {"FunctionName": new_name(), "Role": ROLE, "PackageType": "Image", "Code": {"ImageUri": PINNED}}
    of_packages = invalid(
        "Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image."
    )
    layers = invalid("Lambda layers are not supported for functions created with container images.")
    layer = "arn:aws:lambda:us-east-1:000000000000:layer:any:1"
    assert refused(client.create_function, **new, Handler="app.handler") == of_packages
    assert refused(client.create_function, **new, Runtime="python3.12") == of_packages
    assert refused(client.create_function, **new, Layers=[layer]) == layers
    no_image = invalid("Please provide ImageUri when creating a function with packageType Image.")
    assert refused(client.create_function, **{**new, "Code": {"ZipFile": zip_of({"a": "b"})}}) == no_image
    name = make(client)
    assert refused(client.update_function_configuration, FunctionName=name, Handler="app.handler") == of_packages
    assert refused(client.update_function_configuration, FunctionName=name, Layers=[layer]) == layers
    assert refused(client.update_function_code, FunctionName=name, ZipFile=zip_of({"a": "b"})) == invalid(
        "Please provide ImageUri when updating a function with packageType Image."
    )
    assert refused(
        client.update_function_configuration, FunctionName=name, SnapStart={"ApplyOn": "PublishedVersions"}
    ) == invalid("SnapStart is not supported for functions created with container images.")


def test_what_belongs_to_images_is_refused(client: Any) -> None:
    name = create(client, "def handler(event, context):\n    return 1\n")
    assert refused(client.update_function_code, FunctionName=name, ImageUri=PINNED) == invalid(
        "Please don't provide ImageUri when updating a function with packageType Zip."
    )
    assert refused(client.update_function_configuration, FunctionName=name, ImageConfig={"Command": ["a"]}) == invalid(
        "Please don't provide ImageConfig when the intended function PackageType is Zip."
    )
    assert call(client, name)[0] == 1


@pytest.mark.parametrize(
    "uri",
    [
        "app:latest",
        "team/app",
        f"{REPOSITORY}:",
        f"{REPOSITORY}@sha256:12",
        f"{REPOSITORY} :a",
        f"{REPOSITORY}:{'a' * 2000}",
    ],
)
def test_no_image(client: Any, uri: str) -> None:
    refusal = invalid(f"Source image {uri} is not valid. Provide a valid source image.")
    new = {"FunctionName": new_name(), "Role": ROLE, "PackageType": "Image"}
    assert refused(client.create_function, **new, Code={"ImageUri": uri}) == refusal


def test_code_signing_is_for_packages(client: Any) -> None:
    publisher = "arn:aws:signer:us-east-1:000000000000:/signing-profiles/p/abcdefghij"
    arn = client.create_code_signing_config(AllowedPublishers={"SigningProfileVersionArns": [publisher]})[
        "CodeSigningConfig"
    ]["CodeSigningConfigArn"]
    refusal = invalid("Code signing is not supported for functions created with container images.")
    new = {"FunctionName": new_name(), "Role": ROLE, "PackageType": "Image", "Code": {"ImageUri": PINNED}}
    assert refused(client.create_function, **new, CodeSigningConfigArn=arn) == refusal
    name = make(client)
    assert refused(client.put_function_code_signing_config, FunctionName=name, CodeSigningConfigArn=arn) == refusal
    client.delete_code_signing_config(CodeSigningConfigArn=arn)


def test_it_is_said_that_images_do_not_run(client: Any) -> None:
    name = make(client, Publish=True)
    payload, answer = call(client, name)
    assert answer["FunctionError"] == "Unhandled"
    assert "container images" in payload["errorMessage"]
    stream = client.invoke_with_response_stream(FunctionName=name, Payload=b"{}")["EventStream"]
    (end,) = list(stream)
    assert "container images" in json.loads(end["InvokeComplete"]["ErrorDetails"])["errorMessage"]
    client.put_provisioned_concurrency_config(FunctionName=name, Qualifier="1", ProvisionedConcurrentExecutions=1)
    get = client.get_provisioned_concurrency_config
    wait_for(lambda: get(FunctionName=name, Qualifier="1")["Status"] == "FAILED")
    client.delete_function(FunctionName=name)


def test_they_are_there_after_a_restart(own_server: Server) -> None:
    client = own_server.start().client()
    name = make(client, ImageConfig={"Command": ["a"]})
    before = client.get_function(FunctionName=name)
    own_server.kill()
    after = own_server.start().client().get_function(FunctionName=name)
    assert (after["Configuration"], after["Code"]) == (before["Configuration"], before["Code"])
