"""CloudWatch over each of its protocols, as SDKs old and new speak them, and with the AWS CLI."""

import datetime
import gzip
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import cbor2
import pytest

from functions import call, create, new_name
from metric_reading import Reading
from server import Server
from wait import wait_for

NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
SCOPE = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/monitoring/aws4_request, SignedHeaders=host, Signature=0"
NAMESPACE = "{http://monitoring.amazonaws.com/doc/2010-08-01/}"


def send(server: Server, path: str, body: bytes, **headers: str) -> tuple[int, Any, bytes]:
    """Status, headers, body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(server.url + path, body, {"Authorization": SCOPE, **named})
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def cbor(server: Server, operation: str, members: Any) -> tuple[int, Any, Any]:
    path = f"/service/GraniteServiceVersion20100801/operation/{operation}"
    headers = {"Smithy_Protocol": "rpc-v2-cbor", "Content_Type": "application/cbor", "Accept": "application/cbor"}
    status, answered, body = send(server, path, cbor2.dumps(members), **headers)
    return status, answered, cbor2.loads(body)


def query(server: Server, **fields: Any) -> tuple[int, ET.Element]:
    form = urlencode({"Version": "2010-08-01", **{name.replace("__", "."): value for name, value in fields.items()}})
    status, _, body = send(server, "/", form.encode(), Content_Type="application/x-www-form-urlencoded; charset=utf-8")
    return status, ET.fromstring(body)


def seconds(moment: datetime.datetime) -> Any:
    return cbor2.CBORTag(1, moment.timestamp())


def test_cbor(server: Server) -> None:
    namespace = new_name("n")
    datum = {"MetricName": "m", "Values": [1.0, 2.0], "Counts": [2.0, 1.0], "Timestamp": seconds(NOW), "Unit": "Count"}
    status, headers, answer = cbor(server, "PutMetricData", {"Namespace": namespace, "MetricData": [datum]})
    assert (status, headers["smithy-protocol"], answer) == (200, "rpc-v2-cbor", {})
    stat = {"Metric": {"Namespace": namespace, "MetricName": "m"}, "Period": 60, "Stat": "p99"}
    request = {
        "MetricDataQueries": [{"Id": "a", "MetricStat": stat}],
        "StartTime": seconds(NOW - datetime.timedelta(minutes=5)),
        "EndTime": seconds(NOW + datetime.timedelta(minutes=5)),
    }
    status, _, answer = cbor(server, "GetMetricData", request)
    (result,) = answer["MetricDataResults"]
    assert (status, result["Values"], result["StatusCode"]) == (200, [2.0], "Complete")
    assert result["Timestamps"] == [NOW.replace(second=0)]
    status, headers, answer = cbor(
        server, "PutMetricData", {"Namespace": namespace, "MetricData": [{"MetricName": "m"}]}
    )
    assert status == 400
    assert answer["__type"].rpartition("#")[2] == "MissingRequiredParameterException"
    assert headers["x-amzn-query-error"] == "MissingParameter;Sender"
    status, headers, answer = cbor(server, "PutDashboard", {"DashboardName": "d", "DashboardBody": "{}"})
    assert (status, headers["x-amzn-query-error"]) == (400, "InvalidParameterValue;Sender")


def test_query(server: Server) -> None:
    namespace = new_name("n")
    datum = {
        "MetricData__member__1__MetricName": "m",
        "MetricData__member__1__Value": 2.5,
        "MetricData__member__1__Timestamp": NOW.isoformat(),
        "MetricData__member__1__Dimensions__member__1__Name": "a",
        "MetricData__member__1__Dimensions__member__1__Value": "<b>",
    }
    status, _ = query(server, Action="PutMetricData", Namespace=namespace, **datum)
    assert status == 200
    _, answer = query(server, Action="ListMetrics", Namespace=namespace)
    (value,) = answer.iter(f"{NAMESPACE}Value")
    assert value.text == "<b>"
    settings = {
        "Dimensions__member__1__Name": "a",
        "Dimensions__member__1__Value": "<b>",
        "Statistics__member__1": "Average",
        "StartTime": (NOW - datetime.timedelta(minutes=5)).isoformat(),
        "EndTime": (NOW + datetime.timedelta(minutes=5)).isoformat(),
        "Period": 60,
    }
    status, answer = query(server, Action="GetMetricStatistics", Namespace=namespace, MetricName="m", **settings)
    (average,) = answer.iter(f"{NAMESPACE}Average")
    assert (status, average.text) == (200, "2.5")
    status, answer = query(
        server, Action="PutMetricData", Namespace=namespace, **{**datum, "MetricData__member__1__Value": "NaN"}
    )
    assert status == 400
    assert [one.text for one in answer.iter(f"{NAMESPACE}Code")] == ["InvalidParameterValue"]


@pytest.mark.parametrize("compressed", [False, True])
def test_json(server: Server, compressed: bool) -> None:
    namespace = new_name("n")
    target = {
        "Content_Type": "application/x-amz-json-1.0",
        "X_Amz_Target": "GraniteServiceVersion20100801.PutMetricData",
    }
    body = json.dumps({"Namespace": namespace, "MetricData": [{"MetricName": "m", "Value": 1}]}).encode()
    if compressed:
        target["Content_Encoding"] = "gzip"
        body = gzip.compress(body)
    status, _, _ = send(server, "/", body, **target)
    assert status == 200
    assert Reading(server.client("cloudwatch")).values("m", namespace=namespace) == [1.0]


def test_what_is_compressed_is_bounded_and_whole(server: Server) -> None:
    target = {
        "Content_Type": "application/x-amz-json-1.0",
        "X_Amz_Target": "GraniteServiceVersion20100801.PutMetricData",
    }
    bomb = gzip.compress(b" " * (64 << 20))
    for body, wanted in ((bomb, 413), (gzip.compress(b"{}")[:-4], 400), (b"{}", 400)):
        status, _, _ = send(server, "/", body, Content_Encoding="gzip", **target)
        assert status == wanted


def test_the_aws_cli(server: Server, client: Any, reading: Reading) -> None:
    name = create(client, "def handler(event, context): pass")
    for _ in range(3):
        call(client, name)
    wait_for(lambda: reading.sum("Invocations", FunctionName=name) == 3)

    def aws(*arguments: str) -> Any:
        command = [str(Path(sys.executable).with_name("aws")), "--endpoint-url", server.url, "cloudwatch", *arguments]
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
        environment = {**os.environ, **keys, "AWS_PAGER": ""}
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    span = (
        "--start-time",
        (NOW - datetime.timedelta(minutes=30)).isoformat(),
        "--end-time",
        (NOW + datetime.timedelta(minutes=30)).isoformat(),
    )
    metric = (
        "--namespace",
        "AWS/Lambda",
        "--metric-name",
        "Invocations",
        "--dimensions",
        f"Name=FunctionName,Value={name}",
    )
    found = aws("get-metric-statistics", *metric, *span, "--period", "60", "--statistics", "Sum")
    assert sum(point["Sum"] for point in found["Datapoints"]) == 3
    listed = aws("list-metrics", "--namespace", "AWS/Lambda", "--dimensions", f"Name=FunctionName,Value={name}")
    assert {"Invocations", "Errors", "Duration", "Throttles", "ConcurrentExecutions"} <= {
        one["MetricName"] for one in listed["Metrics"]
    }
    alarm = new_name("alarm")
    aws(
        "put-metric-alarm",
        "--alarm-name",
        alarm,
        *metric,
        "--statistic",
        "Sum",
        "--period",
        "60",
        "--evaluation-periods",
        "1",
        "--threshold",
        "1",
        "--comparison-operator",
        "GreaterThanThreshold",
    )
    aws("set-alarm-state", "--alarm-name", alarm, "--state-value", "OK", "--state-reason", "by hand")
    (shown,) = aws("describe-alarms", "--alarm-names", alarm)["MetricAlarms"]
    assert (shown["MetricName"], shown["Threshold"]) == ("Invocations", 1.0)
    history = aws("describe-alarm-history", "--alarm-name", alarm, "--history-item-type", "StateUpdate")
    assert any('"by hand"' in item["HistoryData"] for item in history["AlarmHistoryItems"])
