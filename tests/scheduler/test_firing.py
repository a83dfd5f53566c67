"""Schedules that fire: what their targets are given, and what becomes of what they do not take."""

import json
import re
from collections.abc import Callable
from typing import Any

from functions import new_name
from schedules import ROLE, Queue, at, attributes_of, body_of
from server import Server
from told import Telling
from wait import wait_for

Make = Callable[..., str]
NOTIFICATION = {"version": "0", "detail-type": "Scheduled Event", "source": "aws.scheduler", "detail": "{}"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def arn_of(name: str) -> str:
    return f"arn:aws:scheduler:us-east-1:000000000000:schedule/default/{name}"


def test_a_function_is_given_awss_notification(server: Server, scheduler: Any, schedule: Make) -> None:
    """No permission of the function's own: the schedule's role answers for it."""
    told = Telling(server)
    expression = at(0.5)
    name = schedule({"Arn": told.arn, "RoleArn": ROLE}, expression, ActionAfterCompletion="DELETE")
    event = told.next()
    time = expression[3:-1] + "Z"
    place = {"account": "000000000000", "region": "us-east-1", "resources": [arn_of(name)], "time": time}
    assert event == {**NOTIFICATION, **place, "id": event["id"]}
    assert scheduler.list_schedules(NamePrefix=name)["Schedules"] == []  # deleted by the commit that fired it


def test_an_input_with_context_attributes(server: Server, scheduler: Any, schedule: Make) -> None:
    queue = Queue(server)
    names = ("schedule-arn", "scheduled-time", "execution-id", "attempt-number")
    given = json.dumps({name: f"<aws.scheduler.{name}>" for name in names})
    name = schedule(queue.target(Input=given), "rate(1 hour)")  # a rate fires at once, then every hour
    message = queue.next()
    body = body_of(message)
    assert (body["schedule-arn"], body["attempt-number"]) == (arn_of(name), "1")
    assert TIME.fullmatch(body["scheduled-time"])
    assert re.fullmatch(r"[0-9a-f]{16}", body["execution-id"])
    assert scheduler.get_schedule(Name=name)["State"] == "ENABLED"


def test_what_has_passed_fires_at_once_and_only_once(server: Server, scheduler: Any, schedule: Make) -> None:
    queue = Queue(server)
    name = schedule(queue.target(Input="once"), at(-5), State="DISABLED")
    settings = scheduler.get_schedule(Name=name)
    update = {key: settings[key] for key in ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")}
    assert queue.nothing()
    scheduler.update_schedule(**update)
    assert queue.next()["Body"] == "once"
    scheduler.update_schedule(**update, Description="its time is the same: it has fired")
    schedule(queue.target(Input="another"), "rate(1 hour)")
    assert queue.next()["Body"] == "another"


def test_a_fifo_queue(server: Server, schedule: Make) -> None:
    fifo = Queue(server, ".fifo", FifoQueue="true", ContentBasedDeduplication="true")
    schedule(fifo.target(Input="in order", SqsParameters={"MessageGroupId": "g"}), "rate(1 hour)")
    message = fifo.next()
    assert (message["Body"], message["Attributes"]["MessageGroupId"]) == ("in order", "g")


def test_a_bus(server: Server, schedule: Make) -> None:
    """Its rule hands the event on to a queue."""
    events, queue, rule = server.client("events"), Queue(server), new_name("r")
    events.put_rule(Name=rule, EventPattern=json.dumps({"source": [rule]}))
    events.put_targets(Rule=rule, Targets=[{"Id": "q", "Arn": queue.arn}])
    bus = "arn:aws:events:us-east-1:000000000000:event-bus/default"
    parameters = {"EventBridgeParameters": {"Source": rule, "DetailType": "Morning"}}
    schedule({"Arn": bus, "RoleArn": ROLE, "Input": '{"n": 1}', **parameters}, "rate(1 hour)")
    event = body_of(queue.next())
    assert (event["source"], event["detail-type"], event["detail"]) == (rule, "Morning", {"n": 1})
    events.remove_targets(Rule=rule, Ids=["q"])
    events.delete_rule(Name=rule)


def test_any_operation(server: Server, schedule: Make) -> None:
    """Universal targets."""
    queue = Queue(server)
    sent = {"QueueUrl": queue.url, "MessageBody": "attempt <aws.scheduler.attempt-number>"}
    target = {"Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage", "RoleArn": ROLE, "Input": json.dumps(sent)}
    schedule(target, "rate(1 hour)")
    assert queue.next()["Body"] == "attempt 1"
    told = Telling(server)
    call = {"FunctionName": told.name, "Payload": json.dumps({"by": "invoke"})}
    target = {"Arn": "arn:aws:scheduler:::aws-sdk:lambda:invoke", "RoleArn": ROLE, "Input": json.dumps(call)}
    schedule(target, "rate(1 day)")
    assert told.next() == {"by": "invoke"}


def test_what_no_target_takes_is_a_dead_letter(server: Server, schedule: Make) -> None:
    dead = Queue(server)
    letters = {"DeadLetterConfig": {"Arn": dead.arn}, "Input": '{"a": 1}'}
    function = f"arn:aws:lambda:us-east-1:000000000000:function:{new_name()}"
    name = schedule({"Arn": function, "RoleArn": ROLE, **letters}, "rate(1 hour)")
    message = dead.next()
    assert message["Body"] == '{"a": 1}'
    attributes = attributes_of(message)
    assert TIME.fullmatch(attributes.pop("SCHEDULED_TIME"))
    assert len(attributes.pop("EXECUTION_ID")) == 16
    assert attributes == {
        "ERROR_CODE": "ResourceNotFoundException",
        "ERROR_MESSAGE": f"Function not found: {function}",
        "IS_PAYLOAD_TRUNCATED": "false",
        "RETRY_ATTEMPTS": "0",
        "SCHEDULE_ARN": arn_of(name),
        "TARGET_ARN": function,
    }
    schedule({"Arn": f"{dead.arn}-of-nobody", "RoleArn": ROLE, **letters}, "rate(1 hour)")
    assert attributes_of(dead.next())["ERROR_CODE"] == "AWS.SimpleQueueService.NonExistentQueue"


def test_what_is_too_old_is_a_dead_letter(server: Server, scheduler: Any, schedule: Make) -> None:
    queue, dead = Queue(server), Queue(server)
    target = queue.target(
        Input="late", DeadLetterConfig={"Arn": dead.arn}, RetryPolicy={"MaximumEventAgeInSeconds": 60}
    )
    name = schedule(target, "at(2021-12-31T23:59:59)", ActionAfterCompletion="DELETE")
    attributes = attributes_of(dead.next())
    assert attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumEventAgeInSeconds"
    assert attributes["SCHEDULED_TIME"] == "2021-12-31T23:59:59Z"
    assert queue.nothing()
    wait_for(lambda: not scheduler.list_schedules(NamePrefix=name)["Schedules"])
