"""Which version runs when an alias is invoked. AWS: docs.aws.amazon.com/lambda/latest/dg/configuration-aliases.html"""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions import PROMPT, call, create, zip_of
from server import Server
from wait import wait_for

CODE = """
def handler(event, context):
    print("ran", event)
    return [{number}, context.function_version, context.invoked_function_arn.split(":")[7:]]
"""


@pytest.fixture(scope="module")
def function(client: Any) -> str:
    """Versions 1 and 2 answer their number."""
    return with_two_versions(client)


def with_two_versions(client: Any) -> str:
    name = create(client, CODE.format(number=1), Publish=True)
    client.update_function_code(FunctionName=name, ZipFile=zip_of({"app.py": CODE.format(number=2)}), Publish=True)
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
    return name


def test_an_alias_is_moved(client: Any, function: str) -> None:
    client.create_alias(FunctionName=function, Name="moved", FunctionVersion="1")
    for version in ("1", "2", "1"):
        client.update_alias(FunctionName=function, Name="moved", FunctionVersion=version)
        for target in ({"FunctionName": f"{function}:moved"}, {"FunctionName": function, "Qualifier": "moved"}):
            answer = client.invoke(**target)
            assert answer["ExecutedVersion"] == version
            assert answer["Payload"].read().decode() == f'[{version}, "{version}", ["moved"]]'


def test_weights_split_the_invocations(client: Any, function: str) -> None:
    for weight, possible in ((0.0, {"1"}), (1.0, {"2"}), (0.5, {"1", "2"})):
        routing = {"AdditionalVersionWeights": {"2": weight}}
        name = f"split{int(weight * 10)}"
        client.create_alias(FunctionName=function, Name=name, FunctionVersion="1", RoutingConfig=routing)
        # With a half each, one version never runs in one of 2^99 runs of this test.
        executed = [call(client, f"{function}:{name}")[1]["ExecutedVersion"] for _ in range(100)]
        assert set(executed) == possible


def test_an_alias_that_is_not_there(client: Any, function: str) -> None:
    with pytest.raises(ClientError) as refused:
        call(client, f"{function}:nothing")
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{function}:nothing"
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert refused.value.response["Error"]["Message"] == f"Function not found: {arn}"


def test_aliases_survive_a_kill_and_take_events(own_server: Server) -> None:
    client = own_server.start().client()
    name = with_two_versions(client)
    routing = {"AdditionalVersionWeights": {"2": 0.25}}
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1", RoutingConfig=routing)
    client.create_alias(FunctionName=name, Name="gone", FunctionVersion="1")
    client.delete_alias(FunctionName=name, Name="gone")
    before = client.list_aliases(FunctionName=name)["Aliases"]
    assert [alias["Name"] for alias in before] == ["live"]
    own_server.kill()
    client = own_server.start().client()
    assert client.list_aliases(FunctionName=name)["Aliases"] == before
    client.invoke(FunctionName=f"{name}:live", InvocationType="Event", Payload=b"7")
    wait_for(lambda: "ran 7" in own_server.function_log(name))
