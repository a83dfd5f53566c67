"""Settings with an operation or two each: recursion, runtime management, and the old way to send an event."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from functions import call, create, new_name
from refusals import invalid, refused, violation
from wait import wait_for

Create = Callable[..., dict[str, Any]]
ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
RUNTIME_VERSION = "arn:aws:lambda:us-east-1::runtime:" + "0" * 64


@pytest.fixture
def function(create_function: Create) -> str:
    name: str = create_function(Publish=True)["FunctionName"]
    return name


def no_function(name: str) -> tuple[str, int, str]:
    return "ResourceNotFoundException", 404, f"Function not found: {ARN}{name}"


def test_recursive_loops(client: Any, function: str) -> None:
    assert client.get_function_recursion_config(FunctionName=function)["RecursiveLoop"] == "Terminate"
    put = client.put_function_recursion_config(FunctionName=function, RecursiveLoop="Allow")
    assert put["RecursiveLoop"] == "Allow"
    assert client.get_function_recursion_config(FunctionName=function)["RecursiveLoop"] == "Allow"
    assert refused(client.put_function_recursion_config, FunctionName=function, RecursiveLoop="Maybe") == violation(
        "Value 'Maybe' at 'recursiveLoop' failed to satisfy constraint: "
        "Member must satisfy enum value set: [Terminate, Allow]"
    )
    unknown = new_name()
    assert refused(client.get_function_recursion_config, FunctionName=unknown) == no_function(unknown)
    action = client.put_function_recursion_config
    assert refused(action, FunctionName=unknown, RecursiveLoop="Allow") == no_function(unknown)


def test_runtime_management(client: Any, function: str) -> None:
    def asked(**qualifier: str) -> tuple[Any, ...]:
        answer = client.get_runtime_management_config(FunctionName=function, **qualifier)
        return answer["FunctionArn"], answer["UpdateRuntimeOn"], answer.get("RuntimeVersionArn")

    put = client.put_runtime_management_config
    assert asked() == (f"{ARN}{function}:$LATEST", "Auto", None)
    answer = put(FunctionName=function, UpdateRuntimeOn="Manual", RuntimeVersionArn=RUNTIME_VERSION)
    assert answer["RuntimeVersionArn"] == RUNTIME_VERSION
    assert asked() == (f"{ARN}{function}:$LATEST", "Manual", RUNTIME_VERSION)
    assert asked(Qualifier="1") == (f"{ARN}{function}:1", "Auto", None)
    put(FunctionName=function, Qualifier="1", UpdateRuntimeOn="FunctionUpdate")
    assert asked(Qualifier="1") == (f"{ARN}{function}:1", "FunctionUpdate", None)
    assert refused(put, FunctionName=function, UpdateRuntimeOn="Manual")[:2] == invalid("")[:2]
    refusal = refused(put, FunctionName=function, UpdateRuntimeOn="Auto", RuntimeVersionArn=RUNTIME_VERSION)
    assert refusal[:2] == invalid("")[:2]
    unknown = new_name()
    assert refused(put, FunctionName=unknown, UpdateRuntimeOn="Auto") == no_function(unknown)


def test_invoke_async(client: Any) -> None:
    """The event runs: the function keeps it in its environment and gives it out."""
    code = "seen = []\ndef handler(event, context):\n    seen.append(event)\n    return seen\n"
    name = create(client, code, name=new_name())
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)  # so there is one environment
    answer = client.invoke_async(FunctionName=name, InvokeArgs=json.dumps({"sent": "long ago"}).encode())
    assert answer["Status"] == 202

    def arrived() -> bool:
        try:
            return {"sent": "long ago"} in call(client, name, "look")[0]
        except client.exceptions.TooManyRequestsException:  # the event is running just now
            return False

    wait_for(arrived)
    code, status, _ = refused(client.invoke_async, FunctionName=name, InvokeArgs=io.BytesIO(b"{not json"))
    assert (code, status) == ("InvalidRequestContentException", 400)
    unknown = new_name()
    assert refused(client.invoke_async, FunctionName=unknown, InvokeArgs=b"{}") == no_function(unknown)
    client.delete_function(FunctionName=name)


def test_scaling(client: Any, function: str) -> None:
    put, get = client.put_function_scaling_config, client.get_function_scaling_config
    bounds = {"MinExecutionEnvironments": 1, "MaxExecutionEnvironments": 3}
    asked = {"FunctionName": function, "Qualifier": "1"}
    assert get(**asked)["RequestedFunctionScalingConfig"] == {}
    answer = put(**asked, FunctionScalingConfig=bounds)
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["FunctionState"] in ("Active", "Pending")) == (
        202,
        True,
    )
    for qualifier in ("1", "$LATEST.PUBLISHED"):
        kept = get(FunctionName=function, Qualifier=qualifier)
        assert kept["FunctionArn"] == f"{ARN}{function}:1"
        assert kept["RequestedFunctionScalingConfig"] == kept["AppliedFunctionScalingConfig"] == bounds
    wrong = {"MinExecutionEnvironments": 4, "MaxExecutionEnvironments": 3}
    assert refused(put, **asked, FunctionScalingConfig=wrong)[:2] == invalid("")[:2]
    missing = ("ResourceNotFoundException", 404, f"Function not found: {ARN}{function}:7")
    assert refused(get, FunctionName=function, Qualifier="7") == missing
