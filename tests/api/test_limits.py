"""The account's limits as settings, and API calls that are faster than the server was told to allow."""

from collections.abc import Iterator
from typing import Any

import pytest

from functions import PROMPT, ROLE, create, new_name, zip_of
from refusals import invalid, refused
from server import Server

CODE = "def handler(event, context):\n    return 1\n"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    quotas = ("timeout=60", "environment=100", "layers=1", "tags=2", "asynchronous_payload=1000", "code_storage=100000")
    arguments = [part for quota in quotas for part in ("--quota", quota)]
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
    ],
)
def test_snap_start_is_for_some(client: Any, change: dict[str, Any], message: str) -> None:
    name = create(client, CODE, runtime="python3.12")
    update = client.update_function_configuration
    kept = update(FunctionName=name, SnapStart={"ApplyOn": "PublishedVersions"})
    assert kept["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"}
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
    assert refused(update, FunctionName=name, **change) == invalid(message)
