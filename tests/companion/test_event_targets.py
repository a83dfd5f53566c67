"""EventBridge and the companion: its services as targets of rules, and what they put on the default bus themselves."""

import json
from typing import Any

import pytest

from functions import new_name
from server import Server
from wait import wait_for

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"


class Bus:
    def __init__(self, aws: Server) -> None:
        self.events = aws.client("events")
        self.source = new_name("source")

    def send_to(self, arn: str, pattern: dict[str, Any] | None = None, **target: Any) -> None:
        name = new_name("rule")
        self.events.put_rule(Name=name, EventPattern=json.dumps(pattern or {"source": [self.source]}))
        self.events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn, **target}])

    def put(self, detail: Any) -> str:
        entry = {"Source": self.source, "DetailType": "d", "Detail": json.dumps(detail)}
        return str(self.events.put_events(Entries=[entry])["Entries"][0]["EventId"])


@pytest.fixture
def bus(aws: Server) -> Bus:
    return Bus(aws)


def message(aws: Server, url: str) -> Any:
    sqs = aws.client("sqs")
    for _ in range(60):
        for got in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", []):
            return json.loads(got["Body"])
    raise AssertionError("no message came")


def test_a_topic(aws: Server, bus: Bus) -> None:
    sns, sqs = aws.client("sns"), aws.client("sqs")
    name = new_name("q")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    topic = sns.create_topic(Name=new_name("t"))["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}")
    bus.send_to(topic)
    number = bus.put({"a": 1})
    notification = message(aws, url)
    assert notification["TopicArn"] == topic
    assert json.loads(notification["Message"])["id"] == number


def test_a_stream_is_given_its_partition_key(aws: Server, bus: Bus) -> None:
    kinesis = aws.client("kinesis")
    name = new_name("stream")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    description = kinesis.describe_stream(StreamName=name)["StreamDescription"]
    bus.send_to(description["StreamARN"], KinesisParameters={"PartitionKeyPath": "$.detail.who"}, InputPath="$.detail")
    bus.put({"who": "me"})
    shard = description["Shards"][0]["ShardId"]
    iterator = kinesis.get_shard_iterator(StreamName=name, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    found: list[Any] = []

    def there() -> bool:
        found[:] = kinesis.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
        return bool(found)

    wait_for(there)
    assert [(one["PartitionKey"], json.loads(one["Data"])) for one in found] == [("me", {"who": "me"})]


def test_a_state_machine_is_started(aws: Server, bus: Bus) -> None:
    states = aws.client("stepfunctions")
    definition = {"StartAt": "only", "States": {"only": {"Type": "Pass", "End": True}}}
    machine = states.create_state_machine(name=new_name("m"), definition=json.dumps(definition), roleArn=ROLE)
    arn = machine["stateMachineArn"]
    bus.send_to(arn, InputPath="$.detail")
    bus.put({"a": 1})
    found: list[Any] = []

    def there() -> bool:
        found[:] = states.list_executions(stateMachineArn=arn)["executions"]
        return bool(found)

    wait_for(there)
    assert json.loads(states.describe_execution(executionArn=found[0]["executionArn"])["input"]) == {"a": 1}


def test_a_bucket_that_tells_the_default_bus(aws: Server, bus: Bus) -> None:
    s3, sqs = aws.client("s3"), aws.client("sqs")
    bucket, name = new_name("bucket"), new_name("q")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}}
    bus.send_to(f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}", pattern)
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
    event = message(aws, url)
    assert (event["detail-type"], event["resources"]) == ("Object Created", [f"arn:aws:s3:::{bucket}"])
    assert (event["account"], event["region"]) == (ACCOUNT, "us-east-1")
    assert (event["detail"]["object"]["key"], event["detail"]["object"]["size"]) == ("k", 5)
