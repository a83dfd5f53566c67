"""What EventBridge Scheduler hands to the companion's services."""

import json
from typing import Any

import pytest

from functions import new_name
from schedules import OFF, ROLE, Queue, attributes_of
from server import Server
from wait import wait_for


@pytest.fixture(scope="module")
def scheduler(aws: Server) -> Any:
    return aws.client("scheduler")


def fire(scheduler: Any, arn: str, **target: Any) -> None:
    """At once."""
    given = {"ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": OFF}
    scheduler.create_schedule(Name=new_name("s"), Target={"Arn": arn, "RoleArn": ROLE, **target}, **given)


def test_a_topic(aws: Server, scheduler: Any) -> None:
    sns, queue = aws.client("sns"), Queue(aws)
    topic = sns.create_topic(Name=new_name("t"))["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes={"RawMessageDelivery": "true"})
    fire(scheduler, topic, Input="good morning")
    assert queue.next()["Body"] == "good morning"


def test_a_stream(aws: Server, scheduler: Any) -> None:
    kinesis, name = aws.client("kinesis"), new_name("k")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    arn = f"arn:aws:kinesis:us-east-1:000000000000:stream/{name}"
    fire(scheduler, arn, Input="record", KinesisParameters={"PartitionKey": "p"})
    records: list[Any] = []

    def there() -> bool:
        shard = {"StreamName": name, "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"}
        iterator = kinesis.get_shard_iterator(**shard)["ShardIterator"]
        records[:] = kinesis.get_records(ShardIterator=iterator)["Records"]
        return bool(records)

    wait_for(there)
    assert (records[0]["Data"], records[0]["PartitionKey"]) == (b"record", "p")


def test_a_state_machine(aws: Server, scheduler: Any) -> None:
    states = aws.client("stepfunctions")
    definition = {"StartAt": "done", "States": {"done": {"Type": "Succeed"}}}
    made = states.create_state_machine(name=new_name("m"), definition=json.dumps(definition), roleArn=ROLE)
    fire(scheduler, made["stateMachineArn"], Input='{"by": "schedule"}')
    executions: list[Any] = []

    def there() -> bool:
        executions[:] = states.list_executions(stateMachineArn=made["stateMachineArn"])["executions"]
        return bool(executions)

    wait_for(there)
    execution = states.describe_execution(executionArn=executions[0]["executionArn"])
    assert json.loads(execution["input"]) == {"by": "schedule"}


def test_any_operation_of_them(aws: Server, scheduler: Any) -> None:
    """Members begin with a capital letter, whatever the service's own do."""
    bucket = new_name("b")
    fire(scheduler, "arn:aws:scheduler:::aws-sdk:s3:createBucket", Input=json.dumps({"Bucket": bucket}))
    s3 = aws.client("s3")
    wait_for(lambda: bucket in [one["Name"] for one in s3.list_buckets()["Buckets"]])
    group = new_name("g")
    fire(
        scheduler,
        "arn:aws:scheduler:::aws-sdk:cloudwatchlogs:createLogGroup",
        Input=json.dumps({"LogGroupName": group}),
    )
    logs = aws.client("logs")
    wait_for(lambda: logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"])


def test_a_schedule_gets_no_further_than_a_function(aws: Server, scheduler: Any) -> None:
    """Nobody knows whether a function has made it: this host's own addresses are out of reach."""
    topic, dead = aws.client("sns").create_topic(Name=new_name("t"))["TopicArn"], Queue(aws)
    given = {"TopicArn": topic, "Protocol": "http", "Endpoint": "http://127.0.0.1:1/"}
    letters = {"DeadLetterConfig": {"Arn": dead.arn}}
    fire(scheduler, "arn:aws:scheduler:::aws-sdk:sns:subscribe", Input=json.dumps(given), **letters)
    attributes = attributes_of(dead.next())
    assert (attributes["ERROR_CODE"], attributes["ERROR_MESSAGE"]) == (
        "InvalidParameter",
        "Invalid parameter: Unreachable Endpoint",
    )
