"""Who a function is, as STS says: its execution role, assumed in its own name. Who else asks is told what IAM's companion knows.

AWS: docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
"""

import re
import urllib.request
from typing import Any

import boto3
import pytest

from functions import PROMPT, call, create
from server import Server

CODE = """
import boto3, os
def handler(event, context):
    sts = boto3.client("sts")
    mine = sts.get_caller_identity()
    other = sts.assume_role(RoleArn="arn:aws:iam::000000000000:role/other", RoleSessionName="session")
    url = sts.generate_presigned_url("get_caller_identity")
    return {
        "mine": {name: mine[name] for name in ("UserId", "Account", "Arn")},
        "other": other["AssumedRoleUser"]["Arn"],
        "url": url.replace(os.environ["AWS_ENDPOINT_URL"], ""),
        "token": os.environ["AWS_SESSION_TOKEN"],
    }
"""
ROLE = "arn:aws:iam::000000000000:role/service/path/reader"


@pytest.fixture(scope="module")
def seen(aws: Server) -> dict[str, Any]:
    """What a function is told, and its name."""
    client = aws.client()
    name = create(client, CODE)
    client.update_function_configuration(FunctionName=name, Role=ROLE)
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
    answer, head = call(client, name)
    assert "FunctionError" not in head, answer
    return {**answer, "name": name}


def sts_with(aws: Server, token: str | None) -> Any:
    keys = {"aws_access_key_id": "000000000000", "aws_secret_access_key": "x", "aws_session_token": token}
    return boto3.client("sts", region_name="us-east-1", endpoint_url=aws.url, **keys)


def test_a_function_is_its_role(seen: dict[str, Any]) -> None:
    assert seen["mine"]["Arn"] == f"arn:aws:sts::000000000000:assumed-role/reader/{seen['name']}"
    assert seen["mine"]["Account"] == "000000000000"
    assert re.fullmatch(rf"AROA[A-Z2-7]{{17}}:{seen['name']}", seen["mine"]["UserId"])


def test_whoever_has_its_credentials_is_the_role_too(aws: Server, seen: dict[str, Any]) -> None:
    assert sts_with(aws, seen["token"]).get_caller_identity()["Arn"] == seen["mine"]["Arn"]
    with urllib.request.urlopen(aws.url + seen["url"], timeout=120) as answer:
        assert seen["mine"]["Arn"] in answer.read().decode()


def test_all_else_is_the_companion_s(aws: Server, seen: dict[str, Any]) -> None:
    assert seen["other"] == "arn:aws:sts::000000000000:assumed-role/other/session"
    said, seal = seen["token"].split(".")
    for token in (None, "a", f"{said}.{seal[::-1]}", f"{said[:-4]}AAAA.{seal}"):
        assert "assumed-role" not in sts_with(aws, token).get_caller_identity()["Arn"]
