"""Events reach what rules send them to, as AWS shapes them; what a target does not take is in its dead-letter queue."""

import datetime
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rules import ACCOUNT, EVENTS, Queue, attributes_of, put, rule_of

from free_ports import free_ports
from functions import call, create, new_name
from refusals import refused
from server import Server
from told import Telling
from wait import wait_for

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}
NOON = datetime.datetime(2026, 1, 2, 12, 0, 0, 999_000, tzinfo=datetime.UTC)


def test_the_event_document(server: Server, events: Any) -> None:
    queue = Queue(server)
    source = new_name("source")
    rule_of(events, {"source": [source], "detail": {"sum": [{"numeric": [">", 5]}]}}, {"Arn": queue.arn})
    put(events, source, {"sum": 5})
    detail = {"sum": 7, "name": "ü", "rate": 1.0}
    number = put(events, source, detail, Time=NOON, Resources=["arn:aws:s3:::b"], TraceHeader="Root=1-2-3")
    message = queue.message()
    assert message["Attributes"]["AWSTraceHeader"] == "Root=1-2-3"
    assert message["Body"] == json.dumps(
        {
            "version": "0",
            "id": number,
            "detail-type": "told",
            "source": source,
            "account": ACCOUNT,
            "time": "2026-01-02T12:00:00Z",
            "region": "us-east-1",
            "resources": ["arn:aws:s3:::b"],
            "detail": detail,
        },
        separators=(",", ":"),
        ensure_ascii=False,
    )
    assert queue.empty()


def test_targets_are_passed_the_request_s_trace_header(server: Server) -> None:
    """As the SDKs in functions send it. An entry's own wins."""
    events, queue, source = server.client("events"), Queue(server), new_name("source")
    rule_of(events, {"source": [source]}, {"Arn": queue.arn})

    def add(request: Any, **_: Any) -> None:
        request.headers["X-Amzn-Trace-Id"] = "Root=1-4-5"

    events.meta.events.register_first("before-sign.events.PutEvents", add)
    for given, passed_on in (({}, "Root=1-4-5"), ({"TraceHeader": "Root=1-2-3"}, "Root=1-2-3")):
        put(events, source, {}, **given)
        assert queue.message()["Attributes"]["AWSTraceHeader"] == passed_on


def test_entries_are_taken_or_refused_for_themselves(server: Server, events: Any) -> None:
    queue, source = Queue(server), new_name("source")
    rule_of(events, {"source": [source]}, {"Arn": queue.arn})
    good = {"Source": source, "DetailType": "d", "Detail": "{}"}
    entries = [
        good,
        {**good, "Detail": "[]"},
        {**good, "Detail": "{"},
        {**good, "Source": "aws.s3"},
        *({name: value for name, value in good.items() if name != left} for left in good),
        {**good, "EventBusName": new_name("nowhere")},
    ]
    answer = events.put_events(Entries=entries)
    assert answer["FailedEntryCount"] == 6
    required = "Parameter {0} is not valid. Reason: {0} is a required argument."
    assert [entry.get("ErrorMessage") for entry in answer["Entries"]] == [
        None,
        "Detail is malformed.",
        "Detail is malformed.",
        "Not authorized for the source.",
        *(required.format(name) for name in ("Source", "DetailType", "Detail")),
        None,
    ]
    codes = {entry.get("ErrorCode") for entry in answer["Entries"]}
    assert codes == {None, "MalformedDetail", "NotAuthorizedForSourceException", "InvalidArgument"}
    assert queue.body()["id"] == answer["Entries"][0]["EventId"]
    assert queue.empty()


def test_a_request_has_its_limits(events: Any) -> None:
    entry = {"Source": "s", "DetailType": "d", "Detail": json.dumps({"x": "y" * 600_000})}
    over = "Total size of the entries in the request is over the limit."
    assert refused(events.put_events, Entries=[entry, entry]) == ("ValidationException", 400, over)
    assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0
    code, _, message = refused(events.put_events, Entries=[{**entry, "Detail": "{}"}] * 11)
    assert code == "ValidationException"
    assert message.endswith(
        "at 'entries' failed to satisfy constraint: Member must have length less than or equal to 10"
    )


def test_a_function(server: Server, events: Any) -> None:
    function, source = Telling(server), new_name("source")
    rule = rule_of(events, {"source": [source]}, {"Arn": function.arn})
    function.permit("events.amazonaws.com", f"{EVENTS}:rule/{rule}")
    number = put(events, source, {"a": 1})
    event = function.next()
    assert (event["id"], event["detail"]) == (number, {"a": 1})


def test_a_function_that_does_not_allow_it(server: Server, events: Any) -> None:
    """By the rule's own ARN."""
    dead, source = Queue(server), new_name("source")
    client = server.client()
    name = create(client, "def handler(event, context):\n    return event\n")
    arn = client.get_function_configuration(FunctionName=name)["FunctionArn"]
    letter = {"DeadLetterConfig": {"Arn": dead.arn}, "InputPath": "$.detail"}
    rule = rule_of(events, {"source": [source]}, {"Arn": arn, **letter}, {"Arn": f"{arn}-gone", **letter})
    client.add_permission(
        FunctionName=name,
        StatementId="other",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=f"{EVENTS}:rule/other",
    )
    number = put(events, source, {"a": 1})
    letters = {attributes_of(one)["TARGET_ARN"]: one for one in (dead.message(), dead.message())}
    assert json.loads(letters[arn]["Body"])["id"] == number
    assert attributes_of(letters[arn]) == {
        "RULE_ARN": f"{EVENTS}:rule/{rule}",
        "TARGET_ARN": arn,
        "ERROR_CODE": "NO_PERMISSIONS",
        "ERROR_MESSAGE": "User: events.amazonaws.com is not authorized to perform: lambda:InvokeFunction on resource: "
        f"{arn} because no resource-based policy allows the lambda:InvokeFunction action",
        "RETRY_ATTEMPTS": "0",
    }
    assert attributes_of(letters[f"{arn}-gone"])["ERROR_CODE"] == "NO_RESOURCE"


def test_what_a_queue_is_given(server: Server, events: Any) -> None:
    source = new_name("source")
    plain, fifo = (
        Queue(server),
        Queue(server, f"{new_name('q')}.fifo", FifoQueue="true", ContentBasedDeduplication="true"),
    )
    template = (
        '{"who": <who>, "text": "<who> of <aws.events.rule-name>", "none": <none>, "all": <aws.events.event.json>}'
    )
    transformer = {"InputPathsMap": {"who": "$.detail.who", "none": "$.detail.none"}, "InputTemplate": template}
    group = {"SqsParameters": {"MessageGroupId": "g"}}
    rule = rule_of(
        events,
        {"source": [source]},
        {"Arn": fifo.arn, "InputPath": "$.detail.who", **group},
        {"Arn": plain.arn, "InputTransformer": transformer},
    )
    number = put(events, source, {"who": 'a "b"'})
    message = fifo.message()
    assert (message["Body"], message["Attributes"]["MessageGroupId"]) == ('"a \\"b\\""', "g")
    body = plain.body()
    assert body["all"]["id"] == number
    del body["all"]
    assert body == {"who": 'a "b"', "text": f'a "b" of {rule}', "none": ""}


def test_another_bus_and_no_further(server: Server, events: Any) -> None:
    """From bus to bus once: a third gets nothing, and neither does the first again."""
    source, queue = new_name("source"), Queue(server)
    first, second, third = (new_name("bus") for _ in range(3))
    arns = [events.create_event_bus(Name=bus)["EventBusArn"] for bus in (first, second, third)]
    rule_of(events, {"source": [source]}, {"Arn": arns[1]}, bus=first)
    onwards = [{"Arn": arns[2]}, {"Arn": arns[0]}, {"Arn": queue.arn, "InputPath": "$.id"}]
    rule_of(events, {"source": [source]}, *onwards, bus=second)
    rule_of(events, {"source": [source]}, {"Arn": queue.arn}, bus=third)
    numbers = [put(events, source, {}, EventBusName=bus) for bus in (first, arns[0])]
    assert sorted(queue.bodies(2)) == sorted(numbers)
    assert queue.empty()


def test_another_accounts_bus_asks_its_policy(server: Server, events: Any) -> None:
    source, bus, queue = new_name("source"), new_name("bus"), Queue(server)
    arn = events.create_event_bus(Name=bus)["EventBusArn"]
    rule_of(events, {"source": [source]}, {"Arn": queue.arn}, bus=bus)
    other = server.client("events", account="222222222222")
    entry = {"Source": source, "DetailType": "d", "Detail": "{}", "EventBusName": arn}
    (answer,) = other.put_events(Entries=[entry])["Entries"]
    assert answer["ErrorCode"] == "AccessDeniedException"
    events.put_permission(EventBusName=bus, Action="events:PutEvents", Principal="222222222222", StatementId="s")
    assert other.put_events(Entries=[entry])["FailedEntryCount"] == 0
    assert queue.body()["account"] == "222222222222"


def test_a_log_group(server: Server, events: Any) -> None:
    source, group = new_name("source"), f"/aws/events/{new_name()}"
    logs = server.client("logs")
    logs.create_log_group(logGroupName=group)
    rule_of(events, {"source": [source]}, {"Arn": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{group}:*"})
    number = put(events, source, {})
    found: list[str] = []

    def there() -> bool:
        found[:] = [event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]]
        return bool(found)

    wait_for(there)
    assert [json.loads(message)["id"] for message in found] == [number]


def test_a_queue_that_is_not_there(server: Server, events: Any) -> None:
    source, dead = new_name("source"), Queue(server)
    gone = f"{dead.arn}-gone"
    letter = {"DeadLetterConfig": {"Arn": dead.arn}}
    nothing_takes_it = "arn:aws:glue:us-east-1:000000000000:workflow/w"
    rule_of(events, {"source": [source]}, {"Arn": gone, **letter}, {"Arn": nothing_takes_it, **letter})
    put(events, source, {})
    found = {attributes_of(one)["TARGET_ARN"]: attributes_of(one) for one in (dead.message(), dead.message())}
    assert (found[gone]["ERROR_CODE"], found[gone]["RETRY_ATTEMPTS"]) == ("NO_RESOURCE", "0")
    assert "EXHAUSTED_RETRY_CONDITION" not in found[gone]
    assert found[nothing_takes_it]["ERROR_MESSAGE"] == "glue is no service that takes it"


@pytest.mark.parametrize(
    ("policy", "condition", "attempts"),
    [
        ({"MaximumRetryAttempts": 1}, "MaximumRetryAttempts", "1"),
        ({"MaximumRetryAttempts": 0}, "MaximumRetryAttempts", "0"),
    ],
)
def test_out_of_reach_until_the_policy_is_exhausted(
    unreachable: Server, policy: dict[str, int], condition: str, attempts: str
) -> None:
    events = unreachable.client("events")
    source, dead = new_name("source"), Queue(unreachable)
    target = {"Arn": f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/s", "RetryPolicy": policy}
    rule_of(events, {"source": [source]}, {**target, "DeadLetterConfig": {"Arn": dead.arn}})
    put(events, source, {})
    found = attributes_of(dead.message())
    assert (found["EXHAUSTED_RETRY_CONDITION"], found["RETRY_ATTEMPTS"]) == (condition, attempts)
    assert found["ERROR_CODE"] == "CONNECTION_FAILURE"


@pytest.fixture(scope="module")
def unreachable(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A server whose streams are at a port that nobody listens on."""
    endpoint = f"kinesis=http://127.0.0.1:{free_ports(1)}"
    running = Server(tmp_path_factory.mktemp("unreachable") / "data", "--endpoint", endpoint).start()
    yield running
    assert running.stop() == 0


# --- Who else puts events ---------------------------------------------------------------------------------------------


def test_what_became_of_an_invocation(server: Server, events: Any) -> None:
    """A bus of ours as destination, without any endpoint being named."""
    queue, client = Queue(server), server.client()
    name = create(client, "def handler(event, context):\n    return {'seen': event}\n")
    arn = client.get_function_configuration(FunctionName=name)["FunctionArn"]
    rule_of(events, {"source": ["lambda"], "resources": [{"prefix": arn}]}, {"Arn": queue.arn})
    bus = f"{EVENTS}:event-bus/default"
    client.put_function_event_invoke_config(FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": bus}})
    call(client, name, {"a": 1}, InvocationType="Event")
    event = queue.body()
    assert (event["source"], event["detail-type"]) == ("lambda", "Lambda Function Invocation Result - Success")
    assert event["resources"] == [bus, f"{arn}:$LATEST"]
    assert event["detail"]["responsePayload"] == {"seen": {"a": 1}}


def test_an_alarm_that_changes_its_state(server: Server, events: Any) -> None:
    queue, cloudwatch, name = Queue(server), server.client("cloudwatch"), new_name("alarm")
    rule_of(events, {"source": ["aws.cloudwatch"], "detail": {"alarmName": [name]}}, {"Arn": queue.arn})
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="App",
        MetricName="m",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="by hand")
    event = queue.body()
    arn = f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:{name}"
    assert (event["detail-type"], event["resources"]) == ("CloudWatch Alarm State Change", [arn])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["time"])
    detail = event["detail"]
    assert (detail["state"]["value"], detail["previousState"]["value"]) == ("ALARM", "INSUFFICIENT_DATA")
    assert detail["configuration"]["metrics"][0]["metricStat"]["metric"]["name"] == "m"


def test_the_aws_cli(server: Server, events: Any, tmp_path: Path) -> None:
    def run(*arguments: str) -> Any:
        environment = {**os.environ, "AWS_ENDPOINT_URL": server.url, "AWS_PAGER": "", **CREDENTIALS}
        command = [str(Path(sys.executable).parent / "aws"), "events", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    queue, rule, source = Queue(server), new_name("rule"), new_name("source")
    run("put-rule", "--name", rule, "--event-pattern", json.dumps({"source": [source]}))
    assert run("put-targets", "--rule", rule, "--targets", f"Id=1,Arn={queue.arn}")["FailedEntryCount"] == 0
    entries = tmp_path / "entries.json"
    entries.write_text(json.dumps([{"Source": source, "DetailType": "d", "Detail": '{"a": 1}'}]))
    answer = run("put-events", "--entries", f"file://{entries}")
    assert queue.body()["id"] == answer["Entries"][0]["EventId"]


def test_what_is_another_accounts(server: Server, events: Any) -> None:
    """Its queue is sent nothing, and its buses, rules and archives are not for us to change."""
    source, dead = new_name("source"), Queue(server)
    other = dead.arn.replace(ACCOUNT, "222222222222")
    rule_of(events, {"source": [source]}, {"Arn": other, "DeadLetterConfig": {"Arn": dead.arn}})
    put(events, source, {})
    assert attributes_of(dead.message())["ERROR_CODE"] == "NO_PERMISSIONS"
    bus = f"{EVENTS}:event-bus/default".replace(ACCOUNT, "222222222222")
    pattern = '{"source": ["s"]}'
    assert refused(events.put_rule, Name="r", EventBusName=bus, EventPattern=pattern)[0] == "AccessDeniedException"
    assert refused(events.create_archive, ArchiveName="a", EventSourceArn=bus)[0] == "AccessDeniedException"
    assert refused(events.list_tags_for_resource, ResourceARN=bus)[0] == "AccessDeniedException"
