"""The account's limits as settings, and API calls that are faster than the server was told to allow."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions import PROMPT, ROLE, create, new_name, zip_of
from refusals import invalid, refused
from server import Server

CODE = "def handler(event, context):\n    return 1\n"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    quotas = ("timeout=60", "environment=100", "layers=1", "tags=2", "asynchronous_payload=1000", "code_storage=100000")
    pages = ("page=2", "mappings_page=3")
    arguments = [part for quota in (*quotas, *pages) for part in ("--quota", quota)]
    server = Server(tmp_path_factory.mktemp("strict") / "data", *arguments).start()
    yield server
    assert server.stop() == 0


def test_quotas_are_settings(strict: Server) -> None:
    client = strict.client()
    name = create(client, CODE)
    update = client.update_function_configuration
    code, status, message = refused(update, FunctionName=name, Timeout=61)
    assert (code, status) == ("ValidationException", 400)
    assert "'timeout' failed to satisfy constraint: Member must have value less than or equal to 60" in message
    refusal = refused(update, FunctionName=name, Environment={"Variables": {"LONG": "a" * 100}})
    assert refusal[0] == "InvalidParameterValueException"
    assert "exceeded the 100 byte limit. String measured: {" in refusal[2]
    layer = "arn:aws:lambda:us-east-1:000000000000:layer:l:1"
    assert refused(update, FunctionName=name, Layers=[layer, layer]) == invalid("Cannot reference more than 1 layers.")
    arn = client.get_function_configuration(FunctionName=name)["FunctionArn"]
    tags = {"a": "", "b": "", "c": ""}
    assert refused(client.tag_resource, Resource=arn, Tags=tags)[0] == "InvalidParameterValueException"
    large = b'"' + b"a" * 1000 + b'"'
    refusal = refused(client.invoke, FunctionName=name, InvocationType="Event", Payload=large)
    assert refusal[:2] == ("RequestTooLargeException", 413)
    assert client.get_account_settings()["AccountLimit"]["TotalCodeSize"] == 100_000
    noise = bytes(range(256)) * 4
    content = zip_of({"app.py": CODE, **{f"{number}.bin": noise[number:] + noise for number in range(200)}})
    more = {"Runtime": "python3.12", "Role": ROLE, "Handler": "app.handler"}
    while True:
        try:
            client.create_function(FunctionName=new_name(), Code={"ZipFile": content}, **more)
        except client.exceptions.CodeStorageExceededException:
            break
    assert client.get_account_settings()["AccountUsage"]["TotalCodeSize"] <= 100_000


def test_pages_of_mappings_may_be_larger_than_others(strict: Server) -> None:
    """On AWS 100 and 50."""
    client = strict.client(region="eu-west-2")
    sqs = strict.client("sqs", region="eu-west-2")
    names = [create(client, CODE) for _ in range(4)]
    for name in names:
        sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "60"})
        source = f"arn:aws:sqs:eu-west-2:000000000000:{name}"
        client.create_event_source_mapping(FunctionName=name, EventSourceArn=source, Enabled=False)
    for more in ({}, {"MaxItems": 100}):
        assert len(client.list_functions(**more)["Functions"]) == 2
        assert len(client.list_event_source_mappings(**more)["EventSourceMappings"]) == 3
    assert len(client.list_event_source_mappings(MaxItems=1)["EventSourceMappings"]) == 1
    found = [*client.get_paginator("list_event_source_mappings").paginate()]
    assert [len(page["EventSourceMappings"]) for page in found] == [3, 1]


def test_every_version_counts_against_the_code_storage(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", "--quota", "code_storage=25000", "--quota", "zipped_code=30000").start()
    try:
        client = server.client()
        exceeded = ("CodeStorageExceededException", 400, "Code storage limit exceeded.")
        code = {"app.py": CODE, "noise.bin": os.urandom(10_000)}
        name = create(client, files=code)
        used = client.get_account_settings()["AccountUsage"]["TotalCodeSize"]
        assert 10_000 < used < 12_500
        client.publish_version(FunctionName=name)
        assert client.get_account_settings()["AccountUsage"]["TotalCodeSize"] == 2 * used
        client.update_function_configuration(FunctionName=name, Description="something new")
        client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
        assert refused(client.publish_version, FunctionName=name) == exceeded
        assert [one["Version"] for one in client.list_versions_by_function(FunctionName=name)["Versions"]] == [
            "$LATEST",
            "1",
        ]
        client.delete_function(FunctionName=name, Qualifier="1")
        assert client.publish_version(FunctionName=name)["Version"] == "2"
        client.delete_function(FunctionName=name)
        # Twice in one request: as $LATEST and as the version.
        more = {"Runtime": "python3.12", "Role": ROLE, "Handler": "app.handler", "FunctionName": name, "Publish": True}
        large = zip_of({**code, "noise.bin": os.urandom(13_000)})
        assert refused(client.create_function, Code={"ZipFile": large}, **more) == exceeded
        over = zip_of({"noise.bin": os.urandom(30_001)})
        refusal = refused(client.create_function, Code={"ZipFile": over}, **more)
        assert refusal == ("RequestEntityTooLargeException", 413, "Zipped size must be smaller than 30000 bytes")
        request = {**more, "Environment": {"Variables": {"LONG": "x" * 302_144}}}
        refusal = refused(client.create_function, Code={"ZipFile": zip_of(code)}, **request)
        wanted = "Request must be smaller than 302144 bytes for the CreateFunction operation"
        assert refusal == ("RequestEntityTooLargeException", 413, wanted)
    finally:
        assert server.stop() == 0


def test_more_reserved_than_there_is(tmp_path: Path) -> None:
    """The account's limit was lowered since: what is left is nothing, and giving back works."""
    server = Server(tmp_path / "data", "--concurrency", "300").start()
    name = create(server.client(), CODE)
    server.client().put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=200)
    assert server.stop() == 0
    lower = Server(server.data_dir, "--concurrency", "150").start()
    try:
        client = lower.client()
        limits = client.get_account_settings()["AccountLimit"]
        assert (limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]) == (150, 0)
        code, _, message = refused(client.put_function_concurrency, FunctionName=name, ReservedConcurrentExecutions=201)
        assert code == "InvalidParameterValueException"
        assert message.endswith("below its minimum value of [100].")
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=40)
        assert client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 110
    finally:
        assert lower.stop() == 0


def test_the_rate_of_api_calls(own_server: Server) -> None:
    own = Server(own_server.data_dir, "--api-rate", "0.001").start()
    try:
        client = own.client()
        client.list_functions()
        with pytest.raises(client.exceptions.TooManyRequestsException) as caught:
            client.list_functions()
        refusal = caught.value.response
        assert refusal["ResponseMetadata"]["HTTPStatusCode"] == 429
        assert (refusal["Error"]["Message"], refusal["Reason"]) == ("Rate exceeded", "CallerRateLimitExceeded")
        another = own.client(region="eu-west-1")
        another.list_functions()
    finally:
        assert own.stop() == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Runtime": "nodejs22.x"}, "nodejs22.x is not supported for SnapStart enabled functions."),
        ({"Runtime": "python3.11"}, "python3.11 is not supported for SnapStart enabled functions."),
        (
            {"EphemeralStorage": {"Size": 513}},
            "SnapStart is not supported for functions with more than 512 MB of ephemeral storage.",
        ),
        (
            {
                "FileSystemConfigs": [
                    {
                        "Arn": "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-0123456789abcdef0",
                        "LocalMountPath": "/mnt/files",
                    }
                ],
                "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
            },
            "EFS is not supported for SnapStart enabled functions.",
        ),
    ],
)
def test_snap_start_is_for_some(client: Any, change: dict[str, Any], message: str) -> None:
    name = create(client, CODE, runtime="python3.12")
    update = client.update_function_configuration
    kept = update(FunctionName=name, SnapStart={"ApplyOn": "PublishedVersions"})
    assert kept["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"}
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
    assert refused(update, FunctionName=name, **change) == invalid(message)
