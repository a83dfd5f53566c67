"""EventBridge across `kill -9`: what was taken arrives, replays go on, and schedules fire once for what was missed."""

import concurrent.futures
import datetime
import json
import threading
from typing import Any

import apsw
from botocore.exceptions import BotoCoreError, ClientError
from test_queues_crash import drain

from server import Server
from wait import wait_for

ACCOUNT = "000000000000"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"
BUS = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"


def ready(server: Server) -> tuple[Any, str]:
    """A client, and the address of a queue that a rule sends ids to."""
    events = server.client("events")
    url = server.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    events.put_rule(Name="r", EventPattern='{"source": ["s"]}')
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": QUEUE, "InputPath": "$.id"}])
    return events, url


def bodies(server: Server, queue: str = "q") -> list[Any]:
    sqs = server.client("sqs")
    return [json.loads(message["Body"]) for message in drain(sqs, sqs.get_queue_url(QueueName=queue)["QueueUrl"])]


def test_no_accepted_event_is_lost(own_server: Server) -> None:
    """Neither on its way to a queue, nor to a target that does not take it, and from there to a dead-letter queue."""
    events, _ = ready(own_server.start())
    own_server.client("sqs").create_queue(QueueName="dead")
    gone = {"Id": "2", "Arn": f"{QUEUE}-gone", "DeadLetterConfig": {"Arn": QUEUE.replace(":q", ":dead")}}
    events.put_targets(Rule="r", Targets=[gone])
    acknowledged: list[str] = []
    enough = threading.Event()

    def produce() -> None:
        client = own_server.client("events")
        while True:
            try:
                answer = client.put_events(Entries=[{"Source": "s", "DetailType": "d", "Detail": "{}"}] * 10)
            except (BotoCoreError, ClientError):
                return  # it was killed: nobody knows of these
            acknowledged.extend(entry["EventId"] for entry in answer["Entries"])
            if len(acknowledged) >= 300:
                enough.set()

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        producers = [pool.submit(produce) for _ in range(4)]
        assert enough.wait(60)
        own_server.kill()
        for producer in producers:
            producer.result(120)
    own_server.start()
    got: set[str] = set()
    dead: set[str] = set()

    def all_there() -> bool:
        got.update(bodies(own_server))
        dead.update(event["id"] for event in bodies(own_server, "dead"))
        return set(acknowledged) <= got & dead

    wait_for(all_there)


def test_a_replay_goes_on_where_it_was(own_server: Server) -> None:
    events, _ = ready(own_server.start())
    arn = events.create_archive(ArchiveName="a", EventSourceArn=BUS)["ArchiveArn"]
    entries = [{"Source": "s", "DetailType": "d", "Detail": "{}"}] * 10
    numbers = [one["EventId"] for _ in range(40) for one in events.put_events(Entries=entries)["Entries"]]
    found: list[str] = []

    def arrived() -> bool:
        found.extend(bodies(own_server))
        return len(found) >= len(numbers)

    wait_for(arrived)
    span = (datetime.datetime(year, 1, 1, tzinfo=datetime.UTC) for year in (2020, 2099))
    start, end = span
    events.start_replay(
        ReplayName="r", EventSourceArn=arn, EventStartTime=start, EventEndTime=end, Destination={"Arn": BUS}
    )
    own_server.kill()
    events = own_server.start().client("events")
    wait_for(lambda: events.describe_replay(ReplayName="r")["State"] == "COMPLETED")
    found.clear()
    wait_for(arrived)
    assert sorted(found) == sorted(numbers)


def test_a_schedule_fires_once_for_what_was_missed(own_server: Server) -> None:
    """The rule is older than the data directory says: as if no server had run for three hours."""
    own_server.start()
    events = own_server.client("events")
    own_server.client("sqs").create_queue(QueueName="q")
    rule = events.put_rule(Name="clock", ScheduleExpression="rate(1 hour)")["RuleArn"]
    events.put_targets(Rule="clock", Targets=[{"Id": "1", "Arn": QUEUE}])
    own_server.kill()
    database = apsw.Connection(str(own_server.data_dir / "lambdad.sqlite3"))
    ((document,),) = database.execute("SELECT document FROM event_rules WHERE name = 'default/clock'")
    aged = json.loads(document)
    aged["scheduled_at"] -= 3 * 3600 + 30
    database.execute("UPDATE event_rules SET document = ? WHERE name = 'default/clock'", (json.dumps(aged),))
    database.close()

    own_server.start()
    found: list[Any] = []

    def fired() -> bool:
        found.extend(bodies(own_server))
        return bool(found)

    wait_for(fired)
    (event,) = found
    assert (event["source"], event["detail-type"], event["detail"]) == ("aws.events", "Scheduled Event", {})
    assert event["resources"] == [rule]
    own_server.kill()
    own_server.start()
    assert bodies(own_server) == []
