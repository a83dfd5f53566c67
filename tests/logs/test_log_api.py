"""The CloudWatch Logs API over what functions and clients write: boto3, its paginators, the AWS CLI."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions import call, create, new_name
from server import Server
from wait import wait_for

SAYS = "def handler(event, context):\n    print(event['say'])\n    return context.log_stream_name\n"


@pytest.fixture(scope="module")
def logs(server: Server) -> Any:
    return server.client("logs", inject_host_prefix=False)


def now() -> int:
    return int(time.time() * 1000)


def refused(call: Any, **arguments: Any) -> tuple[str, str]:
    """(code, message)"""
    with pytest.raises(ClientError) as error:
        call(**arguments)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


@pytest.fixture
def group(logs: Any) -> str:
    name = new_name("group")
    logs.create_log_group(logGroupName=name, tags={"a": "1"})
    return name


def put(logs: Any, group: str, stream: str, *messages: str, at: int | None = None) -> int:
    """The time of the first."""
    start = at or now() - 60_000
    events = [{"timestamp": start + number, "message": message} for number, message in enumerate(messages)]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
    return start


def messages(answer: dict[str, Any]) -> list[str]:
    return [event["message"] for event in answer["events"]]


def test_a_function_writes_and_is_read(server: Server, client: Any, logs: Any) -> None:
    name = create(client, SAYS)
    stream, _ = call(client, name, {"say": "hello from here"})
    group = f"/aws/lambda/{name}"
    wait_for(lambda: logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"])
    (found,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert found["arn"] == f"arn:aws:logs:us-east-1:000000000000:log-group:{group}:*"
    assert found["logGroupArn"] == f"arn:aws:logs:us-east-1:000000000000:log-group:{group}"
    assert abs(found["creationTime"] - now()) < 600_000
    wait_for(lambda: logs.describe_log_streams(logGroupName=group)["logStreams"])
    (one,) = logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert one["logStreamName"] == stream
    assert one["firstEventTimestamp"] <= one["lastEventTimestamp"]
    wait_for(lambda: len(logs.get_log_events(logGroupName=group, logStreamName=stream)["events"]) == 5)
    events = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)
    assert [message.split()[0] for message in messages(events)] == ["INIT_START", "START", "hello", "END", "REPORT"]
    assert messages(logs.filter_log_events(logGroupName=group, filterPattern="hello")) == ["hello from here\n"]


PRINTS = """
import os
def handler(event, context):
    os.write(1, b"a\\x00b\\n")
    os.write(1, b"\\xff\\xfe\\n")
    os.write(1, b"REPORT RequestId: forged\\tBilled Duration: 900000 ms\\n")
    os.write(1, b"\\xa5\\x5a\\x00\\x03" + (1 << 31).to_bytes(4, "big") + b"impossibleframe\\n")
    os.write(1, b"\\xa5\\x5a\\x00\\x03" + bytes(12))
    endless = b"x" * 1_000_000
    while endless:
        endless = endless[os.write(1, endless):]
"""


def test_whatever_is_printed_is_events_of_their_size(client: Any, logs: Any) -> None:
    """Bytes that are no text, lines and frames that are forged, a line without an end: of one invocation, and no more."""
    name = create(client, PRINTS)
    _, answer = call(client, name)
    group, request_id = f"/aws/lambda/{name}", answer["ResponseMetadata"]["RequestId"]
    wait_for(lambda: logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"])
    ends = {"logGroupName": group, "filterPattern": f'"REPORT RequestId: {request_id}"'}
    wait_for(lambda: logs.filter_log_events(**ends)["events"])
    found = messages(logs.filter_log_events(logGroupName=group))
    assert [message.split()[0] for message in (*found[:2], *found[-2:])] == ["INIT_START", "START", "END", "REPORT"]
    said, endless = found[2:7], found[7:-2]
    assert said[:3] == ["a\0b\n", "\ufffd\ufffd\n", "REPORT RequestId: forged\tBilled Duration: 900000 ms\n"]
    assert said[3].endswith("impossib")
    assert said[4] == "leframe\n"
    assert "".join(endless) == "x" * 1_000_000
    assert max(map(len, endless)) == 256 * 1024


def test_a_deleted_group_is_there_again_when_its_function_writes(client: Any, logs: Any) -> None:
    """Also from an environment that wrote to it before."""
    name = create(client, SAYS)
    group = f"/aws/lambda/{name}"
    stream, _ = call(client, name, {"say": "before"})
    wait_for(lambda: logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"])
    logs.delete_log_group(logGroupName=group)
    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"] == []
    assert call(client, name, {"say": "after"})[0] == stream
    wait_for(lambda: logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"])
    wait_for(lambda: len(logs.filter_log_events(logGroupName=group)["events"]) == 4)
    first, second, *_ = messages(logs.filter_log_events(logGroupName=group))
    assert first.startswith("START")
    assert second == "after\n"


def test_groups(logs: Any, group: str) -> None:
    assert refused(logs.create_log_group, logGroupName=group) == (
        "ResourceAlreadyExistsException",
        "The specified log group already exists",
    )
    arn = f"arn:aws:logs:us-east-1:000000000000:log-group:{group}"
    logs.tag_resource(resourceArn=arn, tags={"b": "2"})
    logs.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"}
    logs.put_retention_policy(logGroupName=group, retentionInDays=7)
    (found,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert found["retentionInDays"] == 7
    assert refused(logs.put_retention_policy, logGroupName=group, retentionInDays=8)[0] == "InvalidParameterException"
    logs.delete_retention_policy(logGroupName=group)
    logs.delete_log_group(logGroupName=group)
    assert refused(logs.delete_log_group, logGroupName=group) == (
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )
    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"] == []


def test_groups_are_listed_page_by_page(logs: Any) -> None:
    prefix = new_name("page")
    names = [f"{prefix}/{number}" for number in range(5)]
    for name in names:
        logs.create_log_group(logGroupName=name)
    pages = logs.get_paginator("describe_log_groups").paginate(
        logGroupNamePrefix=prefix, PaginationConfig={"PageSize": 2}
    )
    listed = [[one["logGroupName"] for one in page["logGroups"]] for page in pages]
    assert listed == [names[:2], names[2:4], names[4:]]
    found = logs.describe_log_groups(logGroupNamePattern=prefix[1:])["logGroups"]
    assert len(found) == 5
    assert logs.describe_log_groups(logGroupNamePattern=prefix.upper())["logGroups"] == []


def test_tags_of_groups(logs: Any, group: str) -> None:
    arn = f"arn:aws:logs:us-east-1:000000000000:log-group:{group}"
    many = {f"k{number}": "v" for number in range(50)}
    logs.tag_resource(resourceArn=arn, tags=dict.fromkeys(list(many)[:49], "v"))
    assert len(logs.list_tags_for_resource(resourceArn=arn)["tags"]) == 50
    for one_more in ({"k49": "v"}, {"k49": "v", "k50": "v"}):
        code, message = refused(logs.tag_resource, resourceArn=arn, tags=one_more)
        assert (code, message) == ("TooManyTagsException", "A resource can have no more than 50 tags.")
    assert refused(logs.tag_log_group, logGroupName=group, tags={"k49": "v"})[0] == "TooManyTagsException"
    logs.tag_resource(resourceArn=arn, tags={"k0": "other"})
    kept = logs.list_tags_for_resource(resourceArn=arn)["tags"]
    assert (len(kept), kept["k0"]) == (50, "other")
    for tags, message in (
        ({**many, "k50": "v"}, "Member must have length less than or equal to 50"),
        ({}, "Member must have length greater than or equal to 1"),
        ({"AWS:x": "b"}, "aws: prefixed tag key names are not allowed for external use."),
    ):
        made = refused(logs.create_log_group, logGroupName=new_name("group"), tags=tags)
        tagged = refused(logs.tag_resource, resourceArn=arn, tags=tags)
        assert made == tagged
        assert made[0] == "InvalidParameterException"
        assert made[1].endswith(message)


@pytest.mark.parametrize("token", ["q", "WyJhIl0=", "MQ==", "ü", "WzEsInMiLDBd"])
def test_tokens_that_nobody_was_given(logs: Any, group: str, token: str) -> None:
    lists = (logs.describe_log_streams, logs.describe_subscription_filters, logs.filter_log_events)
    wanted = ("InvalidParameterException", "The specified nextToken is invalid.")
    assert refused(logs.describe_log_groups, nextToken=token) == wanted
    assert refused(logs.describe_log_streams, logGroupName=group, descending=True, nextToken=token) == wanted
    for one in lists:
        assert refused(one, logGroupName=group, nextToken=token) == wanted


def test_streams(logs: Any, group: str) -> None:
    for name in ("b", "a", "c"):
        logs.create_log_stream(logGroupName=group, logStreamName=name)
    assert refused(logs.create_log_stream, logGroupName=group, logStreamName="a")[0] == "ResourceAlreadyExistsException"
    start = now() - 60_000
    put(logs, group, "a", "newest", at=start + 1000)
    put(logs, group, "b", "oldest", at=start)
    listed = logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert [one["logStreamName"] for one in listed] == ["a", "b", "c"]
    assert "lastEventTimestamp" not in listed[2]
    newest = logs.describe_log_streams(logGroupName=group, orderBy="LastEventTime", descending=True, limit=2)
    assert [one["logStreamName"] for one in newest["logStreams"]] == ["a", "b"]
    rest = logs.describe_log_streams(
        logGroupName=group, orderBy="LastEventTime", descending=True, nextToken=newest["nextToken"]
    )
    assert [one["logStreamName"] for one in rest["logStreams"]] == ["c"]
    logs.delete_log_stream(logGroupName=group, logStreamName="a")
    assert refused(logs.get_log_events, logGroupName=group, logStreamName="a") == (
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
    )


def test_a_stream_is_read_forwards_and_backwards(logs: Any, group: str) -> None:
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    start = put(logs, group, "s", *map(str, range(10)))
    of = {"logGroupName": group, "logStreamName": "s"}
    assert messages(logs.get_log_events(**of)) == [str(number) for number in range(10)]
    last = logs.get_log_events(**of, limit=3)
    assert messages(last) == ["7", "8", "9"]
    before = logs.get_log_events(**of, limit=3, nextToken=last["nextBackwardToken"])
    assert messages(before) == ["4", "5", "6"]
    again = logs.get_log_events(**of, limit=3, nextToken=before["nextForwardToken"])
    assert messages(again) == ["7", "8", "9"]
    end = logs.get_log_events(**of, nextToken=again["nextForwardToken"])
    assert messages(end) == []
    assert end["nextForwardToken"] == again["nextForwardToken"], "the end has been reached"
    put(logs, group, "s", "more", at=now())
    assert messages(logs.get_log_events(**of, nextToken=end["nextForwardToken"])) == ["more"]
    some = logs.get_log_events(**of, startFromHead=True, startTime=start + 2, endTime=start + 5)
    assert messages(some)[:3] == ["2", "3", "4"]
    for token in ("nonsense", "f/123", "f/123/s", f"f/{'9' * 5000}/s", f"x/{'0' * 56}/s"):
        assert refused(logs.get_log_events, **of, nextToken=token)[0] == "InvalidParameterException"


def test_events_are_found_in_the_order_of_time(logs: Any, group: str) -> None:
    start = now() - 60_000
    for stream in ("one", "two"):
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
    for number in range(25):
        put(logs, group, ("one", "two")[number % 2], f"{'odd' if number % 2 else 'even'} {number}", at=start + number)
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, PaginationConfig={"PageSize": 10})
    found = [event for page in pages for event in page["events"]]
    assert [int(event["message"].split()[1]) for event in found] == list(range(25))
    assert len({event["eventId"] for event in found}) == 25
    odd = logs.filter_log_events(logGroupName=group, filterPattern="odd", startTime=start + 5, endTime=start + 9)
    assert messages(odd) == ["odd 5", "odd 7", "odd 9"]
    named = logs.filter_log_events(logGroupName=group, logStreamNames=["one"])
    assert {event["logStreamName"] for event in named["events"]} == {"one"}
    prefixed = logs.filter_log_events(logGroupName=group, logStreamNamePrefix="tw")
    assert {event["logStreamName"] for event in prefixed["events"]} == {"two"}
    for pattern in ("{ $.a }", "{ $.a = %a% && $.b = %b% && $.c = %c% }", "{ $.a.*.* = 1 }"):
        given = {"logGroupName": group, "filterPattern": pattern}
        assert refused(logs.filter_log_events, **given) == ("InvalidParameterException", "Invalid filter pattern")


@pytest.mark.parametrize("newest_first", [False, True])
def test_what_is_put_out_of_order_is_found_in_order_on_every_page(logs: Any, group: str, newest_first: bool) -> None:
    start = now() - 60_000
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    for number in (20, 0, 10, 25, 5, 15):
        put(logs, group, "s", *(str(number + more) for more in range(5)), at=start + number)
    order = {"startFromHead": False, "startTime": start} if newest_first else {}
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=group, PaginationConfig={"PageSize": 7}, **order
    )
    found = [int(event["message"]) for page in pages for event in page["events"]]
    assert found == sorted(range(30), reverse=newest_first)


def test_events_are_found_newest_first(logs: Any, group: str) -> None:
    start = now() - 60_000
    for number, stream in enumerate(("one", "two")):
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        put(logs, group, stream, *(f"{stream} {at}" for at in range(10)), at=start + 100 * number)
    wanted = [f"{stream} {at}" for stream in ("two", "one") for at in reversed(range(10))]
    of = {"logGroupName": group}
    assert messages(logs.filter_log_events(**of, startFromHead=True)) == wanted[::-1]
    assert messages(logs.filter_log_events(**of, startFromHead=False)) == wanted
    page = logs.filter_log_events(**of, startFromHead=False, limit=7, startTime=start)
    rest = logs.filter_log_events(**of, startFromHead=True, nextToken=page["nextToken"])
    assert messages(page) + messages(rest) == wanted, "the token's direction counts"
    nine = logs.filter_log_events(**of, startFromHead=False, filterPattern="9", endTime=start + 50)
    assert messages(nine) == ["one 9"]
    early = refused(logs.filter_log_events, **of, startFromHead=False, startTime=1_704_067_199_999)
    assert early[0] == "InvalidParameterException"


def test_events_that_are_not_taken(logs: Any, group: str) -> None:
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    of = {"logGroupName": group, "logStreamName": "s"}
    day = 86_400_000
    events = [
        {"timestamp": now(), "message": "fine"},
        {"timestamp": now() + 3 * 3_600_000, "message": "too new"},
    ]
    rejected = logs.put_log_events(**of, logEvents=events)["rejectedLogEventsInfo"]
    assert rejected == {"tooNewLogEventStartIndex": 1}
    old = [{"timestamp": now() - 15 * day, "message": "too old"}]
    assert logs.put_log_events(**of, logEvents=old)["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    assert messages(logs.get_log_events(**of)) == ["fine"]
    apart = [*old, {"timestamp": now() - 30 * 3_600_000, "message": "expired"}, {"timestamp": now(), "message": "too"}]
    logs.put_retention_policy(logGroupName=group, retentionInDays=1)
    rejected = logs.put_log_events(**of, logEvents=[*apart, events[1]])["rejectedLogEventsInfo"]
    assert rejected == {"tooOldLogEventEndIndex": 1, "expiredLogEventEndIndex": 2, "tooNewLogEventStartIndex": 3}
    assert messages(logs.get_log_events(**of)) == ["fine", "too"]
    logs.delete_retention_policy(logGroupName=group)
    assert refused(logs.put_log_events, **of, logEvents=events[::-1])[1].endswith("must be in chronological order.")
    huge = [{"timestamp": now(), "message": "x" * 600_000}] * 2
    assert refused(logs.put_log_events, **of, logEvents=huge)[0] == "InvalidParameterException"
    days = [{"timestamp": now() - 2 * day, "message": "one"}, {"timestamp": now(), "message": "other"}]
    assert refused(logs.put_log_events, **of, logEvents=days)[1].endswith("cannot span more than 24 hours.")
    nowhere = {"logGroupName": group, "logStreamName": "nowhere", "logEvents": events[:1]}
    assert refused(logs.put_log_events, **nowhere)[0] == "ResourceNotFoundException"


def test_what_is_not_built_is_refused(logs: Any) -> None:
    code, message = refused(logs.start_query, logGroupName="x", startTime=0, endTime=1, queryString="fields @message")
    assert code == "InvalidParameterException"
    assert "StartQuery" in message


def test_a_live_tail_shows_what_comes(client: Any, logs: Any) -> None:
    name = create(client, SAYS)
    call(client, name, {"say": "before"})
    group = f"arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/{name}"
    wait_for(lambda: logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"])
    stream = logs.start_live_tail(logGroupIdentifiers=[group], logEventFilterPattern="now")["responseStream"]
    events = iter(stream)
    assert "sessionStart" in next(events)
    call(client, name, {"say": "now"})
    shown: list[str] = []
    for event in events:
        shown += [one["message"] for one in event["sessionUpdate"]["sessionResults"]]
        if shown:
            break
    stream.close()
    assert shown == ["now\n"]


TAKES = """
import base64, gzip, json
def handler(event, context):
    print('took', json.dumps(json.loads(gzip.decompress(base64.b64decode(event['awslogs']['data'])))))
"""


def test_subscriptions_invoke_functions(server: Server, client: Any, logs: Any) -> None:
    source, target = create(client, SAYS), create(client, TAKES)
    call(client, source, {"say": "before"})
    group, arn = f"/aws/lambda/{source}", f"arn:aws:lambda:us-east-1:000000000000:function:{target}"
    wait_for(lambda: logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"])
    of = {"logGroupName": group, "filterName": "errors", "filterPattern": "ERROR", "destinationArn": arn}
    assert refused(logs.put_subscription_filter, **of)[1].startswith("Could not execute the lambda function.")
    client.add_permission(
        FunctionName=target,
        StatementId="logs",
        Action="lambda:InvokeFunction",
        Principal="logs.amazonaws.com",
        SourceArn=f"arn:aws:logs:us-east-1:000000000000:log-group:{group}:*",
    )
    greedy = {**of, "filterPattern": "[a = %a%, b = %b%, c = %c%]"}
    assert refused(logs.put_subscription_filter, **greedy) == ("InvalidParameterException", "Invalid filter pattern")
    logs.put_subscription_filter(**of)
    (found,) = logs.describe_subscription_filters(logGroupName=group)["subscriptionFilters"]
    assert (found["filterName"], found["destinationArn"]) == ("errors", arn)
    stream, _ = call(client, source, {"say": "ERROR it broke"})
    call(client, source, {"say": "fine"})
    took = server.wait_for_log(target, "took")
    document = json.loads(next(line for line in took if line.startswith("took ")).removeprefix("took "))
    assert document["messageType"] == "DATA_MESSAGE"
    assert (document["owner"], document["logGroup"], document["logStream"]) == ("000000000000", group, stream)
    assert document["subscriptionFilters"] == ["errors"]
    assert [event["message"] for event in document["logEvents"]] == ["ERROR it broke\n"]
    logs.delete_subscription_filter(logGroupName=group, filterName="errors")
    assert logs.describe_subscription_filters(logGroupName=group)["subscriptionFilters"] == []
    gone = refused(logs.delete_subscription_filter, logGroupName=group, filterName="errors")
    assert gone[0] == "ResourceNotFoundException"


def test_groups_survive(own_server: Server) -> None:
    own_server.start()
    logs = own_server.client("logs")
    logs.create_log_group(logGroupName="kept", tags={"a": "1"})
    logs.create_log_stream(logGroupName="kept", logStreamName="s")
    logs.put_retention_policy(logGroupName="kept", retentionInDays=30)
    put(logs, "kept", "s", "one", "two")
    own_server.kill()
    own_server.start()
    logs = own_server.client("logs")
    (found,) = logs.describe_log_groups()["logGroups"]
    assert (found["logGroupName"], found["retentionInDays"]) == ("kept", 30)
    assert messages(logs.get_log_events(logGroupName="kept", logStreamName="s")) == ["one", "two"]


def test_the_aws_cli_reads(server: Server, client: Any, logs: Any) -> None:
    """Version 1, which is what the package registries have: `logs tail` is version 2's, and asks as the next test does."""
    name = create(client, SAYS)
    call(client, name, {"say": "first"})
    wait_for(lambda: logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"])
    credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    command = [str(Path(sys.executable).with_name("aws")), "--endpoint-url", server.url, "logs", "filter-log-events"]
    shown = subprocess.run(
        [*command, "--log-group-name", f"/aws/lambda/{name}", "--query", "events[].message", "--output", "text"],
        env={**os.environ, **credentials},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "first" in shown.stdout


def test_who_follows_sees_everything_once(client: Any, logs: Any) -> None:
    """As `aws logs tail --follow` and `sam logs --tail` do: FilterLogEvents from the last event's time on, again and again."""
    name = create(client, SAYS)
    call(client, name, {"say": "number 0"})
    group = f"/aws/lambda/{name}"
    wait_for(lambda: logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"])
    seen: dict[str, str] = {}
    start = 0

    def poll() -> None:
        nonlocal start
        for page in logs.get_paginator("filter_log_events").paginate(
            logGroupName=group, startTime=start, filterPattern="number", interleaved=True
        ):
            for event in page["events"]:
                seen[event["eventId"]] = event["message"].strip()
                start = max(start, event["timestamp"])

    for number in range(1, 6):
        poll()
        call(client, name, {"say": f"number {number}"})
    poll()
    assert list(seen.values()) == [f"number {number}" for number in range(6)]
