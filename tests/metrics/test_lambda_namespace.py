"""AWS/Lambda: what is counted is what was invoked, exactly, in every dimension."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions import PROMPT, call, create, new_name
from gates import Gate
from metric_reading import Reading
from neighbours import ACCOUNT, REGION, Neighbours
from server import Server
from urls import Url, allow, id_of
from wait import wait_for

FAILS_ON_ONE = "def handler(event, context):\n    if event == 1:\n        raise ValueError\n    return event\n"
WAITS = "def handler(event, context):\n    gate()\n"


def test_invocations_errors_and_durations_are_those_that_were(client: Any, reading: Reading) -> None:
    name = create(client, FAILS_ON_ONE)
    failed = 0
    for number in range(40):
        failed += "FunctionError" in call(client, name, number % 4)[1]
    wait_for(lambda: reading.sum("Invocations", FunctionName=name) == 40)
    assert reading.sum("Errors", FunctionName=name) == failed == 10
    assert reading.count("Errors", FunctionName=name) == 40
    assert reading.sum("Throttles", FunctionName=name) == 0
    assert reading.count("Duration", FunctionName=name) == 40
    assert min(reading.values("Duration", "Minimum", FunctionName=name)) > 0
    assert reading.most("ConcurrentExecutions", FunctionName=name) == 1
    assert reading.sum("Invocations", FunctionName=name, Resource=name) == 40


def test_many_at_once_are_all_counted(own_server: Server) -> None:
    """An account without anything else: the sum over all functions, and what runs at once, are known too."""
    client, reading = own_server.start().client(max_pool_connections=20), Reading(own_server.client("cloudwatch"))
    names = [create(client, FAILS_ON_ONE) for _ in range(2)]
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda number: call(client, names[number % 2], number % 5)[1], range(1000)))
    failed = sum("FunctionError" in answer for answer in answers)
    wait_for(lambda: reading.sum("Invocations") == 1000)
    assert reading.sum("Errors") == failed == 200
    assert [reading.sum("Invocations", FunctionName=name) for name in names] == [500, 500]
    assert reading.count("Duration") == 1000
    each = [reading.most("ConcurrentExecutions", FunctionName=name) for name in names]
    at_once = reading.most("ConcurrentExecutions")
    assert max(each) <= at_once <= 16
    assert reading.most("UnreservedConcurrentExecutions") == at_once
    metrics = own_server.get("/_lambdad/metrics")[1].decode()
    for name in names:
        assert f'lambdad_invocations_total{{function="{name}"}} 500' in metrics
        assert f'lambdad_function_duration_seconds_count{{function="{name}"}} 500' in metrics
    assert 'lambdad_alarms{state="OK"} 0' in metrics
    assert "lambdad_cloudwatch_metrics 0\n" not in metrics


def test_the_duration_is_that_of_the_report_line(client: Any, reading: Reading, server: Server) -> None:
    name = create(client, "import time\ntime.sleep(0.4)\ndef handler(event, context):\n    time.sleep(0.1)\n")
    call(client, name)
    wait_for(lambda: reading.count("Duration", FunctionName=name) == 1)
    (duration,) = reading.values("Duration", FunctionName=name)
    (report,) = [line for line in server.wait_for_log(name, "REPORT") if "REPORT" in line]
    assert f"\tDuration: {duration:.2f} ms" in report
    assert duration < 400, "initialisation is no part of it"


def test_an_alias_and_the_version_that_it_led_to(client: Any, reading: Reading) -> None:
    name = create(client, FAILS_ON_ONE, Publish=True)
    client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1", WaiterConfig=PROMPT)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    for qualifier, times in (("live", 3), ("1", 2), ("$LATEST", 1)):
        for _ in range(times):
            call(client, name, 1, Qualifier=qualifier)
    wait_for(lambda: reading.sum("Invocations", FunctionName=name) == 6)
    live = {"FunctionName": name, "Resource": f"{name}:live"}
    assert reading.sum("Invocations", **live) == reading.sum("Errors", **live) == 3
    assert reading.sum("Invocations", ExecutedVersion="1", **live) == 3
    assert reading.sum("Invocations", FunctionName=name, Resource=f"{name}:1") == 2
    assert reading.values("Invocations", FunctionName=name, Resource=f"{name}:1", ExecutedVersion="1") == []
    assert reading.sum("Invocations", FunctionName=name, Resource=f"{name}:$LATEST") == 1


def test_throttles_and_what_runs_at_once(client: Any, reading: Reading, server: Server) -> None:
    gate = Gate(server)
    name = create(client, gate.code + WAITS)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)
    with ThreadPoolExecutor(2) as threads:
        held = [threads.submit(call, client, name) for _ in range(2)]
        gate.wait_for(2)
        for _ in range(3):
            with pytest.raises(ClientError, match="TooManyRequests"):
                call(client, name, 0)
        gate.open()
        for one in held:
            one.result()
    wait_for(lambda: reading.sum("Invocations", FunctionName=name) == 2)
    assert reading.sum("Throttles", FunctionName=name) == 3
    assert reading.most("ConcurrentExecutions", FunctionName=name) == 2
    assert reading.most("ConcurrentExecutions", FunctionName=name, Resource=name) == 2


def test_provisioned_concurrency(client: Any, reading: Reading, server: Server) -> None:
    gate = Gate(server)
    name = create(client, gate.code + WAITS, Publish=True)
    client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1", WaiterConfig=PROMPT)
    client.put_provisioned_concurrency_config(FunctionName=name, Qualifier="1", ProvisionedConcurrentExecutions=2)

    def ready() -> bool:
        answer = client.get_provisioned_concurrency_config(FunctionName=name, Qualifier="1")
        return bool(answer["Status"] == "READY")

    wait_for(ready)
    gate.together([lambda: call(client, name, Qualifier="1")] * 3)
    wait_for(lambda: reading.sum("Invocations", FunctionName=name) == 3)
    version = {"FunctionName": name, "Resource": f"{name}:1"}
    assert reading.sum("ProvisionedConcurrencyInvocations", **version) == 2
    assert reading.sum("ProvisionedConcurrencySpilloverInvocations", **version) == 1
    assert reading.most("ProvisionedConcurrentExecutions", **version) == 2
    assert reading.most("ProvisionedConcurrencyUtilization", FunctionName=name) == 1.0
    assert reading.most("ConcurrentExecutions", **version) == 3
    assert reading.most("ClaimedAccountConcurrency") >= 2
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    call(client, name, 0, Qualifier="live")
    alias = {"FunctionName": name, "Resource": f"{name}:live"}
    wait_for(lambda: reading.sum("ProvisionedConcurrencyInvocations", **alias) == 1)
    assert reading.sum("ProvisionedConcurrencyInvocations", ExecutedVersion="1", **alias) == 1
    assert reading.sum("ProvisionedConcurrencyInvocations", **version) == 2
    assert reading.most("ProvisionedConcurrencyUtilization", ExecutedVersion="1", **alias) == 0.5


def test_asynchronous_events(tmp_path: Path) -> None:
    neighbours = Neighbours()
    server = Server(tmp_path / "data", "--retry-wait", "0.01", *neighbours.arguments()).start()
    client, reading = server.client(), Reading(server.client("cloudwatch"))
    nowhere = f"{REGION}:{ACCOUNT}:nowhere"
    name = create(client, FAILS_ON_ONE, DeadLetterConfig={"TargetArn": f"arn:aws:sqs:{nowhere}"})
    client.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:sns:{nowhere}"}},
    )
    for event in (0, 0, 1):
        client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event))
    wanted = {
        "AsyncEventsReceived": 3.0,
        "AsyncEventsDropped": 1.0,
        "DeadLetterErrors": 1.0,
        "DestinationDeliveryFailures": 1.0,
        "Invocations": 4.0,
        "Errors": 2.0,
    }
    found: dict[str, float] = {}

    def counted() -> bool:
        found.update({metric: reading.sum(metric, FunctionName=name) for metric in wanted})
        return found == wanted

    wait_for(counted)
    assert reading.count("AsyncEventAge", FunctionName=name) == 4
    assert server.stop() == 0
    neighbours.stop()


def test_function_urls(client: Any, reading: Reading, server: Server) -> None:
    name = create(client, "import json\ndef handler(e, c):\n    return {'statusCode': int(e['rawPath'][1:])}\n")
    config = client.create_function_url_config(FunctionName=name, AuthType="NONE")
    allow(client, name)
    url = Url(server, name, id_of(config))
    for status in (200, 200, 404, 500):
        assert url.request("GET", f"/{status}").status == status
    resource = {"FunctionName": name, "Resource": f"{name}:$LATEST"}
    wait_for(lambda: reading.sum("UrlRequestCount", **resource) == 4)
    assert reading.sum("Url4xxCount", FunctionName=name) == 1
    assert reading.sum("Url5xxCount", **resource) == 1
    assert reading.count("UrlRequestLatency", **resource) == 4
    assert reading.sum("Invocations", FunctionName=name) == 4


def test_what_was_counted_outlives_the_server_and_the_function(own_server: Server) -> None:
    client = own_server.start().client()
    name = create(client, FAILS_ON_ONE)
    for _ in range(5):
        call(client, name, 0)
    client.delete_function(FunctionName=name)
    assert own_server.stop() == 0
    own_server.start()
    reading = Reading(own_server.client("cloudwatch"))
    assert reading.sum("Invocations", FunctionName=name) == 5
    assert len(reading.values("Duration", "p99", FunctionName=name)) >= 1
    assert own_server.get("/_lambdad/metrics")[1].decode().count(name) == 0


def test_accounts_and_regions_are_apart(server: Server) -> None:
    here, there = server.client(region="eu-west-1"), server.client(account="111122223333", region="eu-west-1")
    name = new_name()
    for client, times in ((here, 2), (there, 3)):
        create(client, FAILS_ON_ONE, name=name)
        for _ in range(times):
            call(client, name, 0)
    readings = [
        Reading(server.client("cloudwatch", region="eu-west-1")),
        Reading(server.client("cloudwatch", region="eu-west-1", account="111122223333")),
        Reading(server.client("cloudwatch", region="eu-west-2")),
    ]
    wait_for(lambda: [one.sum("Invocations", FunctionName=name) for one in readings] == [2, 3, 0])
    assert readings[1].sum("Invocations") == 3
