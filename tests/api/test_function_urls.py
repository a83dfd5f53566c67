"""Function URLs as resources: Create-, Get-, Update-, Delete- and ListFunctionUrlConfig(s)."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from functions import new_name
from refusals import refused, violation

Create = Callable[..., dict[str, Any]]
ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
CORS = {"AllowOrigins": ["https://example.org"], "AllowMethods": ["GET"], "MaxAge": 60, "AllowCredentials": True}
MISSING = ("ResourceNotFoundException", 404, "The resource you requested does not exist.")
NO_FUNCTION = ("ResourceNotFoundException", 404, "Function does not exist")


@pytest.fixture
def function(client: Any, create_function: Create) -> str:
    name: str = create_function(Publish=True)["FunctionName"]
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    return name


def members(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def test_the_life_of_a_url(client: Any, function: str) -> None:
    made = client.create_function_url_config(FunctionName=function, AuthType="NONE", Cors=CORS)
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    created = members(made)
    assert created == {
        "FunctionUrl": created["FunctionUrl"],
        "FunctionArn": f"{ARN}{function}",
        "AuthType": "NONE",
        "Cors": CORS,
        "CreationTime": created["CreationTime"],
    }
    by_host = r"[a-z2-7]{32}\.lambda-url\.us-east-1\.localhost:\d+/"
    by_path = r"127\.0\.0\.1:\d+/_lambdad/function-urls/[a-z2-7]{32}/"
    assert re.fullmatch(f"http://({by_host}|{by_path})", created["FunctionUrl"])
    got = members(client.get_function_url_config(FunctionName=function))
    assert got == {**created, "InvokeMode": "BUFFERED", "LastModifiedTime": created["CreationTime"]}
    updated = members(
        client.update_function_url_config(
            FunctionName=function, AuthType="AWS_IAM", InvokeMode="RESPONSE_STREAM", Cors={"AllowOrigins": ["*"]}
        )
    )
    assert updated == {
        **got,
        "AuthType": "AWS_IAM",
        "InvokeMode": "RESPONSE_STREAM",
        "Cors": {"AllowOrigins": ["*"]},
        "LastModifiedTime": updated["LastModifiedTime"],
    }
    assert members(client.get_function_url_config(FunctionName=function)) == updated
    assert client.delete_function_url_config(FunctionName=function)["ResponseMetadata"]["HTTPStatusCode"] == 204
    for operation in ("get", "delete"):
        assert refused(getattr(client, f"{operation}_function_url_config"), FunctionName=function) == MISSING
    again = client.create_function_url_config(FunctionName=function, AuthType="NONE")["FunctionUrl"]
    assert again != created["FunctionUrl"]


def test_an_alias_has_its_own(client: Any, function: str) -> None:
    own = client.create_function_url_config(FunctionName=function, AuthType="NONE")["FunctionUrl"]
    live = client.create_function_url_config(FunctionName=function, Qualifier="live", AuthType="AWS_IAM")
    assert live["FunctionArn"] == f"{ARN}{function}:live"
    assert live["FunctionUrl"] != own
    pages = client.get_paginator("list_function_url_configs").paginate(
        FunctionName=function, PaginationConfig={"PageSize": 1}
    )
    listed = [one for page in pages for one in page["FunctionUrlConfigs"]]
    assert [one["FunctionUrl"] for one in listed] == [own, live["FunctionUrl"]]
    client.delete_alias(FunctionName=function, Name="live")
    assert client.get_function_url_config(FunctionName=function, Qualifier="live")["FunctionUrl"] == live["FunctionUrl"]


def test_what_is_refused(client: Any, function: str) -> None:
    create = client.create_function_url_config
    create(FunctionName=function, AuthType="NONE")
    assert refused(create, FunctionName=function, AuthType="NONE") == (
        "ResourceConflictException",
        409,
        f"Failed to create function url config for [functionArn = {ARN}{function}]. "
        "Error message:  FunctionUrlConfig exists for this Lambda function",
    )
    assert refused(create, FunctionName=function, Qualifier="nobody", AuthType="NONE") == NO_FUNCTION
    unknown = new_name()
    assert refused(create, FunctionName=unknown, AuthType="NONE") == NO_FUNCTION
    assert refused(client.update_function_url_config, FunctionName=unknown, AuthType="NONE") == NO_FUNCTION
    assert refused(client.list_function_url_configs, FunctionName=unknown) == NO_FUNCTION
    for operation in ("get", "delete"):
        assert refused(getattr(client, f"{operation}_function_url_config"), FunctionName=unknown) == MISSING
    refusal = refused(client.update_function_url_config, FunctionName=function, Qualifier="live", AuthType="NONE")
    assert refusal == MISSING
    assert refused(create, FunctionName=function, Qualifier="live", AuthType="NONE", InvokeMode="OTHER") == violation(
        "Value 'OTHER' at 'invokeMode' failed to satisfy constraint: "
        "Member must satisfy enum value set: [RESPONSE_STREAM, BUFFERED]"
    )
    code, status, message = refused(create, FunctionName=function, Qualifier="1", AuthType="NONE")
    assert (code, status) == ("ValidationException", 400)
    assert "Value '1' at 'qualifier' failed to satisfy constraint" in message


@pytest.mark.parametrize(
    ("cors", "told"),
    [
        ({"AllowMethods": ["GET", "FETCH"]}, "Value '[GET, FETCH]' at 'cors.allowMethods' failed"),
        ({"AllowMethods": ["get"]}, "Member must satisfy enum value set: [GET, PUT, HEAD, POST, PATCH, DELETE, *]"),
        ({"AllowMethods": ["OPTIONS"]}, "Member must have length less than or equal to 6"),
        ({"AllowMethods": ["GET"] * 7}, "Value '[GET, GET, GET, GET, GET, GET, GET]' at 'cors.allowMethods' failed"),
        ({"AllowOrigins": ["example.org"]}, "Value '[example.org]' at 'cors.allowOrigins' failed"),
        ({"AllowOrigins": ["https://example.org/path"]}, "at 'cors.allowOrigins' failed"),
        ({"AllowHeaders": ["X-One, X-Two"]}, "Value '[X-One, X-Two]' at 'cors.allowHeaders' failed"),
        ({"ExposeHeaders": ["a b"]}, "Value '[a b]' at 'cors.exposeHeaders' failed"),
        ({"MaxAge": 86_401}, "Member must have value less than or equal to 86400"),
    ],
)
def test_cors_that_is_refused(client: Any, function: str, cors: dict[str, Any], told: str) -> None:
    code, status, message = refused(
        client.create_function_url_config, FunctionName=function, AuthType="NONE", Cors=cors
    )
    assert (code, status) == ("ValidationException", 400)
    assert told in message
    client.create_function_url_config(FunctionName=function, AuthType="NONE")
    assert refused(client.update_function_url_config, FunctionName=function, Cors=cors)[2] == message
    assert "Cors" not in client.get_function_url_config(FunctionName=function)


def test_cors_that_may_be(client: Any, function: str) -> None:
    cors = {
        "AllowCredentials": False,
        "AllowHeaders": ["*", "X-Custom-Header"],
        "AllowMethods": ["*", "GET", "PUT", "HEAD", "POST", "PATCH"],
        "AllowOrigins": ["*", "https://www.example.org", "http://localhost:60905"],
        "ExposeHeaders": ["Date", "x-one"],
        "MaxAge": 86_400,
    }
    client.create_function_url_config(FunctionName=function, AuthType="NONE", Cors=cors)
    assert client.get_function_url_config(FunctionName=function)["Cors"] == cors
