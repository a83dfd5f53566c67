"""Secrets are rotated by our functions, as far as these succeed; labels say which version is current."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions import new_name
from server import Server
from told import Telling

STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]
ROTATING = """
import boto3
secrets = boto3.client('secretsmanager')
step, secret, token = event['Step'], event['SecretId'], event['ClientRequestToken']
versions = secrets.describe_secret(SecretId=secret)['VersionIdsToStages']
current = next(version for version, labels in versions.items() if 'AWSCURRENT' in labels)
assert 'AWSPENDING' in versions[token]
old = secrets.get_secret_value(SecretId=secret)['SecretString']
if old == step:
    raise ValueError(step)
if step == 'createSecret':
    new = {'SecretString': old + '+', 'VersionStages': ['AWSPENDING']}
    secrets.put_secret_value(SecretId=secret, ClientRequestToken=token, **new)
if step == 'testSecret':
    secrets.get_secret_value(SecretId=secret, VersionId=token, VersionStage='AWSPENDING')
if step == 'finishSecret':
    secrets.update_secret_version_stage(
        SecretId=secret, VersionStage='AWSCURRENT', MoveToVersionId=token, RemoveFromVersionId=current)
"""
"""As AWS's own do it; but a secret with the name of a step as its value fails in that one."""


@dataclass(frozen=True, slots=True)
class Secret:
    client: Any
    name: str
    arn: str
    version: str

    def described(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.describe_secret(SecretId=self.name)
        return {member: value for member, value in answer.items() if member != "ResponseMetadata"}

    def labels(self) -> dict[str, set[str]]:
        return {version: set(labels) for version, labels in self.described()["VersionIdsToStages"].items() if labels}

    def value(self) -> str:
        return str(self.client.get_secret_value(SecretId=self.name)["SecretString"])

    def rotate(self, **settings: Any) -> str:
        return str(self.client.rotate_secret(SecretId=self.name, **settings)["VersionId"])


def new_secret(server: Server, value: str) -> Secret:
    client, name = server.client("secretsmanager"), new_name("dir/s")
    made = client.create_secret(Name=name, SecretString=value)
    return Secret(client, name, made["ARN"], made["VersionId"])


def settings_of(function: Telling) -> dict[str, Any]:
    return {"RotationLambdaARN": function.arn, "RotationRules": {"AutomaticallyAfterDays": 30}}


def steps_of(function: Telling, count: int) -> list[str]:
    steps = [function.next()["Step"] for _ in range(count)]
    assert function.nothing()
    return steps


@pytest.fixture(scope="module")
def rotating(aws: Server) -> Telling:
    function = Telling(aws, ROTATING)
    function.permit("secretsmanager.amazonaws.com")
    return function


def test_the_function_has_aws_s_events(aws: Server) -> None:
    """One that does nothing leaves the old value current."""
    secret, function = new_secret(aws, "old"), Telling(aws)
    function.permit("secretsmanager.amazonaws.com", secret.arn)
    version = secret.rotate(**settings_of(function))
    events = [function.next() for _ in range(4)]
    assert [event.pop("Step") for event in events] == STEPS
    (token,) = {event["RotationToken"] for event in events}
    assert re.fullmatch(r"[0-9a-f-]{36}", token)
    assert events == 4 * [{"SecretId": secret.arn, "ClientRequestToken": version, "RotationToken": token}]
    assert secret.labels() == {secret.version: {"AWSCURRENT"}, version: {"AWSPENDING"}}
    assert secret.value() == "old"
    assert "LastRotatedDate" not in secret.described()
    with pytest.raises(ClientError, match=r"ResourceNotFoundException"):
        secret.client.get_secret_value(SecretId=secret.name, VersionStage="AWSPENDING")


def test_again_and_again_by_what_is_configured(aws: Server, rotating: Telling) -> None:
    secret = new_secret(aws, "v")
    first = secret.rotate(**settings_of(rotating))
    assert secret.value() == "v+"
    assert secret.labels() == {secret.version: {"AWSPREVIOUS"}, first: {"AWSCURRENT", "AWSPENDING"}}
    second = secret.rotate()
    assert secret.value() == "v++"
    assert secret.labels() == {first: {"AWSPREVIOUS"}, second: {"AWSCURRENT", "AWSPENDING"}}
    described = secret.described()
    assert (described["RotationEnabled"], described["RotationLambdaARN"]) == (True, rotating.arn)
    assert described["RotationRules"] == {"AutomaticallyAfterDays": 30}
    assert {"NextRotationDate", "LastRotatedDate"} <= described.keys()
    assert secret.rotate(ClientRequestToken=second) == second
    assert secret.value() == "v++"
    assert steps_of(rotating, 8) == 2 * STEPS


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_fails_is_the_last(aws: Server, rotating: Telling, step: str) -> None:
    secret = new_secret(aws, step)
    version = secret.rotate(**settings_of(rotating))
    count = STEPS.index(step) + 1
    assert steps_of(rotating, count) == STEPS[:count]
    assert secret.labels() == {secret.version: {"AWSCURRENT"}, version: {"AWSPENDING"}}
    assert secret.value() == step
    for more in ({}, {"RotateImmediately": False}):
        with pytest.raises(ClientError, match=r"InvalidRequestException.*A previous rotation isn't complete"):
            secret.rotate(**more)
    secret.client.update_secret_version_stage(
        SecretId=secret.name, VersionStage="AWSPENDING", RemoveFromVersionId=version
    )
    secret.client.put_secret_value(SecretId=secret.name, SecretString="mended")
    secret.rotate()
    assert secret.value() == "mended+"
    assert steps_of(rotating, 4) == STEPS


def test_what_is_refused_leaves_nothing_behind(aws: Server, rotating: Telling) -> None:
    secret, barred = new_secret(aws, "old"), Telling(aws)
    before = secret.described()
    with pytest.raises(ClientError, match=r"AccessDeniedException.*grants access to the principal secretsmanager"):
        secret.rotate(**settings_of(barred))
    with pytest.raises(ClientError, match=r"ResourceNotFoundException"):
        secret.rotate(**settings_of(barred) | {"RotationLambdaARN": f"{barred.arn}-not"})
    with pytest.raises(ClientError, match=r"InvalidParameterException.*1-1000"):
        secret.rotate(**settings_of(rotating) | {"RotationRules": {"AutomaticallyAfterDays": 1001}})
    with pytest.raises(ClientError, match=r"InvalidRequestException.*No Lambda rotation function ARN is associated"):
        secret.rotate()
    assert secret.described() == before
    assert barred.nothing() and rotating.nothing()


def test_later_means_a_test_only(aws: Server, rotating: Telling) -> None:
    secret = new_secret(aws, "v")
    secret.rotate(**settings_of(rotating), RotateImmediately=False)
    assert secret.labels() == {secret.version: {"AWSCURRENT"}}
    rotated = secret.rotate()
    labels = secret.labels()
    secret.rotate(RotateImmediately=False)
    assert secret.labels() == labels == {secret.version: {"AWSPREVIOUS"}, rotated: {"AWSCURRENT", "AWSPENDING"}}
    assert secret.value() == "v+"
    assert steps_of(rotating, 6) == ["testSecret", *STEPS, "testSecret"]
