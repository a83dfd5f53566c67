"""Configurations of asynchronous invocation: Put-, Update-, Get-, Delete- and ListFunctionEventInvokeConfig(s)."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from functions import create, new_name
from refusals import invalid, refused
from server import Server
from wait import wait_for

Create = Callable[..., dict[str, Any]]
ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:failed"
NOWHERE = {"OnSuccess": {}, "OnFailure": {}}


@pytest.fixture
def function(create_function: Create) -> str:
    name: str = create_function(Publish=True)["FunctionName"]
    return name


def members(answer: dict[str, Any]) -> dict[str, Any]:
    answer = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
    assert isinstance(answer.pop("LastModified"), datetime)
    return answer


def missing(arn: str) -> tuple[str, int, str]:
    return "ResourceNotFoundException", 404, f"The function {arn} doesn't have an EventInvokeConfig"


def test_the_life_of_a_configuration(client: Any, function: str) -> None:
    arn = f"{ARN}{function}:$LATEST"
    put = client.put_function_event_invoke_config(FunctionName=function, MaximumRetryAttempts=0)
    assert members(put) == {"FunctionArn": arn, "MaximumRetryAttempts": 0, "DestinationConfig": NOWHERE}
    replaced = client.put_function_event_invoke_config(FunctionName=function, MaximumEventAgeInSeconds=60)
    assert members(replaced) == {"FunctionArn": arn, "MaximumEventAgeInSeconds": 60, "DestinationConfig": NOWHERE}
    updated = client.update_function_event_invoke_config(
        FunctionName=function, MaximumRetryAttempts=1, DestinationConfig={"OnFailure": {"Destination": QUEUE}}
    )
    after = {
        "FunctionArn": arn,
        "MaximumRetryAttempts": 1,
        "MaximumEventAgeInSeconds": 60,
        "DestinationConfig": {"OnSuccess": {}, "OnFailure": {"Destination": QUEUE}},
    }
    assert members(updated) == after
    for qualifier in ({}, {"Qualifier": "$LATEST"}):
        assert members(client.get_function_event_invoke_config(FunctionName=function, **qualifier)) == after
    listed = client.list_function_event_invoke_configs(FunctionName=function)["FunctionEventInvokeConfigs"]
    assert [members(one) for one in listed] == [after]
    deleted = client.delete_function_event_invoke_config(FunctionName=function)
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    for operation in ("get", "delete"):
        action = getattr(client, f"{operation}_function_event_invoke_config")
        assert refused(action, FunctionName=function) == missing(arn)
    assert client.list_function_event_invoke_configs(FunctionName=function)["FunctionEventInvokeConfigs"] == []


def test_versions_and_aliases_have_their_own(client: Any, function: str) -> None:
    client.create_alias(FunctionName=function, Name="live", FunctionVersion="1")
    for age, qualifier in ((60, "1"), (120, "live"), (180, "$LATEST")):
        client.put_function_event_invoke_config(
            FunctionName=function, Qualifier=qualifier, MaximumEventAgeInSeconds=age
        )
    pages = client.get_paginator("list_function_event_invoke_configs").paginate(
        FunctionName=function, PaginationConfig={"PageSize": 2}
    )
    listed = [
        (one["FunctionArn"], one["MaximumEventAgeInSeconds"])
        for page in pages
        for one in page["FunctionEventInvokeConfigs"]
    ]
    assert listed == [(f"{ARN}{function}:{name}", age) for name, age in (("$LATEST", 180), ("1", 60), ("live", 120))]
    client.delete_alias(FunctionName=function, Name="live")
    client.create_alias(FunctionName=function, Name="live", FunctionVersion="1")
    asked = {"FunctionName": function, "Qualifier": "live"}
    assert refused(client.get_function_event_invoke_config, **asked) == missing(f"{ARN}{function}:live")


def test_what_is_refused(client: Any, function: str) -> None:
    put, update = client.put_function_event_invoke_config, client.update_function_event_invoke_config
    gone = ("ResourceNotFoundException", 404, "The function doesn't exist.")
    unknown = new_name()
    assert refused(put, FunctionName=unknown, MaximumRetryAttempts=1) == gone
    assert refused(put, FunctionName=function, Qualifier="7", MaximumRetryAttempts=1) == gone
    assert refused(update, FunctionName=unknown, MaximumRetryAttempts=1) == gone
    nowhere = {"OnSuccess": {"Destination": "arn:aws:dynamodb:us-east-1:000000000000:table/t"}}
    for missing_one in ({"FunctionName": unknown}, {"FunctionName": function, "Qualifier": "7"}):
        assert refused(put, DestinationConfig=nowhere, **missing_one) == gone
    assert refused(client.list_function_event_invoke_configs, FunctionName=unknown) == gone
    for change in ({"MaximumRetryAttempts": 1}, {"DestinationConfig": nowhere}):
        assert refused(update, FunctionName=function, **change) == missing(f"{ARN}{function}:$LATEST")
    for operation in ("get", "delete"):
        action = getattr(client, f"{operation}_function_event_invoke_config")
        assert refused(action, FunctionName=unknown) == missing(f"{ARN}{unknown}:$LATEST")
    nothing = invalid("You must specify at least one of error handling or destination setting.")
    assert refused(put, FunctionName=function) == nothing
    assert refused(put, FunctionName=function, DestinationConfig={}) == nothing
    code, status, message = refused(put, FunctionName=function, MaximumRetryAttempts=3)
    assert (code, status) == ("ValidationException", 400)
    assert "Value '3' at 'maximumRetryAttempts'" in message


def test_destinations_that_are_refused(client: Any, function: str) -> None:
    def put(**destinations: str) -> tuple[str, int, str]:
        config = {name: {"Destination": arn} for name, arn in destinations.items()}
        return refused(client.put_function_event_invoke_config, FunctionName=function, DestinationConfig=config)

    own, other = f"{ARN}{function}", f"{ARN}{new_name()}"
    assert put(OnSuccess=own) == invalid("You can't specify the function as a destination for itself.")
    assert put(OnFailure=other) == invalid(f"The destination ARN {other} is invalid.")
    table = "arn:aws:dynamodb:us-east-1:000000000000:table/t"
    assert put(OnFailure=table) == invalid(
        "The provided destination config "
        f"DestinationConfig(onSuccess=null, onFailure=OnFailure(destination={table})) is invalid."
    )


@pytest.mark.parametrize(
    ("member", "destination"),
    [
        ("OnSuccess", "arn:aws:s3:::records"),
        ("OnSuccess", "arn:aws:sqs:us-east-1:000000000000:orders.fifo"),
        ("OnFailure", "arn:aws:sqs:us-east-1:000000000000:orders.fifo"),
        ("OnFailure", "arn:aws:sns:us-east-1:000000000000:news.fifo"),
        ("OnFailure", "arn:aws:sqs:us-east-1:000000000000:"),
        ("OnFailure", "arn:aws:events:us-east-1:000000000000:rule/r"),
        ("OnFailure", "arn:aws:lambda:us-east-1:000000000000:layer:l"),
        ("OnFailure", "kafka://topic"),
    ],
)
def test_destinations_that_cannot_be(client: Any, function: str, member: str, destination: str) -> None:
    config = {member: {"Destination": destination}}
    put = client.put_function_event_invoke_config
    told = {"OnSuccess": "onSuccess=null", "OnFailure": "onFailure=null"}
    told[member] = f"{member[0].lower()}{member[1:]}={member}(destination={destination})"
    assert refused(put, FunctionName=function, DestinationConfig=config) == invalid(
        f"The provided destination config DestinationConfig({told['OnSuccess']}, {told['OnFailure']}) is invalid."
    )


def test_destinations_that_may_be(client: Any, function: str, create_function: Create) -> None:
    other = create_function()["FunctionArn"]
    for success, failure in (
        ("arn:aws:sqs:us-east-1:000000000000:orders", "arn:aws:s3:::records"),
        ("arn:aws:sns:us-east-1:000000000000:news", f"{other}:$LATEST"),
        ("arn:aws:events:us-east-1:000000000000:event-bus/default", other),
    ):
        config = {"OnSuccess": {"Destination": success}, "OnFailure": {"Destination": failure}}
        answer = client.put_function_event_invoke_config(FunctionName=function, DestinationConfig=config)
        assert answer["DestinationConfig"] == config
    cleared = client.update_function_event_invoke_config(FunctionName=function, DestinationConfig={"OnSuccess": {}})
    assert cleared["DestinationConfig"] == {**config, "OnSuccess": {}}


def test_events_are_given_up_as_configured(own_server: Server) -> None:
    client = own_server.start().client()
    name = create(client, "def handler(event, context):\n    raise ValueError('no')\n")
    client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    answer = client.invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")
    request_id = answer["ResponseMetadata"]["RequestId"]
    expected = f"event {request_id} of {ARN}{name} is given up: RetriesExhausted"
    wait_for(lambda: expected in own_server.log())
