"""Buses, rules, targets, permissions and tags: made, found, listed, changed, refused."""

import json
from typing import Any

import pytest
from rules import ACCOUNT, EVENTS, rule_of

from functions import new_name
from refusals import refused, violation

QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:any"
PATTERN = json.dumps({"source": ["any"]})


def without_metadata(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def invalid(message: str) -> tuple[str, int, str]:
    return "ValidationException", 400, message


# --- Buses ------------------------------------------------------------------------------------------------------------


def test_a_bus_is_made_found_changed_and_deleted(events: Any) -> None:
    name = new_name("bus")
    arn = events.create_event_bus(Name=name, Description="mine")["EventBusArn"]
    assert arn == f"{EVENTS}:event-bus/{name}"
    for named in (name, arn):
        found = events.describe_event_bus(Name=named)
        assert (found["Name"], found["Arn"], found["Description"]) == (name, arn, "mine")
        assert "Policy" not in found
    assert events.update_event_bus(Name=name, Description="ours")["Arn"] == arn
    (listed,) = events.list_event_buses(NamePrefix=name)["EventBuses"]
    assert listed["Description"] == "ours"
    assert listed["LastModifiedTime"] >= listed["CreationTime"]
    events.delete_event_bus(Name=name)
    events.delete_event_bus(Name=name)
    assert events.list_event_buses(NamePrefix=name)["EventBuses"] == []
    missing = ("ResourceNotFoundException", 400, f"Event bus {name} does not exist.")
    assert refused(events.describe_event_bus, Name=name) == missing
    assert refused(events.put_rule, Name="r", EventBusName=name, EventPattern=PATTERN) == missing
    assert refused(events.list_rules, EventBusName=name) == missing


def test_the_default_bus_is_always_there(events: Any) -> None:
    assert events.describe_event_bus()["Arn"] == f"{EVENTS}:event-bus/default"
    assert "default" in {bus["Name"] for bus in events.list_event_buses()["EventBuses"]}
    assert refused(events.delete_event_bus, Name="default") == invalid("Cannot delete event bus default.")
    taken = ("ResourceAlreadyExistsException", 400, "Event bus default already exists.")
    assert refused(events.create_event_bus, Name="default") == taken


def test_a_bus_with_rules_stays(events: Any) -> None:
    bus = new_name("bus")
    events.create_event_bus(Name=bus)
    taken = ("ResourceAlreadyExistsException", 400, f"Event bus {bus} already exists.")
    assert refused(events.create_event_bus, Name=bus) == taken
    rule = rule_of(events, {"source": ["x"]}, bus=bus)
    assert refused(events.delete_event_bus, Name=bus)[0] == "ValidationException"
    events.delete_rule(Name=rule, EventBusName=bus)
    events.delete_event_bus(Name=bus)


def test_lists_come_in_pages(events: Any) -> None:
    bus = new_name("bus")
    events.create_event_bus(Name=bus)
    for number in range(5):
        events.put_rule(Name=f"r{number}", EventBusName=bus, EventPattern=PATTERN)
    first = events.list_rules(EventBusName=bus, Limit=3)
    rest = events.list_rules(EventBusName=bus, Limit=3, NextToken=first["NextToken"])
    assert [rule["Name"] for rule in (*first["Rules"], *rest["Rules"])] == ["r0", "r1", "r2", "r3", "r4"]
    assert "NextToken" not in rest
    assert [rule["Name"] for rule in events.list_rules(EventBusName=bus, NamePrefix="r4")["Rules"]] == ["r4"]
    assert refused(events.list_rules, EventBusName=bus, NextToken="?") == invalid("Token is not valid.")


def test_permissions_make_a_policy(events: Any) -> None:
    bus = new_name("bus")
    arn = events.create_event_bus(Name=bus)["EventBusArn"]
    allow = {"EventBusName": bus, "Action": "events:PutEvents"}
    events.put_permission(**allow, Principal="111111111111", StatementId="one")
    condition = {"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-1"}
    events.put_permission(**allow, Principal="*", StatementId="all", Condition=condition)
    events.put_permission(**allow, Principal="222222222222", StatementId="one")
    common = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": arn}
    everybody = {
        "Sid": "all",
        **common,
        "Principal": "*",
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}},
    }
    assert json.loads(events.describe_event_bus(Name=bus)["Policy"]) == {
        "Version": "2012-10-17",
        "Statement": [everybody, {"Sid": "one", **common, "Principal": {"AWS": "arn:aws:iam::222222222222:root"}}],
    }
    events.remove_permission(EventBusName=bus, StatementId="one")
    missing = ("ResourceNotFoundException", 400, "Statement with the provided id does not exist.")
    assert refused(events.remove_permission, EventBusName=bus, StatementId="one") == missing
    events.put_permission(EventBusName=bus, Policy=json.dumps({"Version": "2012-10-17", "Statement": [everybody]}))
    events.remove_permission(EventBusName=bus, RemoveAllPermissions=True)
    assert "Policy" not in events.describe_event_bus(Name=bus)


# --- Rules ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bus", ["default", "custom"])
def test_a_rule_is_put_described_and_deleted(events: Any, bus: str) -> None:
    if bus == "custom":
        bus = new_name("bus")
        events.create_event_bus(Name=bus)
    name = new_name("rule")
    arn = f"{EVENTS}:rule/{name}" if bus == "default" else f"{EVENTS}:rule/{bus}/{name}"
    here = {"Name": name, "EventBusName": bus}
    assert events.put_rule(**here, EventPattern=PATTERN, Description="d")["RuleArn"] == arn
    described = {
        **here,
        "Arn": arn,
        "EventPattern": PATTERN,
        "State": "ENABLED",
        "Description": "d",
        "CreatedBy": ACCOUNT,
    }
    assert without_metadata(events.describe_rule(**here)) == described
    events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "1", "Arn": QUEUE}])
    events.put_rule(**here, EventPattern=PATTERN, State="DISABLED")
    del described["Description"], described["CreatedBy"]
    (listed,) = events.list_rules(EventBusName=bus, NamePrefix=name)["Rules"]
    assert listed == {**described, "State": "DISABLED"}
    events.enable_rule(**here)
    assert events.describe_rule(**here)["State"] == "ENABLED"
    events.disable_rule(**here)
    assert events.describe_rule(**here)["State"] == "DISABLED"
    assert refused(events.delete_rule, **here) == invalid("Rule can't be deleted since it has targets.")
    assert events.remove_targets(Rule=name, EventBusName=bus, Ids=["1"])["FailedEntryCount"] == 0
    events.delete_rule(**here)
    events.delete_rule(**here)
    missing = ("ResourceNotFoundException", 400, f"Rule {name} does not exist on EventBus {bus}.")
    assert refused(events.describe_rule, **here) == missing
    assert refused(events.enable_rule, **here) == missing
    assert refused(events.list_targets_by_rule, Rule=name, EventBusName=bus) == missing
    assert refused(events.put_targets, Rule=name, EventBusName=bus, Targets=[{"Id": "1", "Arn": QUEUE}]) == missing


def test_what_is_no_rule(events: Any) -> None:
    bus = new_name("bus")
    events.create_event_bus(Name=bus)
    neither = invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
    assert refused(events.put_rule, Name="r") == neither
    for schedule in ("rate(0 minutes)", "rate(1 minutes)", "cron(* * * * *)", "at(2030-01-01T00:00:00)", "soon"):
        wrong = invalid("Parameter ScheduleExpression is not valid.")
        assert refused(events.put_rule, Name="r", ScheduleExpression=schedule) == wrong
    on_custom = invalid("ScheduleExpression is supported only on the default event bus.")
    assert refused(events.put_rule, Name="r", EventBusName=bus, ScheduleExpression="rate(5 minutes)") == on_custom
    code, status, message = refused(events.put_rule, Name="r", EventPattern='{"source": []}')
    assert (code, status) == ("InvalidEventPatternException", 400)
    assert message.startswith("Event pattern is not valid. Reason: Empty arrays are not allowed")
    long = json.dumps({"source": ["x" * 2048]})
    too_long = invalid("Parameter EventPattern for rule r exceeds limit of 2048.")
    assert refused(events.put_rule, Name="r", EventPattern=long) == too_long


def test_patterns_can_be_tried(events: Any) -> None:
    event = {
        "id": "1",
        "account": ACCOUNT,
        "source": "shop",
        "time": "2026-01-01T00:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail-type": "order",
        "detail": {"sum": 7},
    }
    tried = {"Event": json.dumps(event)}
    assert events.test_event_pattern(EventPattern='{"detail": {"sum": [{"numeric": [">", 5]}]}}', **tried)["Result"]
    assert not events.test_event_pattern(EventPattern='{"source": ["other"]}', **tried)["Result"]
    assert refused(events.test_event_pattern, EventPattern=PATTERN, Event="{")[0] == "ValidationException"
    assert refused(events.test_event_pattern, EventPattern=PATTERN, Event="{}")[0] == "ValidationException"
    assert refused(events.test_event_pattern, EventPattern="[]", **tried)[0] == "InvalidEventPatternException"


# --- Targets ----------------------------------------------------------------------------------------------------------


def test_targets_are_put_replaced_listed_and_removed(events: Any) -> None:
    rule = rule_of(events, {"source": ["x"]}, *({"Arn": QUEUE} for _ in range(5)))
    more = {"Id": "6", "Arn": QUEUE}
    limit = ("LimitExceededException", 400, "The requested resource exceeds the maximum number allowed.")
    assert refused(events.put_targets, Rule=rule, Targets=[more]) == limit
    other = f"{QUEUE}-other"
    transformer = {"InputPathsMap": {"a": "$.detail.a"}, "InputTemplate": '{"a": <a>}'}
    replaced = {"Id": "0", "Arn": other, "InputTransformer": transformer, "RetryPolicy": {"MaximumRetryAttempts": 2}}
    events.put_targets(Rule=rule, Targets=[replaced])
    first = events.list_targets_by_rule(Rule=rule, Limit=3)
    rest = events.list_targets_by_rule(Rule=rule, NextToken=first["NextToken"])["Targets"]
    assert [target["Id"] for target in (*first["Targets"], *rest)] == ["0", "1", "2", "3", "4"]
    assert first["Targets"][0] == replaced
    assert events.list_rule_names_by_target(TargetArn=other)["RuleNames"] == [rule]
    events.remove_targets(Rule=rule, Ids=["0", "1"])
    assert events.list_rule_names_by_target(TargetArn=other)["RuleNames"] == []


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({"Arn": "hello"}, "Parameter hello is not valid. Reason: Provided Arn is not in correct format."),
        ({"Arn": f"{QUEUE}.fifo"}, "Parameter(s) SqsParameters must be specified for target: t."),
        (
            {"KinesisParameters": {"PartitionKeyPath": "$.id"}},
            "Parameter(s) KinesisParameters not supported for target: t.",
        ),
        (
            {"Input": "1", "InputPath": "$.detail"},
            "Only one of Input, InputPath, or InputTransformer must be provided for target t.",
        ),
        ({"Input": "hello"}, "JSON syntax error in input for target t."),
        ({"InputPath": "detail"}, "InputPath for target t is invalid."),
        (
            {"InputTransformer": {"InputTemplate": '"<x>"'}},
            "InputTemplate for target t contains invalid placeholder x.",
        ),
        (
            {"InputTransformer": {"InputTemplate": '"<aws.events.event.json>"'}},
            "InputTemplate for target t contains placeholder aws.events.event.json valid only for JSON template.",
        ),
        ({"DeadLetterConfig": {"Arn": "arn:aws:sns:::t"}}, "sns is not supported as a dead letter resource."),
        ({"DeadLetterConfig": {"Arn": f"{QUEUE}.fifo"}}, "SQS FIFO is not supported by Dead Letter Queues."),
    ],
)
def test_what_is_no_target(events: Any, target: dict[str, Any], message: str) -> None:
    rule = rule_of(events, {"source": ["x"]})
    given = {"Id": "t", "Arn": QUEUE, **target}
    assert refused(events.put_targets, Rule=rule, Targets=[given]) == invalid(message)


def test_names_of_targets_are_checked_by_the_model(events: Any) -> None:
    rule = rule_of(events, {"source": ["x"]})
    assert refused(events.put_targets, Rule=rule, Targets=[{"Id": "!@#$", "Arn": QUEUE}]) == violation(
        "Value '!@#$' at 'targets.1.member.id' failed to satisfy constraint: Member must satisfy regular expression "
        "pattern: [\\.\\-_A-Za-z0-9]+"
    )


def test_a_transformer_has_a_hundred_paths_at_most(events: Any) -> None:
    rule = rule_of(events, {"source": ["x"]})
    transformer = {"InputPathsMap": {f"p{number}": "$.a" for number in range(101)}, "InputTemplate": "{}"}
    target = {"Id": "t", "Arn": QUEUE, "InputTransformer": transformer}
    code, status, message = refused(events.put_targets, Rule=rule, Targets=[target])
    assert (code, status) == ("ValidationException", 400)
    what = "at 'targets.1.member.inputTransformer.inputPathsMap' failed to satisfy constraint"
    assert message.endswith(f"{what}: Member must have length less than or equal to 100")


# --- Tags -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["bus", "rule"])
def test_tags(events: Any, kind: str) -> None:
    name = new_name(kind)
    tags = [{"Key": "a", "Value": "1"}]
    if kind == "bus":
        arn = events.create_event_bus(Name=name, Tags=tags)["EventBusArn"]
    else:
        arn = events.put_rule(Name=name, EventPattern=PATTERN, Tags=tags)["RuleArn"]
    events.tag_resource(ResourceARN=arn, Tags=[{"Key": "b", "Value": "2"}])
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [*tags, {"Key": "b", "Value": "2"}]
    events.untag_resource(ResourceARN=arn, TagKeys=["a"])
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    assert refused(events.list_tags_for_resource, ResourceARN=f"{arn}-no")[0] == "ResourceNotFoundException"
    assert refused(events.tag_resource, ResourceARN="no-arn", Tags=tags)[0] == "ValidationException"


@pytest.mark.parametrize(
    "operation", ["list_connections", "list_api_destinations", "list_endpoints", "list_event_sources"]
)
def test_what_is_not_built_says_so(events: Any, operation: str) -> None:
    code, status, message = refused(getattr(events, operation))
    assert (code, status) == ("ValidationException", 400)
    assert message.startswith("lambdad has no ")
