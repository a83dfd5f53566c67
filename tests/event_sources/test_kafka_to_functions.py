"""Topics of a Kafka cluster invoke functions: events, order, offsets, failures, filters; the cluster speaks the real protocol."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions import create, new_name
from kafka_cluster import KafkaCluster
from server import Server
from stream_mappings import queue_of
from wait import wait_for

CLUSTER = "arn:aws:kafka:us-east-1:000000000000:cluster/demo/751d2973-a626-431c-9d4e-d7975eb44dd7-2"
PRINTS = """
import json
def handler(event, context):
    print('event', json.dumps(event))
"""
FAILS = """
import base64, json
def handler(event, context):
    print('event', json.dumps(event))
    values = [base64.b64decode(one['value']) for ones in event['records'].values() for one in ones]
    if b'bad' in values:
        raise ValueError('bad')
"""
REPORTS = """
import base64, json
def handler(event, context):
    print('event', json.dumps(event))
    failed = [{'itemIdentifier': {'partition': place, 'offset': one['offset']}}
              for place, ones in event['records'].items() for one in ones if base64.b64decode(one['value']) == b'bad']
    return {'batchItemFailures': failed}
"""


@pytest.fixture(scope="module")
def cluster() -> KafkaCluster:
    return KafkaCluster()


@pytest.fixture(scope="module")
def managed(cluster: KafkaCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that knows where an Amazon MSK cluster is."""
    running = Server(tmp_path_factory.mktemp("msk") / "data", "--broker", f"{CLUSTER}={';'.join(cluster.servers)}")
    yield running.start()
    assert running.stop() == 0


class Mapped:
    """A topic, and a function that its records invoke."""

    def __init__(self, server: Server, cluster: KafkaCluster, source: str, topic: str, **settings: Any) -> None:
        self.server = server
        self.client = server.client()
        self.topic = topic
        self.function = create(self.client, source)
        where = {
            "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": cluster.servers}},
            "SourceAccessConfigurations": [{"Type": "VPC_SUBNET", "URI": "subnet:subnet-1"}],
        }
        self.mapping = self.client.create_event_source_mapping(
            **{
                "FunctionName": self.function,
                "Topics": [topic],
                "StartingPosition": "TRIM_HORIZON",
                **({} if "EventSourceArn" in settings else where),
                **settings,
            }
        )["UUID"]

    def events(self) -> list[dict[str, Any]]:
        lines = self.server.function_log(self.function)
        return [json.loads(line.removeprefix("event ")) for line in lines if line.startswith("event ")]

    def batches(self) -> list[list[str]]:
        return [
            [base64.b64decode(one["value"]).decode() for ones in event["records"].values() for one in ones]
            for event in self.events()
        ]

    def values(self) -> list[str]:
        return [value for batch in self.batches() for value in batch]

    def delete(self) -> None:
        self.client.delete_event_source_mapping(UUID=self.mapping)


@pytest.fixture
def mapped(server: Server, cluster: KafkaCluster) -> Iterator[Any]:
    made: list[Mapped] = []

    def make(source: str = PRINTS, *, topic: str | None = None, **settings: Any) -> Mapped:
        topic = topic or cluster.topic(new_name("topic"))
        made.append(Mapped(settings.pop("on", server), cluster, source, topic, **settings))
        return made[-1]

    yield make
    for one in made:
        one.delete()


def test_records_become_aws_event(mapped: Any, cluster: KafkaCluster) -> None:
    one = mapped()
    cluster.send(one.topic, b'{"a": 1}', key=b"k", headers=[("h", b"\x01\xff")], timestamp=1_790_000_000_123)
    cluster.send(one.topic, b"plain")
    wait_for(lambda: len(one.values()) == 2)
    records = [record for event in one.events() for record in event["records"][f"{one.topic}-0"]]
    event = one.events()[0]
    assert {name: event[name] for name in event if name != "records"} == {
        "eventSource": "SelfManagedKafka",
        "bootstrapServers": ",".join(cluster.servers),
    }
    assert records[0] == {
        "topic": one.topic,
        "partition": 0,
        "offset": 0,
        "timestamp": 1_790_000_000_123,
        "timestampType": "CREATE_TIME",
        "key": base64.b64encode(b"k").decode(),
        "value": base64.b64encode(b'{"a": 1}').decode(),
        "headers": [{"h": [1, -1]}],
    }
    assert records[1]["offset"] == 1
    assert "key" not in records[1]


def test_a_managed_cluster(mapped: Any, cluster: KafkaCluster, managed: Server) -> None:
    one = mapped(on=managed, EventSourceArn=CLUSTER)
    cluster.send(one.topic, b"x")
    wait_for(one.values)
    (event,) = one.events()
    assert event["eventSource"] == "aws:kafka"
    assert event["eventSourceArn"] == CLUSTER
    assert event["bootstrapServers"] == ",".join(cluster.servers)


def test_batches_and_partitions(mapped: Any, cluster: KafkaCluster) -> None:
    topic = cluster.topic(new_name("topic"))
    for partition in range(3):
        cluster.send(topic, *(f"{partition}.{number}" for number in range(50)), partition=partition)
    one = mapped(topic=topic, BatchSize=20)
    wait_for(lambda: len(one.values()) == 150)
    assert max(sum(map(len, event["records"].values())) for event in one.events()) <= 20
    for partition in range(3):
        own = [value for value in one.values() if value.startswith(f"{partition}.")]
        assert own == [f"{partition}.{number}" for number in range(50)]


def test_latest_begins_where_the_mapping_was_made(mapped: Any, cluster: KafkaCluster) -> None:
    """And what comes while nobody polls is not missed."""
    topic = cluster.topic(new_name("topic"))
    cluster.send(topic, b"before")
    one = mapped(topic=topic, StartingPosition="LATEST")

    def shown() -> list[str]:
        cluster.send(topic, b"probe")
        return one.values()

    wait_for(shown)
    assert "before" not in one.values()
    one.client.update_event_source_mapping(UUID=one.mapping, Enabled=False)
    wait_for(lambda: one.client.get_event_source_mapping(UUID=one.mapping)["State"] == "Disabled")
    cluster.send(topic, b"meanwhile")
    one.client.update_event_source_mapping(UUID=one.mapping, Enabled=True)
    wait_for(lambda: "meanwhile" in one.values())


def test_what_fails_comes_again_in_order(mapped: Any, cluster: KafkaCluster) -> None:
    one = mapped(FAILS, MaximumRetryAttempts=1)
    cluster.send(one.topic, b"bad", b"good")
    wait_for(lambda: one.values().count("bad") == 2)
    cluster.send(one.topic, b"later")
    wait_for(lambda: "later" in one.values())
    assert one.values() == ["bad", "good", "bad", "good", "later"], "given up after one retry"


def test_batches_are_split(mapped: Any, cluster: KafkaCluster) -> None:
    topic = cluster.topic(new_name("topic"))
    cluster.send(topic, b"a", b"b", b"bad", b"c")
    one = mapped(FAILS, topic=topic, MaximumRetryAttempts=0, BisectBatchOnFunctionError=True)
    wait_for(lambda: ["c"] in one.batches())
    assert one.batches() == [["a", "b", "bad", "c"], ["a", "b"], ["bad", "c"], ["bad"], ["c"]]


def test_what_is_given_up_is_told_of(mapped: Any, cluster: KafkaCluster, server: Server) -> None:
    url, arn = queue_of(server)
    topic = cluster.topic(new_name("topic"))
    cluster.send(topic, b"bad", timestamp=1_790_000_000_123)
    one = mapped(FAILS, topic=topic, MaximumRetryAttempts=1, DestinationConfig={"OnFailure": {"Destination": arn}})
    (message,) = server.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    document = json.loads(message["Body"])
    assert document.pop("timestamp")
    assert document["requestContext"].pop("requestId")
    assert document["KafkaBatchInfo"].pop("payloadSize") > 200
    place = {"firstRecordOffset": "0", "lastRecordOffset": "0"}
    moments = dict.fromkeys(("firstRecordTimestamp", "lastRecordTimestamp"), "2026-09-21T14:13:20.123Z")
    assert document == {
        "requestContext": {
            "functionArn": f"arn:aws:lambda:us-east-1:000000000000:function:{one.function}",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 2,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "KafkaBatchInfo": {
            "batchSize": 1,
            "bootstrapServers": ",".join(cluster.servers),
            "recordsInfo": {f"{topic}-0": {**place, **moments}},
        },
    }
    state = one.client.get_event_source_mapping(UUID=one.mapping)
    assert state["LastProcessingResult"] == "PROBLEM: Function call failed"


def test_only_what_is_reported_comes_again(mapped: Any, cluster: KafkaCluster) -> None:
    one = mapped(REPORTS, MaximumRetryAttempts=2, FunctionResponseTypes=["ReportBatchItemFailures"])
    cluster.send(one.topic, b"good", b"bad", b"fine")
    wait_for(lambda: one.values().count("bad") == 3)
    assert one.values().count("good") == one.values().count("fine") == 1


def test_filters_see_json(mapped: Any, cluster: KafkaCluster) -> None:
    pattern = json.dumps({"value": {"kind": ["wanted"]}})
    one = mapped(FilterCriteria={"Filters": [{"Pattern": pattern}]})
    cluster.send(one.topic, b'{"kind": "other"}', b"no json", b"\xff", b'{"kind": "wanted", "n": 1}')
    wait_for(one.values)
    assert one.values() == ['{"kind": "wanted", "n": 1}']


def test_a_crash_loses_nothing(own_server: Server, cluster: KafkaCluster, tmp_path: Path) -> None:
    own_server.start()
    topic = cluster.topic(new_name("topic"))
    one = Mapped(own_server, cluster, PRINTS, topic, BatchSize=5)
    sent = [f"{number}" for number in range(60)]
    for number, value in enumerate(sent):
        cluster.send(topic, value, partition=number % 2)
    wait_for(lambda: len(one.values()) >= 10)
    own_server.kill()
    own_server.start()
    one.server = own_server
    wait_for(lambda: set(one.values()) == set(sent))
