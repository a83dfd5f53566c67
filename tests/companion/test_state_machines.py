"""Step Functions: tasks invoke our functions, and fail by AWS's names."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions import create, new_name
from refusals import refused
from server import Server
from told import Telling
from wait import wait_for

ROLE = "arn:aws:iam::000000000000:role/states"
INVOKE = "arn:aws:states:::lambda:invoke"


class Machines:
    def __init__(self, server: Server) -> None:
        self.client = server.client("stepfunctions")

    def run(self, task: dict[str, Any], event: str = "{}") -> dict[str, Any]:
        """The execution, once it has ended."""
        definition = json.dumps({"StartAt": "Call", "States": {"Call": {"Type": "Task", "End": True, **task}}})
        made = self.client.create_state_machine(name=new_name("m"), definition=definition, roleArn=ROLE)
        started = self.client.start_execution(stateMachineArn=made["stateMachineArn"], input=event)["executionArn"]
        wait_for(lambda: self.client.describe_execution(executionArn=started)["status"] != "RUNNING")
        found: dict[str, Any] = self.client.describe_execution(executionArn=started)
        return found

    def failure(self, resource: str, function: str) -> tuple[str, str]:
        """(Error, cause)."""
        named = {} if resource != INVOKE else {"Parameters": {"FunctionName": function}}
        ended = self.run({"Resource": resource, **named})
        assert ended["status"] == "FAILED"
        return ended["error"], ended["cause"]


@pytest.fixture(scope="module")
def machines(aws: Server) -> Machines:
    return Machines(aws)


@pytest.fixture(scope="module")
def throttled(aws: Server) -> Iterator[str]:
    """ARN."""
    name = create(aws.client(), "def handler(event, context):\n    return 1\n")
    aws.client().put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    yield f"arn:aws:lambda:us-east-1:000000000000:function:{name}"


@pytest.fixture(scope="module")
def slow(aws: Server) -> str:
    """ARN of a function that is timed out: it waits for what never comes."""
    code = "import threading\ndef handler(event, context):\n    threading.Event().wait()\n"
    name = create(aws.client(), code, Timeout=1)
    return f"arn:aws:lambda:us-east-1:000000000000:function:{name}"


def test_a_task_invokes(aws: Server, machines: Machines) -> None:
    function = Telling(aws)
    given = {"FunctionName": function.arn, "Payload.$": "$"}
    done = machines.run({"Resource": INVOKE, "OutputPath": "$.Payload", "Parameters": given}, '{"number": 7}')
    assert function.next() == {"number": 7}
    assert (done["status"], json.loads(done["output"])) == ("SUCCEEDED", {"number": 7})


def test_a_task_that_does_not_wait(aws: Server, machines: Machines) -> None:
    function = Telling(aws)
    given = {"FunctionName": function.arn, "InvocationType": "Event", "Payload": {"number": 8}}
    done = machines.run({"Resource": INVOKE, "Parameters": given})
    output = json.loads(done["output"])
    assert (output["StatusCode"], output["Payload"]) == (202, "")
    assert function.next() == {"number": 8}


@pytest.mark.parametrize("by_arn", [True, False])
def test_failures_have_lambda_s_names(machines: Machines, throttled: str, slow: str, by_arn: bool) -> None:
    def failure(arn: str) -> tuple[str, str]:
        return machines.failure(arn if by_arn else INVOKE, arn)

    error, cause = failure(throttled)
    assert error == "Lambda.TooManyRequestsException"
    assert "Rate Exceeded. (Service: AWSLambda; Status Code: 429; Error Code: TooManyRequestsException;" in cause
    error, cause = failure(f"{throttled}-not-there")
    assert (error, "Function not found" in cause) == ("Lambda.ResourceNotFoundException", True)
    error, cause = failure(slow)
    assert error == "Lambda.Unknown"
    words = "The cause could not be determined because Lambda did not return an error type. Returned payload: "
    payload = json.loads(cause.removeprefix(words))
    assert payload["errorMessage"].endswith("Task timed out after 1.00 seconds")


def test_what_failed_is_caught_by_its_name(machines: Machines, throttled: str) -> None:
    caught = {"ErrorEquals": ["Lambda.TooManyRequestsException"], "Next": "Call"}
    states = {
        "Try": {"Type": "Task", "Resource": throttled, "Catch": [caught], "End": True},
        "Call": {"Type": "Pass", "Result": "caught", "End": True},
    }
    inner = {"StartAt": "Try", "States": states}
    done = machines.run({"Type": "Parallel", "Branches": [inner]})
    assert (done["status"], json.loads(done["output"])) == ("SUCCEEDED", ["caught"])


@pytest.mark.parametrize(
    ("machine", "place"),
    [
        ({"QueryLanguage": "JSONata", "States": {"S": {"Type": "Succeed"}}}, "/QueryLanguage"),
        ({"States": {"S": {"Type": "Succeed", "QueryLanguage": "JSONata"}}}, "/States/S/QueryLanguage"),
    ],
)
def test_jsonata_is_refused(machines: Machines, machine: dict[str, Any], place: str) -> None:
    given = {"name": new_name("m"), "definition": json.dumps({"StartAt": "S", **machine}), "roleArn": ROLE}
    code, status, message = refused(machines.client.create_state_machine, **given)
    assert (code, status) == ("InvalidDefinition", 400)
    assert message.endswith(f"JSONata is not evaluated here, the QueryLanguage must be JSONPath at {place}'")


def test_definitions_that_are_none_are_refused(machines: Machines) -> None:
    given = {"name": new_name("m"), "definition": '{"States": 7}', "roleArn": ROLE}
    assert refused(machines.client.create_state_machine, **given)[:2] == ("InvalidDefinition", 400)
