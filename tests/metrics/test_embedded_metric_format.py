"""Metrics in logs: what a function prints is what CloudWatch has."""

from pathlib import Path
from typing import Any

from functions import call, create, new_name
from metric_reading import Reading
from server import Server
from wait import wait_for

PRINTS = """
import json, time
def handler(event, context):
    directive = {"Namespace": event["namespace"], "Dimensions": [["FunctionName"]], "Metrics": [{"Name": "n", "Unit": "Count"}]}
    document = {"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}, "FunctionName": "f"}
    for value in event["values"]:
        print(json.dumps({**document, "n": value}))
    print('a line that says "_aws" and is no document')
"""


def test_what_is_printed_is_counted(client: Any, reading: Reading, server: Server) -> None:
    name, namespace = create(client, PRINTS), new_name("n")
    call(client, name, {"namespace": namespace, "values": [*range(100), [1, 2, 3]]})
    wanted = {"namespace": namespace, "FunctionName": "f"}
    wait_for(lambda: sum(reading.values("n", "SampleCount", **wanted)) == 103)
    assert sum(reading.values("n", **wanted)) == sum(range(100)) + 6
    assert reading.client.list_metrics(Namespace=namespace)["Metrics"][0]["MetricName"] == "n"
    assert reading.sum("EMFValidationErrors", namespace="AWS/Logs", LogGroupName=f"/aws/lambda/{name}") == 0


def test_what_is_wrong_is_counted_as_wrong(client: Any, reading: Reading) -> None:
    name, namespace = create(client, PRINTS), new_name("n")
    call(client, name, {"namespace": namespace, "values": ["1", 2]})
    errors = {"namespace": "AWS/Logs", "LogGroupName": f"/aws/lambda/{name}"}
    wait_for(lambda: reading.sum("EMFValidationErrors", **errors) == 1)
    assert reading.values("n", namespace=namespace, FunctionName="f") == [2]


def test_functions_cannot_take_the_room_of_what_is_counted_of_them(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", "--max-metrics", "100").start()
    client, reading = server.client(), Reading(server.client("cloudwatch"))
    name = create(
        client, PRINTS.replace('"FunctionName": "f"}', "}").replace('"n": value', '"n": 1, "FunctionName": str(value)')
    )
    call(client, name, {"namespace": "App", "values": list(range(200))})
    wait_for(lambda: reading.sum("Invocations", FunctionName=name) == 1)
    wait_for(lambda: len(reading.client.list_metrics(Namespace="App")["Metrics"]) == 80)
    assert reading.count("Duration", FunctionName=name, Resource=name) == 1
    assert server.stop() == 0
