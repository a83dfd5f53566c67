"""PutMetricData and what is read of it: GetMetricStatistics, GetMetricData, ListMetrics."""

import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions import new_name
from metric_reading import Reading
from server import Server

NOW = datetime.datetime.now(datetime.UTC).replace(second=0, microsecond=0)


def minutes_ago(minutes: float) -> datetime.datetime:
    return NOW - datetime.timedelta(minutes=minutes)


def statistics(client: Any, namespace: str, metric: str = "m", **more: Any) -> list[dict[str, Any]]:
    settings = {"StartTime": minutes_ago(60), "EndTime": minutes_ago(-60), "Period": 60, **more}
    answer = client.get_metric_statistics(Namespace=namespace, MetricName=metric, **settings)
    assert answer["Label"] == metric
    return sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])


ALL = ["SampleCount", "Average", "Sum", "Minimum", "Maximum"]


def test_a_value_values_with_counts_and_a_statistic_set(cloudwatch: Any) -> None:
    namespace = new_name("n")
    at = minutes_ago(5)
    data: list[dict[str, Any]] = [
        {"Value": 4.0},
        {"Values": [1.0, 2.0], "Counts": [3.0, 2.0]},
        {"StatisticValues": {"SampleCount": 2, "Sum": 30, "Minimum": 10, "Maximum": 20}},
    ]
    for datum in data:
        cloudwatch.put_metric_data(Namespace=namespace, MetricData=[{"MetricName": "m", "Timestamp": at, **datum}])
    (point,) = statistics(cloudwatch, namespace, Statistics=ALL)
    assert point["Timestamp"] == at
    assert point["Unit"] == "None"
    assert [point[name] for name in ALL] == [8, 41 / 8, 41, 1, 20]
    (point,) = statistics(cloudwatch, namespace, ExtendedStatistics=["p50"])
    assert "p50" not in point["ExtendedStatistics"], "of an unlike statistic set there are no percentiles"


def test_percentiles(cloudwatch: Any) -> None:
    namespace = new_name("n")
    values = [float(n) for n in range(1, 101)]
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=[{"MetricName": "m", "Values": values}])
    (point,) = statistics(cloudwatch, namespace, ExtendedStatistics=["p50", "p90", "p99", "p99.99"])
    assert point["ExtendedStatistics"] == {"p50": 50, "p90": 90, "p99": 99, "p99.99": 100}


def test_units_are_apart_until_nobody_asks_for_one(cloudwatch: Any) -> None:
    namespace = new_name("n")
    data = [{"MetricName": "m", "Value": value, "Unit": unit} for value, unit in ((1, "Seconds"), (5, "Bytes"))]
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)
    found = statistics(cloudwatch, namespace, Statistics=["Sum"])
    assert {(point["Unit"], point["Sum"]) for point in found} == {("Seconds", 1), ("Bytes", 5)}
    assert [point["Sum"] for point in statistics(cloudwatch, namespace, Statistics=["Sum"], Unit="Bytes")] == [5]
    assert statistics(cloudwatch, namespace, Statistics=["Sum"], Unit="Percent") == []
    assert Reading(cloudwatch).values("m", namespace=namespace) == [6]
    assert len(cloudwatch.list_metrics(Namespace=namespace)["Metrics"]) == 1


def test_metric_math(cloudwatch: Any) -> None:
    namespace = new_name("n")
    for metric, values in (("errors", (1, 0, 3)), ("calls", (10, 20, 30))):
        for number, value in enumerate(values):
            datum = {"MetricName": metric, "Value": value, "Timestamp": minutes_ago(10 - number)}
            cloudwatch.put_metric_data(Namespace=namespace, MetricData=[datum])

    def stat(name: str, metric: str) -> dict[str, Any]:
        of = {"Metric": {"Namespace": namespace, "MetricName": metric}, "Period": 60, "Stat": "Sum"}
        return {"Id": name, "MetricStat": of, "ReturnData": False}

    def ask(expression: str) -> Any:
        queries = [stat("e", "errors"), stat("c", "calls"), {"Id": "x", "Expression": expression, "Label": "X"}]
        span = {"StartTime": minutes_ago(20), "EndTime": minutes_ago(0), "ScanBy": "TimestampAscending"}
        return cloudwatch.get_metric_data(MetricDataQueries=queries, **span)["MetricDataResults"]

    (result,) = ask("100 * e / c")
    assert (result["Id"], result["Label"], result["Values"]) == ("x", "X", [10, 0, 10])
    assert result["Timestamps"] == [minutes_ago(10), minutes_ago(9), minutes_ago(8)]
    assert ask("SUM(METRICS())")[0]["Values"] == [11, 20, 33]
    assert [result["Values"] for result in ask("METRICS()")] == [[1, 0, 3], [10, 20, 30]]
    for expression in ("SEARCH('{a} b', 'Sum')", "e +", "nothing + 1", "SUM(e)"):
        with pytest.raises(ClientError, match=r"ValidationError.*Error in expression 'x'"):
            ask(expression)


def test_pages_of_get_metric_data(cloudwatch: Any) -> None:
    namespace = new_name("n")
    names = [f"m{number}" for number in range(3)]
    for name in names:
        data = [{"MetricName": name, "Value": n, "Timestamp": minutes_ago(50 - n)} for n in range(7)]
        cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)
    queries = [
        {
            "Id": name,
            "MetricStat": {"Metric": {"Namespace": namespace, "MetricName": name}, "Period": 60, "Stat": "Sum"},
        }
        for name in names
    ]
    settings = {"MetricDataQueries": queries, "StartTime": minutes_ago(60), "EndTime": NOW, "MaxDatapoints": 4}
    pages = list(cloudwatch.get_paginator("get_metric_data").paginate(**settings, ScanBy="TimestampAscending"))
    assert len(pages) == 6
    assert all(sum(len(one["Values"]) for one in page["MetricDataResults"]) <= 4 for page in pages)
    found: dict[str, list[float]] = {}
    for page in pages:
        for result in page["MetricDataResults"]:
            found.setdefault(result["Id"], []).extend(result["Values"])
    assert found == {name: [float(n) for n in range(7)] for name in names}
    whole = cloudwatch.get_metric_data(**{**settings, "MaxDatapoints": 100})["MetricDataResults"]
    assert [one["Values"] for one in whole] == [[6, 5, 4, 3, 2, 1, 0]] * 3, "the newest first"


def test_list_metrics_by_name_dimension_and_page(cloudwatch: Any) -> None:
    namespace = new_name("n")
    data = [
        {
            "MetricName": f"m{n % 2}",
            "Value": 1,
            "Dimensions": [{"Name": "N", "Value": str(n)}, {"Name": "A", "Value": "a"}],
        }
        for n in range(1100)
    ]
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=data[:1000])
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=data[1000:])
    pages = list(cloudwatch.get_paginator("list_metrics").paginate(Namespace=namespace))
    assert [len(page["Metrics"]) for page in pages] == [500, 500, 100]
    assert len({str(metric) for page in pages for metric in page["Metrics"]}) == 1100
    one = cloudwatch.list_metrics(Namespace=namespace, MetricName="m1", Dimensions=[{"Name": "N", "Value": "7"}])
    dimensions = [{"Name": "A", "Value": "a"}, {"Name": "N", "Value": "7"}]
    assert one["Metrics"] == [{"Namespace": namespace, "MetricName": "m1", "Dimensions": dimensions}]
    recent = cloudwatch.list_metrics(Namespace=namespace, Dimensions=[{"Name": "A"}], RecentlyActive="PT3H")
    assert len(recent["Metrics"]) == 500
    assert cloudwatch.list_metrics(Namespace=namespace, Dimensions=[{"Name": "B"}])["Metrics"] == []


def test_what_is_answered_is_on_disk(own_server: Server) -> None:
    client = own_server.start().client("cloudwatch")
    for number in range(5):
        client.put_metric_data(Namespace="App", MetricData=[{"MetricName": "m", "Value": number}])
        own_server.kill()
        client = own_server.start().client("cloudwatch")
        assert Reading(client).sum("m", namespace="App") == sum(range(number + 1))


def of_dimension(name: str, value: str) -> dict[str, Any]:
    return {"Value": 1, "Dimensions": [{"Name": name, "Value": value}]}


@pytest.mark.parametrize(
    ("datum", "code", "says"),
    [
        ({"Timestamp": minutes_ago(15 * 1440), "Value": 1}, "InvalidParameterValue", "within the last two weeks"),
        ({"Timestamp": minutes_ago(-1440), "Value": 1}, "InvalidParameterValue", "two hours in the future"),
        ({}, "MissingParameter", "MetricData.member.1.Value is required"),
        ({"Value": 1, "Values": [1]}, "InvalidParameterCombination", "mutually exclusive"),
        ({"Value": 2.0**361}, "InvalidParameterValue", "MetricData.member.1.Value"),
        ({"Values": [1, 2], "Counts": [1]}, "InvalidParameterValue", "of the same size"),
        ({"Values": [1.0] * 151}, "InvalidParameterValue", "size greater than 150"),
        ({"Values": [1], "Counts": [0]}, "InvalidParameterValue", "Counts.member.1"),
        ({"Value": 1, "StorageResolution": 30}, "InvalidParameterValue", "StorageResolution"),
        ({"Value": 1, "Unit": "Apples"}, "ValidationError", "Apples"),
        (
            {"StatisticValues": {"SampleCount": 0, "Sum": 0, "Minimum": 0, "Maximum": 0}},
            "InvalidParameterValue",
            "SampleCount",
        ),
        ({"Value": 1, "MetricName": "ü"}, "InvalidParameterValue", "member.1.MetricName contains non-ASCII"),
        (of_dimension(":d", "v"), "InvalidParameterValue", "Dimensions.member.1.Name begins with a colon"),
        (of_dimension(" ", "v"), "InvalidParameterValue", "Dimensions.member.1.Name contains only whitespace"),
        (of_dimension("d\x03", "v"), "InvalidParameterValue", "Dimensions.member.1.Name contains ASCII control"),
        (of_dimension("d", "ü"), "InvalidParameterValue", "Dimensions.member.1.Value contains non-ASCII"),
        (of_dimension("d", " "), "InvalidParameterValue", "Dimensions.member.1.Value contains only whitespace"),
        (of_dimension("d", "v\n"), "InvalidParameterValue", "Dimensions.member.1.Value contains ASCII control"),
    ],
)
def test_data_that_are_refused(cloudwatch: Any, datum: dict[str, Any], code: str, says: str) -> None:
    namespace = new_name("n")
    with pytest.raises(ClientError, match=says) as refused:
        cloudwatch.put_metric_data(Namespace=namespace, MetricData=[{"MetricName": "m", **datum}])
    assert refused.value.response["Error"]["Code"] == code
    assert cloudwatch.list_metrics(Namespace=namespace)["Metrics"] == []


def test_requests_that_are_refused(cloudwatch: Any) -> None:
    datum = {"MetricName": "m", "Value": 1}
    stat = {"Metric": {"Namespace": "n", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}
    span = {"StartTime": minutes_ago(10), "EndTime": NOW}
    day = {"StartTime": minutes_ago(1440 * 2), "EndTime": NOW}
    one = {"Id": "a", "MetricStat": stat}
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("put_metric_data", {"Namespace": "AWS/Lambda", "MetricData": [datum]}, "InvalidParameterValue"),
        ("put_metric_data", {"Namespace": "ü", "MetricData": [datum]}, "InvalidParameterValue"),
        ("put_metric_data", {"Namespace": "n", "MetricData": [datum] * 1001}, "InvalidParameterValue"),
        ("put_metric_data", {"Namespace": "n", "MetricData": []}, "MissingParameter"),
        ("get_metric_data", {"MetricDataQueries": [{"Id": "A", "MetricStat": stat}], **span}, "ValidationError"),
        ("get_metric_data", {"MetricDataQueries": [one, one], **span}, "ValidationError"),
        ("get_metric_data", {"MetricDataQueries": [{"Id": "a"}], **span}, "ValidationError"),
        ("get_metric_data", {"MetricDataQueries": [one] * 501, **span}, "ValidationError"),
        ("get_metric_data", {"MetricDataQueries": [one], "StartTime": NOW, "EndTime": NOW}, "ValidationError"),
        ("get_metric_data", {"MetricDataQueries": [one], "NextToken": "?", **span}, "InvalidNextToken"),
        ("list_metrics", {"NextToken": "?"}, "InvalidNextToken"),
        ("get_metric_statistics", {**stat_of(Period=60), **span}, "MissingParameter"),
        ("get_metric_statistics", {**stat_of(Period=61, Statistics=["Sum"]), **span}, "InvalidParameterValue"),
        ("get_metric_statistics", {**stat_of(Period=60, Statistics=["Sum"]), **day}, "InvalidParameterCombination"),
        ("get_metric_statistics", {**stat_of(Period=60, ExtendedStatistics=["p101"]), **span}, "InvalidParameterValue"),
        ("put_dashboard", {"DashboardName": "d", "DashboardBody": "{}"}, "InvalidParameterValue"),
        ("put_composite_alarm", {"AlarmName": "d", "AlarmRule": "TRUE"}, "InvalidParameterValue"),
    ]
    for operation, request, code in cases:
        with pytest.raises(ClientError) as refused:
            getattr(cloudwatch, operation)(**request)
        assert refused.value.response["Error"]["Code"] == code, (operation, request)


def stat_of(**more: Any) -> dict[str, Any]:
    return {"Namespace": "n", "MetricName": "m", **more}
