"""Provisioned concurrency: environments that are initialised before anyone calls.

AWS: docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
"""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from functions import PROMPT, call, create, new_name, zip_of
from gates import Gate
from refusals import invalid, refused
from server import Server
from wait import wait_for

ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
HOW = """
import os, time, uuid
ID = uuid.uuid4().hex
def handler(event, context):
    if event == "exit":
        os._exit(1)
    if event == "wait":
        gate()
    return os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], ID
"""
NO_CONFIG = (
    "ProvisionedConcurrencyConfigNotFoundException",
    404,
    "No Provisioned Concurrency Config found for this function",
)
TOO_MANY = "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"

Make = Callable[..., str]


@pytest.fixture
def make(client: Any) -> Any:
    """A function with version 1; deleted afterwards, so that nothing stays provisioned."""
    made: list[str] = []

    def make(code: str = HOW, **more: Any) -> str:
        made.append(create(client, code, **more))
        client.publish_version(FunctionName=made[-1])
        client.get_waiter("published_version_active").wait(FunctionName=made[-1], Qualifier="1", WaiterConfig=PROMPT)
        return made[-1]

    yield make
    for name in made:
        client.delete_function(FunctionName=name)


def put(client: Any, name: str, qualifier: str, count: int) -> dict[str, Any]:
    answer: dict[str, Any] = client.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier=qualifier, ProvisionedConcurrentExecutions=count
    )
    return answer


def status(client: Any, name: str, qualifier: str) -> tuple[Any, ...]:
    answer = client.get_provisioned_concurrency_config(FunctionName=name, Qualifier=qualifier)
    return (
        answer["Status"],
        answer["RequestedProvisionedConcurrentExecutions"],
        answer["AllocatedProvisionedConcurrentExecutions"],
        answer["AvailableProvisionedConcurrentExecutions"],
    )


def ready(client: Any, name: str, qualifier: str, count: int) -> None:
    wait_for(lambda: status(client, name, qualifier) == ("READY", count, count, count))


def test_it_is_initialised_before_anyone_calls(client: Any, make: Make) -> None:
    name = make()
    answer = put(client, name, "1", 2)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert (answer["Status"], answer["RequestedProvisionedConcurrentExecutions"]) == ("IN_PROGRESS", 2)
    assert answer["AllocatedProvisionedConcurrentExecutions"] == 0
    ready(client, name, "1", 2)
    (how, _), answer = call(client, name, Qualifier="1", LogType="Tail")
    assert how == "provisioned-concurrency"
    assert call(client, name)[0][0] == "on-demand"
    assert b"Init Duration" not in answer["LogResult"].encode()


def test_more_than_provisioned_run_on_demand(own_server: Server) -> None:
    client, gate = own_server.start().client(), Gate(own_server)
    name = create(client, gate.code + HOW, Publish=True)
    client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1", WaiterConfig=PROMPT)
    put(client, name, "1", 2)
    ready(client, name, "1", 2)
    with ThreadPoolExecutor(2) as threads:
        held = [threads.submit(call, client, name, "wait", Qualifier="1") for _ in range(2)]
        gate.wait_for(2)
        spilled = call(client, name, Qualifier="1")[0]
        gate.open()
        answers = [spilled, *(one.result()[0] for one in held)]
    assert [how for how, _ in answers] == ["on-demand", "provisioned-concurrency", "provisioned-concurrency"]
    assert len({identity for _, identity in answers}) == 3
    metrics = own_server.get("/_lambdad/metrics")[1].decode()
    for line in (
        "concurrent_executions{} 0",
        "concurrency_invocations_total{} 2",
        "concurrency_spillover_invocations_total{} 1",
    ):
        labels = f'{{function="{name}",version="1"}}'
        assert "lambdad_provisioned_" + line.replace("{}", labels) in metrics


def test_what_has_ended_is_initialised_again(client: Any, make: Make) -> None:
    name = make()
    put(client, name, "1", 1)
    ready(client, name, "1", 1)
    before = call(client, name, Qualifier="1")[0]
    assert call(client, name, "exit", Qualifier="1")[1]["FunctionError"] == "Unhandled"
    ready(client, name, "1", 1)
    after = call(client, name, Qualifier="1")[0]
    assert (before[0], after[0]) == ("provisioned-concurrency", "provisioned-concurrency")
    assert before[1] != after[1]


def test_fewer_and_none(client: Any, make: Make) -> None:
    name = make()
    put(client, name, "1", 3)
    ready(client, name, "1", 3)
    put(client, name, "1", 1)
    ready(client, name, "1", 1)
    assert call(client, name, Qualifier="1")[0][0] == "provisioned-concurrency"
    answer = client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="1")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert call(client, name, Qualifier="1")[0][0] == "on-demand"
    asked = {"FunctionName": name, "Qualifier": "1"}
    assert refused(client.get_provisioned_concurrency_config, **asked) == NO_CONFIG


def test_fewer_before_all_are_made(own_server: Server) -> None:
    client = own_server.start().client()
    name = create(client, "import time\ntime.sleep(0.5)\n" + HOW, Publish=True)
    client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1", WaiterConfig=PROMPT)
    put(client, name, "1", 5)
    put(client, name, "1", 1)
    ready(client, name, "1", 1)

    def environments() -> list[str]:
        lines = own_server.get("/_lambdad/metrics")[1].decode().splitlines()
        counts = [line for line in lines if line.startswith("lambdad_environments{")]
        return [line for line in counts if not line.endswith(" 0")]

    wait_for(lambda: [line.rpartition(" ")[2] for line in environments()] == ["1"])


def test_what_only_starts_is_ended_when_it_is_not_wanted_any_more(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", "--max-environments", "2").start()
    try:
        client = server.client()
        never = create(client, "import time\ntime.sleep(1000)\n", Publish=True)
        client.get_waiter("published_version_active").wait(FunctionName=never, Qualifier="1", WaiterConfig=PROMPT)
        put(client, never, "1", 2)
        wait_for(lambda: b'state="init"} 2' in server.get("/_lambdad/metrics")[1])
        put(client, never, "1", 1)
        wait_for(lambda: b'state="init"} 1' in server.get("/_lambdad/metrics")[1])
        client.delete_function(FunctionName=never)
        assert call(client, create(client, HOW))[0][0] == "on-demand"
    finally:
        assert server.stop() == 0


def test_what_cannot_be_initialised_fails(client: Any, make: Make) -> None:
    name = make("raise ValueError('not today')\n")
    put(client, name, "1", 2)
    wait_for(lambda: status(client, name, "1")[0] == "FAILED")
    answer = client.get_provisioned_concurrency_config(FunctionName=name, Qualifier="1")
    assert answer["StatusReason"] == "FUNCTION_ERROR_INIT_FAILURE"
    assert answer["AllocatedProvisionedConcurrentExecutions"] == 0


def test_what_ends_again_and_again_by_itself_fails(client: Any, make: Make) -> None:
    name = make("import os, threading\nthreading.Timer(0.01, os._exit, (1,)).start()\n" + HOW)
    put(client, name, "1", 1)
    wait_for(lambda: status(client, name, "1")[0] == "FAILED")


def test_an_alias_takes_it_along(client: Any, make: Make) -> None:
    name = make()
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    put(client, name, "live", 1)
    ready(client, name, "live", 1)
    assert call(client, name, Qualifier="live")[0][0] == "provisioned-concurrency"
    client.update_function_code(FunctionName=name, ZipFile=zip_of({"app.py": HOW + "# 2\n"}))
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
    client.publish_version(FunctionName=name)
    client.update_alias(FunctionName=name, Name="live", FunctionVersion="2")
    ready(client, name, "live", 1)
    assert call(client, name, Qualifier="2")[0][0] == "provisioned-concurrency"
    assert call(client, name, Qualifier="1")[0][0] == "on-demand"
    listed = client.list_provisioned_concurrency_configs(FunctionName=name)["ProvisionedConcurrencyConfigs"]
    assert [(one["FunctionArn"], one["Status"]) for one in listed] == [(f"{ARN}{name}:live", "READY")]
    client.delete_alias(FunctionName=name, Name="live")
    assert client.list_provisioned_concurrency_configs(FunctionName=name)["ProvisionedConcurrencyConfigs"] == []
    wait_for(lambda: call(client, name, Qualifier="2")[0][0] == "on-demand")
    gone = ("ResourceNotFoundException", 404, f"Cannot find alias arn: {ARN}{name}:live")
    assert refused(client.get_provisioned_concurrency_config, FunctionName=name, Qualifier="live") == gone


def test_it_belongs_to_a_version_or_its_alias(client: Any, make: Make) -> None:
    name = make()
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    put(client, name, "live", 1)
    assert refused(put, client=client, name=name, qualifier="1", count=1) == (
        "ResourceConflictException",
        409,
        "Version is pointed by a Provisioned Concurrency alias",
    )
    client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="live")
    put(client, name, "1", 1)
    assert refused(put, client=client, name=name, qualifier="live", count=1) == (
        "ResourceConflictException",
        409,
        "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version",
    )


def test_an_alias_that_has_it_has_one_version(client: Any, make: Make) -> None:
    name = make()
    client.update_function_configuration(FunctionName=name, Description="another")
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
    client.publish_version(FunctionName=name)
    alias = {"FunctionName": name, "Name": "live"}
    client.create_alias(FunctionVersion="1", **alias)
    put(client, name, "live", 1)
    weights = {"AdditionalVersionWeights": {"2": 0.5}}
    assert refused(client.update_alias, RoutingConfig=weights, **alias) == invalid(
        "Alias with weights can not be used with Provisioned Concurrency"
    )
    assert refused(client.update_alias, FunctionVersion="$LATEST", **alias) == invalid(
        "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
    )
    put(client, name, "2", 1)
    assert refused(client.update_alias, FunctionVersion="2", **alias) == (
        "ResourceConflictException",
        409,
        "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version",
    )
    found = client.get_alias(**alias)
    assert (found["FunctionVersion"], "RoutingConfig" in found) == ("1", False)
    client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="2")
    client.update_alias(FunctionVersion="2", **alias)
    ready(client, name, "live", 1)


def test_what_it_is_told_by(client: Any, make: Make) -> None:
    """The time to the second, as AWS writes this one; and the version has a new revision."""
    name = make()
    before = client.get_function_configuration(FunctionName=name, Qualifier="1")["RevisionId"]
    answer = put(client, name, "1", 1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000", answer["LastModified"])
    found = client.get_provisioned_concurrency_config(FunctionName=name, Qualifier="1")
    assert found["LastModified"] == answer["LastModified"]
    assert client.get_function_configuration(FunctionName=name, Qualifier="1")["RevisionId"] != before
    ready(client, name, "1", 1)


def test_what_is_refused(client: Any, make: Make) -> None:
    def puts(qualifier: str, count: int = 1, function: str | None = None) -> tuple[str, int, str]:
        return refused(put, client=client, name=function or name, qualifier=qualifier, count=count)

    name = make()
    unpublished = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
    assert puts("$LATEST") == invalid(unpublished)
    client.create_alias(FunctionName=name, Name="newest", FunctionVersion="$LATEST")
    assert puts("newest") == invalid(unpublished)
    assert puts("7") == ("ResourceNotFoundException", 404, f"Function not found: {ARN}{name}:7")
    assert puts("nobody") == ("ResourceNotFoundException", 404, f"Cannot find alias arn: {ARN}{name}:nobody")
    unknown = new_name()
    missing = {
        "1": ("ResourceNotFoundException", 404, f"Function not found: {ARN}{unknown}:1"),
        "live": ("ResourceNotFoundException", 404, f"Cannot find alias arn: {ARN}{unknown}:live"),
    }
    others = (client.get_provisioned_concurrency_config, client.delete_provisioned_concurrency_config)
    for qualifier, wanted in missing.items():
        assert puts(qualifier, function=unknown) == wanted
        assert [refused(one, FunctionName=unknown, Qualifier=qualifier) for one in others] == [wanted, wanted]
    neither = invalid("The function resource provided must be an alias or a published version.")
    assert [refused(one, FunctionName=name, Qualifier="$LATEST") for one in others] == [neither, neither]
    code, status, message = puts("1", 100_000)
    assert (code, status) == ("InvalidParameterValueException", 400)
    assert message.startswith("Specified ConcurrentExecutions for function is greater than account's unreserved")
    free = client.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    code, _, message = puts("1", free - 50)
    assert message.endswith(("below its minimum value of [100].", f"unreserved concurrency [{free}]."))
    assert refused(client.get_provisioned_concurrency_config, FunctionName=name, Qualifier="1") == NO_CONFIG


def test_it_comes_out_of_a_reservation(client: Any, make: Make) -> None:
    name = make()
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)
    assert refused(put, client=client, name=name, qualifier="1", count=3) == invalid(TOO_MANY)
    put(client, name, "1", 2)
    ready(client, name, "1", 2)
    assert refused(client.put_function_concurrency, FunctionName=name, ReservedConcurrentExecutions=1) == invalid(
        " ReservedConcurrentExecutions  1 should not be lower than function's total provisioned concurrency [2]."
    )
    with pytest.raises(client.exceptions.TooManyRequestsException) as caught:
        call(client, name)
    assert caught.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert call(client, name, Qualifier="1")[0][0] == "provisioned-concurrency"


def test_what_failed_is_tried_once_more_after_a_restart(own_server: Server) -> None:
    """What it failed for may be gone with the old server; if not it has failed again, with as many attempts as were wanted."""
    client = own_server.start().client()
    name = create(client, "print('attempt')\nraise ValueError('not today')\n", Publish=True)
    client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1", WaiterConfig=PROMPT)

    def attempts() -> int:
        own_server.wait_for_log(name, "attempt")
        return sum("attempt" in line for line in own_server.function_log(name))

    put(client, name, "1", 2)
    wait_for(lambda: status(client, name, "1")[0] == "FAILED" and attempts() == 2)
    own_server.stop()
    client = own_server.start().client()
    wait_for(lambda: status(client, name, "1")[0] == "FAILED" and attempts() == 4)
    answer = client.get_provisioned_concurrency_config(FunctionName=name, Qualifier="1")
    assert answer["StatusReason"] == "FUNCTION_ERROR_INIT_FAILURE"
    client.tag_resource(Resource=ARN + name, Tags={"a": "change"})
    assert call(client, create(client, HOW))[0][0] == "on-demand"
    assert (status(client, name, "1")[0], attempts()) == ("FAILED", 4)


def test_it_is_there_after_a_restart(own_server: Server) -> None:
    client = own_server.start().client()
    name = create(client, HOW, Publish=True)
    client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1", WaiterConfig=PROMPT)
    unreserved = client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    put(client, name, "1", 2)
    ready(client, name, "1", 2)
    own_server.kill()
    client = own_server.start().client()
    ready(client, name, "1", 2)
    assert call(client, name, Qualifier="1")[0][0] == "provisioned-concurrency"
    left = client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    assert left == unreserved - 2
