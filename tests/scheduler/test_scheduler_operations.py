"""Schedules and groups: made, changed, found, listed, tagged, deleted; and what is refused, in AWS's words."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions import new_name
from refusals import refused, violation
from schedules import NEVER, OFF, ROLE
from wait import wait_for

QUEUE = "arn:aws:sqs:us-east-1:000000000000:jobs"
TARGET = {"Arn": QUEUE, "RoleArn": ROLE}
Make = Callable[..., str]


def wrong(message: str) -> tuple[str, int, str]:
    return "ValidationException", 400, message


def missing(message: str) -> tuple[str, int, str]:
    return "ResourceNotFoundException", 404, message


def test_what_is_not_said_is_as_on_aws(scheduler: Any, schedule: Make) -> None:
    name = schedule(TARGET)
    found = scheduler.get_schedule(Name=name)
    arn = f"arn:aws:scheduler:us-east-1:000000000000:schedule/default/{name}"
    created = found.pop("CreationDate")
    assert datetime.now(UTC) - created < timedelta(minutes=1)
    assert found.pop("LastModificationDate") == created
    del found["ResponseMetadata"]
    assert found == {
        "Arn": arn,
        "GroupName": "default",
        "Name": name,
        "ScheduleExpression": NEVER,
        "ScheduleExpressionTimezone": "UTC",
        "State": "ENABLED",
        "ActionAfterCompletion": "NONE",
        "FlexibleTimeWindow": OFF,
        "Target": {**TARGET, "RetryPolicy": {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}},
    }


def test_what_is_said_is_kept(scheduler: Any, schedule: Make) -> None:
    start, end = datetime(2190, 1, 1, tzinfo=UTC), datetime(2191, 1, 1, tzinfo=UTC)
    said = {
        "Description": "every morning",
        "ScheduleExpressionTimezone": "Europe/Zurich",
        "StartDate": start,
        "EndDate": end,
        "State": "DISABLED",
        "ActionAfterCompletion": "DELETE",
        "KmsKeyArn": "arn:aws:kms:us-east-1:000000000000:key/k",
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15},
    }
    target = {
        **TARGET,
        "Input": "x",
        "RetryPolicy": {"MaximumRetryAttempts": 3},
        "DeadLetterConfig": {"Arn": QUEUE},
    }
    name = schedule(target, "cron(0 7 ? * MON-FRI *)", **said)
    found = scheduler.get_schedule(Name=name)
    assert {member: found[member] for member in said} == said
    retry = {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 3}
    assert found["Target"] == {**target, "RetryPolicy": retry}


def test_an_update_replaces_all(scheduler: Any, schedule: Make) -> None:
    name = schedule(TARGET, Description="old", State="DISABLED")
    target = {"Arn": "arn:aws:sqs:us-east-1:000000000000:others", "RoleArn": ROLE}
    answer = scheduler.update_schedule(Name=name, ScheduleExpression=NEVER, FlexibleTimeWindow=OFF, Target=target)
    found = scheduler.get_schedule(Name=name)
    assert answer["ScheduleArn"] == found["Arn"]
    assert "Description" not in found
    assert found["State"] == "ENABLED"
    assert found["Target"]["Arn"] == target["Arn"]
    assert found["LastModificationDate"] > found["CreationDate"]


def test_the_same_request_again_and_another_of_that_name(scheduler: Any, schedule: Make) -> None:
    name = schedule(TARGET, ClientToken="once")
    again = {"Name": name, "ScheduleExpression": NEVER, "FlexibleTimeWindow": OFF, "Target": TARGET}
    assert scheduler.create_schedule(**again, ClientToken="once")["ScheduleArn"].endswith(f"/default/{name}")
    conflict = ("ConflictException", 409, f"Schedule {name} already exists.")
    assert refused(scheduler.create_schedule, **again, ClientToken="twice") == conflict
    assert refused(scheduler.create_schedule, **{**again, "Description": "new"}, ClientToken="once") == conflict


def test_what_is_not_there(scheduler: Any) -> None:
    name = new_name("s")
    gone = missing(f"Schedule {name} does not exist.")
    update = {"ScheduleExpression": NEVER, "FlexibleTimeWindow": OFF, "Target": TARGET}
    assert refused(scheduler.get_schedule, Name=name) == gone
    assert refused(scheduler.delete_schedule, Name=name) == gone
    assert refused(scheduler.update_schedule, Name=name, **update) == gone
    assert refused(scheduler.get_schedule_group, Name=name) == missing(f"Schedule group {name} does not exist.")
    in_group = {"Name": "s", "GroupName": name, **update}
    assert refused(scheduler.create_schedule, **in_group) == missing(f"Schedule group {name} does not exist.")


def test_lists_come_in_pages(scheduler: Any, schedule: Make) -> None:
    prefix = new_name("list")
    names = [schedule(TARGET, Name=f"{prefix}-{number}") for number in range(5)]
    schedule(TARGET, Name=f"{prefix}-off", State="DISABLED")
    pages = scheduler.get_paginator("list_schedules").paginate(
        NamePrefix=prefix, State="ENABLED", PaginationConfig={"PageSize": 2}
    )
    found = [[one["Name"] for one in page["Schedules"]] for page in pages]
    assert found == [names[:2], names[2:4], names[4:]]
    (one,) = scheduler.list_schedules(NamePrefix=f"{prefix}-off")["Schedules"]
    assert one["State"] == "DISABLED"
    assert one["Target"] == {"Arn": QUEUE}
    gone = missing("Schedule group no-such-group does not exist.")
    assert refused(scheduler.list_schedules, NamePrefix=prefix, GroupName="no-such-group") == gone
    assert len(scheduler.list_schedules(NamePrefix=prefix, GroupName="default")["Schedules"]) == 6


# --- Groups -----------------------------------------------------------------------------------------------------------


def test_a_group_and_its_tags(scheduler: Any) -> None:
    name = new_name("g")
    arn = scheduler.create_schedule_group(Name=name, Tags=[{"Key": "a", "Value": "1"}])["ScheduleGroupArn"]
    assert arn == f"arn:aws:scheduler:us-east-1:000000000000:schedule-group/{name}"
    assert scheduler.get_schedule_group(Name=name)["State"] == "ACTIVE"
    exists = ("ConflictException", 409, f"Schedule group {name} already exists.")
    assert refused(scheduler.create_schedule_group, Name=name) == exists
    scheduler.tag_resource(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}])
    scheduler.untag_resource(ResourceArn=arn, TagKeys=["a"])
    assert scheduler.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    assert [one["Name"] for one in scheduler.list_schedule_groups(NamePrefix=name)["ScheduleGroups"]] == [name]
    assert "default" in [one["Name"] for one in scheduler.list_schedule_groups()["ScheduleGroups"]]


def test_a_group_goes_with_its_schedules(scheduler: Any, schedule: Make) -> None:
    name = new_name("g")
    scheduler.create_schedule_group(Name=name)
    for number in range(3):
        schedule(TARGET, Name=f"s{number}", GroupName=name)
    scheduler.delete_schedule_group(Name=name)

    wait_for(lambda: not scheduler.list_schedule_groups(NamePrefix=name)["ScheduleGroups"])
    assert name not in [one["GroupName"] for one in scheduler.list_schedules(NamePrefix="s")["Schedules"]]
    assert refused(scheduler.delete_schedule_group, Name=name) == missing(f"Schedule group {name} does not exist.")
    assert refused(scheduler.delete_schedule_group, Name="default") == wrong(
        "The default schedule group cannot be deleted."
    )


# --- Refused ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expression",
    [
        *("rate(10 seconds)", "rate()", "rate(-10 minutes)", " rate(10 minutes)", "cron(0 1 * * * *)", "cron()"),
        *("cron(71 8 1 * ? *)", "at(2021-12-31)", "at(2021-12-31T23:59:59Z)", "every day"),
    ],
)
def test_an_expression_that_is_none(scheduler: Any, expression: str) -> None:
    given = {"Name": "s", "ScheduleExpression": expression, "FlexibleTimeWindow": OFF, "Target": TARGET}
    assert refused(scheduler.create_schedule, **given) == wrong(f"Invalid Schedule Expression {expression}.")


SOON = datetime.now(UTC) + timedelta(days=1)
LONG_AGO = datetime.now(UTC) - timedelta(minutes=10)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"ScheduleExpressionTimezone": "Mars/Base"}, "Invalid Schedule Expression Timezone Mars/Base."),
        (
            {"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}},
            "MaximumWindowInMinutes must be provided when FlexibleTimeWindowMode is set to FLEXIBLE.",
        ),
        (
            {"FlexibleTimeWindow": {"Mode": "OFF", "MaximumWindowInMinutes": 5}},
            "MaximumWindowInMinutes must not be provided when FlexibleTimeWindowMode is set to OFF.",
        ),
        ({"StartDate": LONG_AGO}, "The StartDate you specify cannot be earlier than 5 minutes ago."),
        ({"EndDate": LONG_AGO}, "The EndDate you specify must be in the future."),
        ({"StartDate": SOON, "EndDate": SOON}, "The StartDate you specify must come before the EndDate."),
    ],
)
def test_times_that_cannot_be(scheduler: Any, members: dict[str, Any], message: str) -> None:
    given = {"Name": "s", "ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": OFF, "Target": TARGET}
    assert refused(scheduler.create_schedule, **{**given, **members}) == wrong(message)


FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
BUS = "arn:aws:events:us-east-1:000000000000:event-bus/default"
SDK = "arn:aws:scheduler:::aws-sdk:"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({"Arn": "jobs"}, "Provided Arn is not in correct format."),
        ({"Arn": "arn:aws:s3:::bucket"}, "s3 is not a supported service for a target."),
        (
            {"Arn": "arn:aws:sqs:us-east-1:111111111111:jobs"},
            "arn:aws:sqs:us-east-1:111111111111:jobs belongs to another account: lambdad's schedules reach only their own.",
        ),
        ({"Arn": BUS}, "EventBridgeParameters must be provided for a target of the service events."),
        (
            {"Arn": QUEUE, "KinesisParameters": {"PartitionKey": "k"}},
            "KinesisParameters must not be provided for a target of the service sqs.",
        ),
        ({"Arn": f"{QUEUE}.fifo"}, "SqsParameters must be provided for a target of the service sqs."),
        ({"Arn": QUEUE, "DeadLetterConfig": {"Arn": f"{QUEUE}-fifo"}, "Input": "x" * 262_145}, None),
        ({"Arn": f"{SDK}sqs:getQueueUrl"}, "sqs:getQueueUrl is not a supported action for a target."),
        ({"Arn": f"{SDK}sqs:fly"}, "sqs:fly is not a supported action for a target."),
        ({"Arn": f"{SDK}nothing:create"}, "nothing:create is not a supported action for a target."),
        (
            {"Arn": f"{SDK}sfn:startExecution", "Input": json.dumps({"stateMachineArn": "lower case"})},
            "Invalid RequestJson provided. Reason Request payload is missing the following field(s): StateMachineArn.",
        ),
    ],
)
def test_targets_that_cannot_be(scheduler: Any, target: dict[str, Any], message: str | None) -> None:
    given = {"Name": "s", "ScheduleExpression": NEVER, "FlexibleTimeWindow": OFF}
    answer = refused(scheduler.create_schedule, **given, Target={"RoleArn": ROLE, **target})
    assert answer == wrong(message or "The Input of a target must not be larger than 262144 bytes.")


def test_an_input_that_must_be_json(scheduler: Any) -> None:
    target = {"Arn": FUNCTION, "RoleArn": ROLE, "Input": "{"}
    given = {"Name": "s", "ScheduleExpression": NEVER, "FlexibleTimeWindow": OFF, "Target": target}
    code, status, message = refused(scheduler.create_schedule, **given)
    assert (code, status) == ("ValidationException", 400)
    assert message.startswith("Invalid RequestJson provided. Reason It is no well-formed JSON: ")


def test_the_models_constraints(scheduler: Any) -> None:
    pattern = "Member must satisfy regular expression pattern: [0-9a-zA-Z-_.]+"
    given = {"Name": "a b", "ScheduleExpression": NEVER, "FlexibleTimeWindow": OFF, "Target": TARGET}
    assert refused(scheduler.create_schedule, **given) == violation(
        f"Value 'a b' at 'name' failed to satisfy constraint: {pattern}"
    )
