"""Archives keep what they are for, and replays bring it back to the rules of their bus."""

import datetime
import json
from collections.abc import Callable
from typing import Any

from rules import EVENTS, Queue, put, rule_of

from functions import new_name
from refusals import refused
from server import Server
from wait import wait_for

BEFORE, AFTER = (datetime.datetime(year, 1, 1, tzinfo=datetime.UTC) for year in (2020, 2099))
SPAN = {"EventStartTime": BEFORE, "EventEndTime": AFTER}
BUS = f"{EVENTS}:event-bus/default"


def archive_of(events: Any, bus: str = BUS, **more: Any) -> tuple[str, str]:
    """(name, ARN)"""
    name = new_name("archive")
    return name, events.create_archive(ArchiveName=name, EventSourceArn=bus, **more)["ArchiveArn"]


def replayed(events: Any, name: str) -> Callable[[], bool]:
    return lambda: events.describe_replay(ReplayName=name)["State"] == "COMPLETED"


def test_what_is_archived_is_replayed(server: Server, events: Any) -> None:
    source, bus = new_name("source"), new_name("bus")
    bus_arn = events.create_event_bus(Name=bus)["EventBusArn"]
    wanted, other = Queue(server), Queue(server)
    rule = rule_of(events, {"source": [source]}, {"Arn": wanted.arn}, bus=bus)
    rule_of(events, {"source": [source]}, {"Arn": other.arn}, bus=bus)
    name, arn = archive_of(events, bus_arn, EventPattern=json.dumps({"detail": {"keep": [True]}}), RetentionDays=3)
    put(events, source, {"keep": False}, EventBusName=bus)
    numbers = [
        put(events, source, {"keep": True}, EventBusName=bus, Time=datetime.datetime(year, 5, 1, tzinfo=datetime.UTC))
        for year in (2023, 2021, 2022)
    ]
    found = events.describe_archive(ArchiveName=name)
    assert (found["EventCount"], found["RetentionDays"], found["State"]) == (3, 3, "ENABLED")
    assert found["SizeBytes"] > 0
    assert len(wanted.bodies(4)) == len(other.bodies(4)) == 4

    replay = new_name("replay")
    only = {"Arn": bus_arn, "FilterArns": [f"{EVENTS}:rule/{bus}/{rule}"]}
    until = datetime.datetime(2022, 12, 1, tzinfo=datetime.UTC)
    started = events.start_replay(
        ReplayName=replay, EventSourceArn=arn, EventStartTime=BEFORE, EventEndTime=until, Destination=only
    )
    assert (started["State"], started["ReplayArn"]) == ("STARTING", f"{EVENTS}:replay/{replay}")
    bodies = wanted.bodies(2)
    assert {body["id"] for body in bodies} == {numbers[1], numbers[2]}
    assert {body["replay-name"] for body in bodies} == {replay}
    assert list(bodies[0]).index("replay-name") == list(bodies[0]).index("region") + 1
    wait_for(replayed(events, replay))
    done = events.describe_replay(ReplayName=replay)
    assert done["EventLastReplayedTime"] == datetime.datetime(2022, 5, 1, tzinfo=datetime.UTC)
    assert done["Destination"] == only
    assert wanted.empty()
    assert other.empty()
    assert events.describe_archive(ArchiveName=name)["EventCount"] == 3
    done_already = ("IllegalStatusException", 400, f"Replay {replay} is not in a valid state for this operation.")
    assert refused(events.cancel_replay, ReplayName=replay) == done_already
    assert [one["ReplayName"] for one in events.list_replays(EventSourceArn=arn)["Replays"]] == [replay]
    taken = ("ResourceAlreadyExistsException", 400, f"Replay {replay} already exists.")
    again = {"ReplayName": replay, "EventSourceArn": arn, "Destination": only, **SPAN}
    assert refused(events.start_replay, **again) == taken


def test_an_archive_is_changed_and_deleted(events: Any) -> None:
    name, arn = archive_of(events, Description="d")
    taken = ("ResourceAlreadyExistsException", 400, f"Archive {name} already exists.")
    assert refused(events.create_archive, ArchiveName=name, EventSourceArn=BUS) == taken
    assert events.update_archive(ArchiveName=name, RetentionDays=7)["ArchiveArn"] == arn
    found = events.describe_archive(ArchiveName=name)
    assert (found["RetentionDays"], found["Description"], found["EventSourceArn"]) == (7, "d", BUS)
    (listed,) = events.list_archives(NamePrefix=name)["Archives"]
    assert (listed["ArchiveName"], listed["EventCount"]) == (name, 0)
    events.delete_archive(ArchiveName=name)
    missing = ("ResourceNotFoundException", 400, f"Archive {name} does not exist.")
    for operation in (events.describe_archive, events.delete_archive, events.update_archive):
        assert refused(operation, ArchiveName=name) == missing
    nowhere = f"{EVENTS}:event-bus/nowhere"
    no_bus = ("ResourceNotFoundException", 400, "Event bus nowhere does not exist.")
    assert refused(events.create_archive, ArchiveName="a", EventSourceArn=nowhere) == no_bus
    assert refused(events.list_archives, EventSourceArn=nowhere) == no_bus
    bad = {"ArchiveName": "a", "EventSourceArn": BUS, "EventPattern": "{"}
    assert refused(events.create_archive, **bad)[0] == "InvalidEventPatternException"
    assert refused(events.list_archives, NamePrefix="a", EventSourceArn=BUS)[0] == "ValidationException"


def test_what_is_no_replay(events: Any) -> None:
    _, arn = archive_of(events)
    bus = events.create_event_bus(Name=new_name("bus"))["EventBusArn"]
    good = {"ReplayName": "r", "EventSourceArn": arn, "Destination": {"Arn": BUS}, **SPAN}

    def said(**changes: Any) -> str:
        return refused(events.start_replay, **{**good, **changes})[2]

    assert said(EventSourceArn=f"{arn}x").startswith("Parameter EventSourceArn is not valid. Reason: Archive ")
    cross = "Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted."
    assert said(Destination={"Arn": bus}) == cross
    assert said(Destination={"Arn": f"{BUS}x"}) == "Event bus defaultx does not exist."
    order = "Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime."
    assert said(EventEndTime=BEFORE) == order
    missing = ("ResourceNotFoundException", 400, "Replay nothing does not exist.")
    assert refused(events.describe_replay, ReplayName="nothing") == missing
    assert refused(events.cancel_replay, ReplayName="nothing") == missing
