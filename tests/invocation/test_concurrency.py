"""Reserved concurrency: what is kept for a function, what is left for the others, and what is refused.

AWS: docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from functions import call, create, new_name, zip_of
from gates import Gate
from refusals import invalid, refused
from server import Server
from wait import wait_for

RUNS = """
import time
def handler(event, context):
    time.sleep(event)
    return "done"
"""
WAITS = """
def handler(event, context):
    if event == "wait":
        gate()
    return "done"
"""
ARN = "arn:aws:lambda:us-east-1:000000000000:function:"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose accounts run 103 at once."""
    server = Server(tmp_path_factory.mktemp("small") / "data", "--concurrency", "103").start()
    yield server
    assert server.stop() == 0


def throttled(client: Any, name: str, event: Any = None) -> str:
    """The reason."""
    with pytest.raises(client.exceptions.TooManyRequestsException) as caught:
        call(client, name, event)
    response = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert response["Error"]["Message"] == "Rate Exceeded."
    assert response["Type"] == "User"
    reason: str = response["Reason"]
    return reason


def running(server: Server, count: int) -> None:
    wanted = f'state="invoking"}} {count}'.encode()
    wait_for(lambda: wanted in server.get("/_lambdad/metrics")[1])


def test_a_reservation(client: Any) -> None:
    name = create(client, RUNS)
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName=name)
    answer = client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=5)
    assert answer["ReservedConcurrentExecutions"] == 5
    assert client.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 5
    assert client.get_function(FunctionName=name)["Concurrency"] == {"ReservedConcurrentExecutions": 5}
    answer = client.delete_function_concurrency(FunctionName=name)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName=name)
    assert "Concurrency" not in client.get_function(FunctionName=name)


def test_none_reserved_stops_a_function(client: Any) -> None:
    name = create(client, RUNS)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert throttled(client, name, 0) == "ReservedFunctionConcurrentInvocationLimitExceeded"
    client.delete_function_concurrency(FunctionName=name)
    assert call(client, name, 0)[0] == "done"


def test_one_more_than_reserved_is_refused(small: Server) -> None:
    client, gate = small.client(), Gate(small)
    name = create(client, gate.code + WAITS)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(call, client, name, "wait")
        gate.wait_for(1)
        assert throttled(client, name, 0) == "ReservedFunctionConcurrentInvocationLimitExceeded"
        gate.open()
        assert first.result()[0] == "done"
    assert call(client, name, 0)[0] == "done"
    client.delete_function(FunctionName=name)


def test_events_wait_until_there_is_room(small: Server) -> None:
    client = small.client()
    name = create(client, "def handler(event, context):\n    print('ran', event)\n")
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    client.invoke(FunctionName=name, InvocationType="Event", Payload=b"7")
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    wait_for(lambda: "ran 7" in small.function_log(name))
    client.delete_function(FunctionName=name)


def test_a_hundred_stay_unreserved(small: Server) -> None:
    client = small.client()
    one, other = create(client, RUNS), create(client, RUNS)
    unreserved = [client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]]
    client.put_function_concurrency(FunctionName=one, ReservedConcurrentExecutions=2)
    too_much = invalid(
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
        "below its minimum value of [100]."
    )
    assert refused(client.put_function_concurrency, FunctionName=other, ReservedConcurrentExecutions=2) == too_much
    assert refused(client.put_function_concurrency, FunctionName=one, ReservedConcurrentExecutions=4) == too_much
    client.put_function_concurrency(FunctionName=one, ReservedConcurrentExecutions=3)
    client.put_function_concurrency(FunctionName=other, ReservedConcurrentExecutions=0)
    unreserved.append(client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"])
    client.delete_function(FunctionName=one)
    client.delete_function(FunctionName=other)
    unreserved.append(client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"])
    assert unreserved == [103, 100, 103]


def test_reservations_made_at_once_are_decided_one_after_another(small: Server) -> None:
    client = small.client()
    names = [create(client, RUNS) for _ in range(6)]
    outcomes: list[bool] = []

    def reserve(name: str) -> None:
        try:
            client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
            outcomes.append(True)
        except client.exceptions.InvalidParameterValueException:
            outcomes.append(False)

    threads = [threading.Thread(target=reserve, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False] * 3 + [True] * 3
    for name in names:
        client.delete_function(FunctionName=name)


def test_a_reservation_survives_a_restart(own_server: Server) -> None:
    client = own_server.start().client()
    name = create(client, RUNS)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    own_server.kill()
    client = own_server.start().client()
    assert throttled(client, name, 0) == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 1000
    client.delete_function(FunctionName=name)


def test_what_is_refused(client: Any) -> None:
    name, nothing = create(client, RUNS), new_name()
    missing = ("ResourceNotFoundException", 404, f"Function not found: {ARN}{nothing}")
    put = client.put_function_concurrency
    latest = (*missing[:2], f"{missing[2]}:$LATEST")
    assert refused(put, FunctionName=nothing, ReservedConcurrentExecutions=1) == latest, (
        "AWS looks for the version here"
    )
    assert refused(client.get_function_concurrency, FunctionName=nothing) == missing
    assert refused(client.delete_function_concurrency, FunctionName=nothing) == missing
    functions_only = invalid(
        "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
        "Please specify either a function name or an unqualified function ARN."
    )
    assert refused(put, FunctionName=f"{name}:1", ReservedConcurrentExecutions=1) == functions_only


def test_account_settings(own_server: Server) -> None:
    client = own_server.start().client()
    empty = client.get_account_settings()
    assert empty["AccountLimit"] == {
        "TotalCodeSize": 80530636800,
        "CodeSizeUnzipped": 262144000,
        "CodeSizeZipped": 52428800,
        "ConcurrentExecutions": 1000,
        "UnreservedConcurrentExecutions": 1000,
    }
    assert empty["AccountUsage"] == {"TotalCodeSize": 0, "FunctionCount": 0}
    name = create(client, RUNS, Publish=True)
    size = client.get_function_configuration(FunctionName=name)["CodeSize"]
    layer = client.publish_layer_version(LayerName="l", Content={"ZipFile": zip_of({"python/one.py": "value = 1\n"})})
    total = 2 * size + layer["Content"]["CodeSize"]
    assert client.get_account_settings()["AccountUsage"] == {"TotalCodeSize": total, "FunctionCount": 1}


def test_a_function_s_environments_grow_no_faster_than_allowed(own_server: Server) -> None:
    server = Server(own_server.data_dir, "--scaling-rate", "1").start()
    try:
        client = server.client()
        gate = Gate(server)
        name, other = create(client, gate.code + WAITS), create(client, RUNS)
        with ThreadPoolExecutor(1) as thread:
            busy = thread.submit(call, client, name, "wait")
            gate.wait_for(1)
            assert throttled(client, name, 0) == "FunctionInvocationRateLimitExceeded"
            assert call(client, other, 0)[0] == "done"
            gate.open()
            assert busy.result()[0] == "done"
        assert call(client, name, 0)[0] == "done"  # in the one that is there
        metrics = server.get("/_lambdad/metrics")[1].decode()
        assert f'lambdad_throttles_total{{function="{name}"}} 1' in metrics
        assert f'lambdad_throttles_total{{function="{other}"}} 0' in metrics
        client.delete_function(FunctionName=other)
        assert other not in server.get("/_lambdad/metrics")[1].decode()
    finally:
        assert server.stop() == 0


def test_functions_of_one_name_are_one_sample(own_server: Server) -> None:
    """Prometheus takes no sample twice."""
    own_server.start()
    name = new_name()
    for region in "us-east-1", "eu-west-1":
        client = own_server.client(region=region)
        create(client, RUNS, name=name, Timeout=900)
        client.invoke(FunctionName=name, InvocationType="Event", Payload=b"900")
    sample = f'lambdad_concurrent_executions{{function="{name}",provisioned="false"}}'
    wait_for(lambda: f"{sample} 2" in own_server.get("/_lambdad/metrics")[1].decode())
    lines = own_server.get("/_lambdad/metrics")[1].decode().splitlines()
    samples = [line.rpartition(" ")[0] for line in lines if not line.startswith("#")]
    assert len(set(samples)) == len(samples)
    own_server.kill()


def test_a_function_that_is_deleted_while_it_runs_is_counted_no_more(own_server: Server) -> None:
    client = own_server.start().client()
    name = create(client, RUNS)
    caller = threading.Thread(target=call, args=(client, name, 3))
    caller.start()
    running(own_server, 1)
    client.delete_function(FunctionName=name)
    caller.join()
    assert name not in own_server.get("/_lambdad/metrics")[1].decode()
