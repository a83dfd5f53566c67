"""What AWS would bill is counted, exactly: beside the REPORT lines of the same invocations.

AWS: aws.amazon.com/lambda/pricing
"""

import contextlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from costs import cost, gb_seconds, reported, used
from functions import PROMPT, call, create
from interpreters import PYTHON
from server import Server
from streaming_runtime import SOURCE
from wait import wait_for

CODE = """
import os, time
def handler(event, context):
    if event == "raise":
        raise ValueError("no")
    if event == "exit":
        os._exit(1)
    time.sleep(event or 0)
"""


def publish(client: Any, code: str, **more: Any) -> str:
    name = create(client, code, **more)
    client.publish_version(FunctionName=name)
    client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1", WaiterConfig=PROMPT)
    return name


@pytest.fixture
def provisioned(client: Any) -> Iterator[str]:
    """A function with a version 1 that may be provisioned; deleted afterwards."""
    name = publish(client, CODE, MemorySize=512)
    yield name
    with contextlib.suppress(client.exceptions.ResourceNotFoundException):
        client.delete_function(FunctionName=name)


def put(client: Any, name: str, count: int) -> None:
    client.put_provisioned_concurrency_config(FunctionName=name, Qualifier="1", ProvisionedConcurrentExecutions=count)


def test_requests_and_gb_seconds_are_those_of_the_log(server: Server, client: Any) -> None:
    """Of many at once, cold and warm, those that fail too."""
    name = create(client, CODE, MemorySize=192)
    events = [0, 0.003, "raise", 0, "exit", 0.02] * 10
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda event: call(client, name, event), events))
    now = used(server, name)
    reports = reported(server, name, call(client, name)[1]["ResponseMetadata"]["RequestId"])
    assert len(reports) == len(events) + 1
    assert now["requests"] == len(events)
    now = used(server, name)
    assert set(now) == {"requests", "duration"}
    assert now["requests"] == len(reports)
    assert now["duration"] == gb_seconds(reports)


def test_a_timeout_is_billed(server: Server, client: Any) -> None:
    name = create(client, CODE, Timeout=1)
    _, answer = call(client, name, 30)
    reports = reported(server, name, answer["ResponseMetadata"]["RequestId"])
    assert reports[0][0] >= 1000
    assert used(server, name) == {"requests": 1, "duration": gb_seconds(reports)}


def test_initialisation_is_billed(server: Server, client: Any) -> None:
    """Also one that fails, and is repeated as part of the invocation."""
    name = create(client, "import time\ntime.sleep(0.3)\n" + CODE)
    broken = create(client, "import time\ntime.sleep(0.3)\nraise ValueError('no')\n")
    for function in (name, broken):
        call(client, function)
        reports = reported(server, function)
        assert reports[0][0] >= 300
        assert used(server, function) == {"requests": 1, "duration": gb_seconds(reports)}


def test_what_is_not_run_is_not_billed(server: Server, client: Any) -> None:
    name = create(client, CODE)
    client.invoke(FunctionName=name, InvocationType="DryRun")
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(client.exceptions.TooManyRequestsException):
        call(client, name)
    assert used(server, name) == {}


def test_each_attempt_of_an_event_is_a_request(connected: Server, aws: Any) -> None:
    name = create(aws, CODE)
    aws.invoke(FunctionName=name, InvocationType="Event", Payload=b'"raise"')
    wait_for(lambda: used(connected, name).get("requests") == 3)
    assert used(connected, name)["duration"] == gb_seconds(reported(connected, name))


@pytest.mark.parametrize(("size", "requests"), [(256 * 1024, 1), (256 * 1024 + 1, 2), (1024 * 1024, 13)])
def test_a_large_event_is_several_requests(server: Server, client: Any, size: int, requests: int) -> None:
    """One for the first 256 KB, one for each 64 KB after them."""
    name = create(client, "def handler(event, context):\n    pass\n")
    client.invoke(FunctionName=name, InvocationType="Event", Payload=b'"' + b"x" * (size - 2) + b'"')
    wait_for(lambda: reported(server, name))
    assert used(server, name) == {"requests": requests, "duration": gb_seconds(reported(server, name))}


def test_every_memory_size_for_itself(server: Server, client: Any) -> None:
    name = create(client, CODE, MemorySize=128)
    call(client, name, 0.01)
    client.update_function_configuration(FunctionName=name, MemorySize=512)
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
    call(client, name, 0.01)
    reports = reported(server, name)
    assert [mb for _, mb in sorted(reports, key=lambda report: report[1])] == [128, 512]
    assert used(server, name) == {"requests": 2, "duration": gb_seconds(reports)}
    (one,) = cost(server, name)["functions"]
    assert one["memory_mb"] == [128, 512]


def test_storage_above_512_mb(server: Server, client: Any) -> None:
    name = create(client, CODE, EphemeralStorage={"Size": 1536})
    call(client, name, 0.02)
    ((billed_ms, _),) = reported(server, name)
    assert used(server, name)["ephemeral storage"] == Decimal(billed_ms * 1024) / 1_024_000


@pytest.mark.parametrize(("megabytes", "billed"), [(5, None), (8, 2)])
def test_bytes_streamed_above_6_mb(server: Server, client: Any, megabytes: int, billed: int | None) -> None:
    name = create(client, SOURCE)
    for _ in range(2):
        event = json.dumps({"megabytes": megabytes}).encode()
        answer = client.invoke_with_response_stream(FunctionName=name, Payload=event)
        assert sum(len(one["PayloadChunk"]["Payload"]) for one in list(answer["EventStream"])[:-1]) == megabytes << 20
    now = used(server, name)
    assert now["requests"] == 2
    assert now.get("streamed responses") == (None if billed is None else Decimal(2 * billed) / 1024)


def test_provisioned_concurrency_is_counted_apart(server: Server, client: Any, provisioned: str) -> None:
    """From its configuration on, five minutes at least, and again when it is another; its requests at their own price."""
    put(client, provisioned, 2)
    assert used(server, provisioned)["provisioned concurrency"] == 300 * 2 * Decimal("0.5")
    wait_for(
        lambda: client.get_provisioned_concurrency_config(FunctionName=provisioned, Qualifier="1")["Status"] == "READY",
    )
    for _ in range(3):
        call(client, provisioned, 0.005, Qualifier="1")
    call(client, provisioned, 0.005)
    document = cost(server, provisioned)["functions"][0]
    lines = {line["line"]: Decimal(line["quantity"]) for line in document["x86_64"]["lines"]}
    assert lines["requests"] == 4
    assert lines["free tier: requests"] == 1
    reports = reported(server, provisioned)
    assert len(reports) == 4
    initialised = lines["duration"] + lines["provisioned duration"] - gb_seconds(reports)
    assert initialised > 0
    put(client, provisioned, 1)
    assert used(server, provisioned)["provisioned concurrency"] == 300 * 3 * Decimal("0.5")
    client.delete_provisioned_concurrency_config(FunctionName=provisioned, Qualifier="1")
    put(client, provisioned, 1)
    client.delete_function(FunctionName=provisioned)
    assert used(server, provisioned)["provisioned concurrency"] == 300 * 4 * Decimal("0.5")


@pytest.mark.skipif(PYTHON < "python3.12", reason="no Python here has SnapStart")
def test_snapshots(server: Server, client: Any, isolated: None) -> None:
    """Kept for three hours at least, and restored once an environment."""
    name = publish(client, CODE, MemorySize=256, SnapStart={"ApplyOn": "PublishedVersions"})
    assert used(server, name) == {"SnapStart cache": 3 * 3600 * Decimal("0.25")}
    for _ in range(2):
        call(client, name, Qualifier="1")
    lines = server.function_log(name)
    restored = sum("Billed Restore Duration" in line for line in lines)
    assert restored == 1
    now = used(server, name)
    assert now["SnapStart restores"] == Decimal("0.25")
    assert now["duration"] == gb_seconds(reported(server, name))


def test_functions_do_not_see_the_bill(client: Any, isolated: None) -> None:
    """Their way to the server has the API, and not the pages that are its owner's."""
    code = """
import os, urllib.error, urllib.request
def handler(event, context):
    try:
        return urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + event).status
    except urllib.error.HTTPError as error:
        return error.code
"""
    name = create(client, code)
    assert call(client, name, "/_lambdad/health")[0] == 200
    assert call(client, name, "/_lambdad/cost")[0] == 404
