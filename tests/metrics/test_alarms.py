"""Alarms through the API: what is put is described, evaluated, acts, and survives."""

import datetime
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions import create, new_name
from neighbours import Neighbours
from server import Server
from wait import wait_for

KEEPS = """
import json, pathlib
def handler(event, context):
    print("EVENT " + json.dumps(event))
"""


def minutes_ago(minutes: float) -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=minutes)


def alarm(namespace: str, **more: Any) -> dict[str, Any]:
    return {
        "AlarmName": new_name("alarm"),
        "Namespace": namespace,
        "MetricName": "m",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 5.0,
        "ComparisonOperator": "GreaterThanThreshold",
        **more,
    }


def put_values(client: Any, namespace: str, value: float, minutes: int = 6) -> None:
    """One a minute, of the last few."""
    data = [{"MetricName": "m", "Value": value, "Timestamp": minutes_ago(n)} for n in range(minutes)]
    client.put_metric_data(Namespace=namespace, MetricData=data)


def described(client: Any, name: str) -> dict[str, Any]:
    (found,) = client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    assert isinstance(found, dict)
    return found


def reaches(client: Any, name: str, state: str) -> dict[str, Any]:
    wait_for(lambda: described(client, name)["StateValue"] == state)
    return described(client, name)


def test_what_is_put_is_described(cloudwatch: Any) -> None:
    namespace = new_name("n")
    settings = alarm(
        namespace,
        AlarmDescription="too many",
        Dimensions=[{"Name": "FunctionName", "Value": "f"}],
        EvaluationPeriods=3,
        DatapointsToAlarm=2,
        TreatMissingData="ignore",
        Unit="Count",
        AlarmActions=["arn:aws:sns:us-east-1:000000000000:t"],
    )
    cloudwatch.put_metric_alarm(**settings)
    found = described(cloudwatch, settings["AlarmName"])
    assert {name: found[name] for name in settings} == settings
    assert found["AlarmArn"] == f"arn:aws:cloudwatch:us-east-1:000000000000:alarm:{settings['AlarmName']}"
    assert (found["StateValue"], found["ActionsEnabled"]) == ("INSUFFICIENT_DATA", True)
    assert found["StateReason"] == "Unchecked: Initial alarm creation"
    assert (found["OKActions"], found["InsufficientDataActions"]) == ([], [])
    metric = {"Namespace": namespace, "MetricName": "m", "Dimensions": settings["Dimensions"]}
    assert [one["AlarmName"] for one in cloudwatch.describe_alarms_for_metric(**metric)["MetricAlarms"]] == [
        settings["AlarmName"]
    ]
    assert cloudwatch.describe_alarms_for_metric(**metric, Period=300)["MetricAlarms"] == []
    cloudwatch.put_metric_alarm(**{**settings, "Threshold": 7.0})
    assert described(cloudwatch, settings["AlarmName"])["Threshold"] == 7.0
    cloudwatch.disable_alarm_actions(AlarmNames=[settings["AlarmName"], "nobody"])
    assert not described(cloudwatch, settings["AlarmName"])["ActionsEnabled"]
    cloudwatch.enable_alarm_actions(AlarmNames=[settings["AlarmName"]])
    assert described(cloudwatch, settings["AlarmName"])["ActionsEnabled"]
    cloudwatch.delete_alarms(AlarmNames=[settings["AlarmName"]])
    assert cloudwatch.describe_alarms(AlarmNames=[settings["AlarmName"]])["MetricAlarms"] == []
    with pytest.raises(ClientError, match="ResourceNotFound"):
        cloudwatch.delete_alarms(AlarmNames=[settings["AlarmName"]])
    history = cloudwatch.describe_alarm_history(AlarmName=settings["AlarmName"])["AlarmHistoryItems"]
    kinds = [json.loads(item["HistoryData"])["type"] for item in history]
    assert kinds == ["Delete", "Update", "Update", "Update", "Create"]


def test_pages_and_filters(cloudwatch: Any) -> None:
    prefix = new_name("page")
    for number in range(7):
        cloudwatch.put_metric_alarm(**{**alarm("n"), "AlarmName": f"{prefix}-{number}"})
    cloudwatch.set_alarm_state(AlarmName=f"{prefix}-3", StateValue="ALARM", StateReason="for the test")
    pages = cloudwatch.get_paginator("describe_alarms").paginate(
        AlarmNamePrefix=prefix, PaginationConfig={"PageSize": 3}
    )
    assert [[one["AlarmName"][-1] for one in page["MetricAlarms"]] for page in pages] == [
        ["0", "1", "2"],
        ["3", "4", "5"],
        ["6"],
    ]
    found = cloudwatch.describe_alarms(AlarmNamePrefix=prefix, StateValue="ALARM")["MetricAlarms"]
    assert [one["AlarmName"] for one in found] == [f"{prefix}-3"]
    assert cloudwatch.describe_alarms(AlarmNamePrefix=prefix, AlarmTypes=["CompositeAlarm"])["MetricAlarms"] == []
    items = cloudwatch.get_paginator("describe_alarm_history").paginate(
        AlarmName=f"{prefix}-3", ScanBy="TimestampAscending", PaginationConfig={"PageSize": 1}
    )
    kinds = [item["HistoryItemType"] for page in items for item in page["AlarmHistoryItems"]]
    assert kinds == ["ConfigurationUpdate", "StateUpdate"]


def test_it_is_evaluated_when_it_is_put_and_when_its_threshold_is_another(cloudwatch: Any) -> None:
    namespace = new_name("n")
    put_values(cloudwatch, namespace, 6.0)
    settings = alarm(namespace, EvaluationPeriods=3, DatapointsToAlarm=2)
    cloudwatch.put_metric_alarm(**settings)
    found = reaches(cloudwatch, settings["AlarmName"], "ALARM")
    assert found["StateReason"].startswith("Threshold Crossed: 3 out of the last 3 datapoints [6.0 (")
    data = json.loads(found["StateReasonData"])
    assert (data["statistic"], data["period"], data["threshold"]) == ("Sum", 60, 5.0)
    assert data["recentDatapoints"] == [6.0, 6.0, 6.0]
    cloudwatch.put_metric_alarm(**{**settings, "Threshold": 6.0})
    found = reaches(cloudwatch, settings["AlarmName"], "OK")
    assert "were not greater than the threshold (6.0)" in found["StateReason"]


def test_an_alarm_on_an_expression(cloudwatch: Any) -> None:
    namespace = new_name("n")
    for metric, value in (("errors", 3.0), ("calls", 10.0)):
        data = [{"MetricName": metric, "Value": value, "Timestamp": minutes_ago(n)} for n in range(5)]
        cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)
    metrics: list[dict[str, Any]] = [
        {
            "Id": name,
            "MetricStat": {"Metric": {"Namespace": namespace, "MetricName": metric}, "Period": 60, "Stat": "Sum"},
            "ReturnData": False,
        }
        for name, metric in (("e", "errors"), ("c", "calls"))
    ]
    metrics.append({"Id": "rate", "Expression": "100 * e / c", "Label": "Error rate", "ReturnData": True})
    name = new_name("alarm")
    settings = {"EvaluationPeriods": 2, "Threshold": 25.0, "ComparisonOperator": "GreaterThanOrEqualToThreshold"}
    cloudwatch.put_metric_alarm(AlarmName=name, Metrics=metrics, **settings)
    assert "[30.0 (" in reaches(cloudwatch, name, "ALARM")["StateReason"]
    assert described(cloudwatch, name)["Metrics"] == metrics


def test_what_is_missing_may_breach(cloudwatch: Any) -> None:
    settings = alarm(new_name("n"), ExtendedStatistic="p99", TreatMissingData="breaching")
    del settings["Statistic"]
    cloudwatch.put_metric_alarm(**settings)
    found = reaches(cloudwatch, settings["AlarmName"], "ALARM")
    assert "1 missing datapoint was treated as [Breaching]" in found["StateReason"]


def test_a_topic_and_a_function_are_told_and_the_state_is_durable(tmp_path: Any) -> None:
    neighbours = Neighbours()
    server = Server(tmp_path / "data", *neighbours.arguments()).start()
    client, cloudwatch = server.client(), server.client("cloudwatch")
    queue, url = neighbours.queue(new_name("q"))
    topic = neighbours.client("sns").create_topic(Name=new_name("t"))["TopicArn"]
    neighbours.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    told, untold = create(client, KEEPS), create(client, KEEPS)
    arns = [client.get_function(FunctionName=name)["Configuration"]["FunctionArn"] for name in (told, untold)]
    settings = alarm("App", AlarmActions=[topic, *arns], AlarmDescription="d", Dimensions=[{"Name": "a", "Value": "b"}])
    name = settings["AlarmName"]
    arn = f"arn:aws:cloudwatch:us-east-1:000000000000:alarm:{name}"
    client.add_permission(
        FunctionName=told,
        StatementId="alarm",
        Action="lambda:InvokeFunction",
        Principal="lambda.alarms.cloudwatch.amazonaws.com",
        SourceAccount="000000000000",
        SourceArn=arn,
    )
    cloudwatch.put_metric_alarm(**settings)
    cloudwatch.set_alarm_state(
        AlarmName=name, StateValue="ALARM", StateReason="for the test", StateReasonData='{"a": 1}'
    )

    (message,) = neighbours.receive(url)
    notification = json.loads(message["Body"])
    assert notification["Subject"] == f'ALARM: "{name}" in us-east-1'
    body = json.loads(notification["Message"])
    assert (body["OldStateValue"], body["NewStateValue"], body["NewStateReason"]) == (
        "INSUFFICIENT_DATA",
        "ALARM",
        "for the test",
    )
    assert body["Trigger"]["Dimensions"] == [{"value": "b", "name": "a"}]
    assert (body["Trigger"]["Statistic"], body["Trigger"]["Threshold"]) == ("SUM", 5.0)

    lines = server.wait_for_log(told, "EVENT")
    event = json.loads(next(line for line in lines if "EVENT" in line).partition("EVENT ")[2])
    assert (event["source"], event["alarmArn"], event["accountId"]) == ("aws.cloudwatch", arn, "000000000000")
    data = event["alarmData"]
    assert (data["alarmName"], data["state"]["value"], data["previousState"]["value"]) == (
        name,
        "ALARM",
        "INSUFFICIENT_DATA",
    )
    assert json.loads(data["state"]["reasonData"]) == {"a": 1}
    stat = data["configuration"]["metrics"][0]["metricStat"]
    assert stat == {
        "metric": {"namespace": "App", "name": "m", "dimensions": {"a": "b"}},
        "period": 60,
        "stat": "Sum",
    }
    history = cloudwatch.describe_alarm_history(AlarmName=name, HistoryItemType="Action")["AlarmHistoryItems"]
    assert sorted(item["HistorySummary"].split(" arn")[0] for item in history) == [
        "Failed to execute action",
        "Successfully executed action",
        "Successfully executed action",
    ]
    assert not any("EVENT" in line for line in server.function_log(untold)), "its policy lets no alarm in"
    before = described(cloudwatch, name)
    server.kill()
    cloudwatch = server.start().client("cloudwatch")
    assert described(cloudwatch, name) == before
    assert server.stop() == 0
    neighbours.stop()


def test_nothing_is_done_when_actions_are_disabled_or_the_state_stays(
    client: Any, server: Server, cloudwatch: Any
) -> None:
    function = create(client, KEEPS)
    arn = client.get_function(FunctionName=function)["Configuration"]["FunctionArn"]
    client.add_permission(
        FunctionName=function,
        StatementId="alarm",
        Action="lambda:InvokeFunction",
        Principal="lambda.alarms.cloudwatch.amazonaws.com",
    )
    settings = alarm("n", AlarmActions=[arn], ActionsEnabled=False)
    name = settings["AlarmName"]
    cloudwatch.put_metric_alarm(**settings)
    for state in ("ALARM", "OK"):
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="quiet")
    cloudwatch.enable_alarm_actions(AlarmNames=[name])
    for reason in ("loud", "again"):
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason=reason)
    assert described(cloudwatch, name)["StateReason"] == "again"
    server.wait_for_log(function, "EVENT")
    actions = cloudwatch.describe_alarm_history(AlarmName=name, HistoryItemType="Action")["AlarmHistoryItems"]
    assert len(actions) == 1
    (line,) = [line for line in server.function_log(function) if "EVENT" in line]
    assert '"loud"' in line


def test_tags(cloudwatch: Any) -> None:
    settings = alarm("n", Tags=[{"Key": "a", "Value": "1"}])
    cloudwatch.put_metric_alarm(**settings)
    arn = described(cloudwatch, settings["AlarmName"])["AlarmArn"]
    cloudwatch.tag_resource(ResourceARN=arn, Tags=[{"Key": "b", "Value": "2"}])
    cloudwatch.put_metric_alarm(**{**settings, "Tags": [{"Key": "c", "Value": "3"}]})
    cloudwatch.untag_resource(ResourceARN=arn, TagKeys=["a"])
    assert cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        cloudwatch.list_tags_for_resource(ResourceARN=arn + "x")
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        cloudwatch.tag_resource(ResourceARN="arn:aws:sns:us-east-1:000000000000:t", Tags=[])


ON_A_QUERY = dict.fromkeys(("Namespace", "MetricName", "Statistic", "Period"))


def query(dimensions: list[dict[str, str]]) -> dict[str, Any]:
    metric = {"Namespace": "n", "MetricName": "m", "Dimensions": dimensions}
    return {"Id": "a", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}


def without_none(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


def test_names_that_may_be(cloudwatch: Any) -> None:
    dimensions = [{"Name": "d: #1", "Value": ":v "}]
    name = new_name("größe")
    cloudwatch.put_metric_alarm(**without_none(alarm("n", **ON_A_QUERY, AlarmName=name, Metrics=[query(dimensions)])))
    assert described(cloudwatch, name)["Metrics"][0]["MetricStat"]["Metric"]["Dimensions"] == dimensions
    cloudwatch.delete_alarms(AlarmNames=[name])


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"Threshold": None}, "MissingParameter"),
        ({"Statistic": None}, "MissingParameter"),
        ({"Namespace": None}, "MissingParameter"),
        ({"ExtendedStatistic": "p99"}, "InvalidParameterCombination"),
        ({"Statistic": None, "ExtendedStatistic": "p101"}, "ValidationError"),
        ({"Period": 45}, "ValidationError"),
        ({"EvaluationPeriods": 1441}, "ValidationError"),
        ({"DatapointsToAlarm": 2}, "ValidationError"),
        ({"TreatMissingData": "maybe"}, "ValidationError"),
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "ValidationError"),
        ({"ThresholdMetricId": "a"}, "ValidationError"),
        ({"Metrics": [{"Id": "a", "Expression": "1"}]}, "InvalidParameterCombination"),
        ({"AlarmName": "a\x01b"}, "ValidationError"),
        ({"MetricName": "ü"}, "ValidationError"),
        ({"Dimensions": [{"Name": ":d", "Value": "v"}]}, "ValidationError"),
        ({**ON_A_QUERY, "Metrics": [query([{"Name": "d", "Value": "\t"}])]}, "ValidationError"),
        ({"Tags": [{"Key": str(number), "Value": ""} for number in range(51)]}, "ValidationError"),
    ],
)
def test_alarms_that_are_refused(cloudwatch: Any, more: dict[str, Any], code: str) -> None:
    settings = without_none(alarm("n", **more))
    with pytest.raises(ClientError) as refused:
        cloudwatch.put_metric_alarm(**settings)
    assert refused.value.response["Error"]["Code"] == code
    assert cloudwatch.describe_alarms(AlarmNames=[settings["AlarmName"]])["MetricAlarms"] == []


def test_states_that_are_refused(cloudwatch: Any) -> None:
    settings = alarm("n")
    cloudwatch.put_metric_alarm(**settings)
    state = {"StateValue": "OK", "StateReason": "r"}
    with pytest.raises(ClientError, match="ResourceNotFound"):
        cloudwatch.set_alarm_state(AlarmName="nobody", **state)
    with pytest.raises(ClientError, match="InvalidFormat"):
        cloudwatch.set_alarm_state(AlarmName=settings["AlarmName"], StateReasonData="{", **state)
