"""Schedules and `kill -9`: what falls due meanwhile fires when the server is back; nothing fires twice."""

from datetime import UTC, datetime
from typing import Any

from schedules import NEVER, OFF, Queue, at, moment_of
from server import Server
from wait import wait_for


def create(scheduler: Any, name: str, expression: str, target: dict[str, Any], **more: Any) -> None:
    given = {"ScheduleExpression": expression, "FlexibleTimeWindow": OFF, "Target": target}
    scheduler.create_schedule(Name=name, **given, **more)


def test_what_falls_due_while_the_server_is_dead(own_server: Server) -> None:
    server = own_server.start()
    queue, scheduler = Queue(server), server.client("scheduler")
    create(scheduler, "fired", "rate(1 hour)", queue.target(Input="fired"))
    assert queue.next()["Body"] == "fired"
    create(scheduler, "due", at(1), queue.target(Input="due"), ActionAfterCompletion="DELETE")
    create(scheduler, "later", NEVER, queue.target(Input="later"))
    due = scheduler.get_schedule(Name="due")["ScheduleExpression"]
    server.kill()
    wait_for(lambda: datetime.now(UTC) > moment_of(due))
    server.start()
    assert queue.on(server).next()["Body"] == "due"
    names = [one["Name"] for one in server.client("scheduler").list_schedules()["Schedules"]]
    assert names == ["fired", "later"]
    server.kill()
    server.start()
    create(server.client("scheduler"), "last", "rate(1 hour)", queue.target(Input="last"))
    assert queue.on(server).next()["Body"] == "last"  # and nothing before it, again


def test_many_at_once_and_a_crash_in_their_midst(own_server: Server) -> None:
    """Each arrives; what was on its way to the queue when the server died may come again, as with any delivery."""
    server = own_server.start()
    queue, scheduler = Queue(server), server.client("scheduler")
    expression, names = at(1), [f"s{number}" for number in range(30)]
    for name in names:
        create(scheduler, name, expression, queue.target(Input=name), ActionAfterCompletion="DELETE")
    first = queue.next()["Body"]
    server.kill()
    server.start()
    again, arrived = queue.on(server), {first}
    wait_for(lambda: arrived.add(again.next()["Body"]) or len(arrived) == len(names))
    assert arrived == set(names)


def test_a_group_that_was_to_go_goes(own_server: Server) -> None:
    server = own_server.start()
    scheduler = server.client("scheduler")
    scheduler.create_schedule_group(Name="g")
    target = {"Arn": "arn:aws:sqs:us-east-1:000000000000:q", "RoleArn": "arn:aws:iam::000000000000:role/r"}
    for number in range(20):
        create(scheduler, f"s{number}", NEVER, target, GroupName="g")
    scheduler.delete_schedule_group(Name="g")
    server.kill()
    server.start()
    scheduler = server.client("scheduler")
    wait_for(lambda: not scheduler.list_schedule_groups(NamePrefix="g")["ScheduleGroups"])
    assert scheduler.list_schedules()["Schedules"] == []
