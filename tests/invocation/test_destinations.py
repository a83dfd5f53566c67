"""What becomes of asynchronous events: destinations, dead-letter queues, retries.

AWS: docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

import json
import re
import socket
from pathlib import Path
from typing import Any

from functions import PROMPT, call, create, new_name
from gates import Gate
from neighbours import ACCOUNT, REGION, Neighbours
from server import Server
from wait import wait_for

CODE = """
def handler(event, context):
    print("ran", event)
    if "fail" in event:
        raise RuntimeError(event["fail"])
    return {"seen": event}
"""
ARN = f"arn:aws:lambda:{REGION}:000000000000:function:"


def send(client: Any, name: str, event: Any, **more: Any) -> str:
    """The event's request id."""
    answer = client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event).encode(), **more)
    assert answer["StatusCode"] == 202
    request_id: str = answer["ResponseMetadata"]["RequestId"]
    return request_id


def configure(client: Any, name: str, *, success: str = "", failure: str = "", **more: Any) -> None:
    destinations = {name: {"Destination": arn} for name, arn in (("OnSuccess", success), ("OnFailure", failure)) if arn}
    client.put_function_event_invoke_config(FunctionName=name, DestinationConfig=destinations, **more)


def test_success_is_told(aws: Any, neighbours: Neighbours) -> None:
    arn, url = neighbours.queue(new_name("q"))
    name = create(aws, CODE)
    configure(aws, name, success=arn)
    request_id = send(aws, name, {"a": "ü"})
    (message,) = neighbours.receive(url)
    assert re.fullmatch(
        r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0;Lineage=1:[0-9a-f]{8}:0",
        message["Attributes"]["AWSTraceHeader"],
    )
    assert "MessageAttributes" not in message
    record = json.loads(message["Body"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record.pop("timestamp"))
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{ARN}{name}:$LATEST",
            "condition": "Success",
            "approximateInvokeCount": 1,
        },
        "requestPayload": {"a": "ü"},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": {"seen": {"a": "ü"}},
    }


def test_failure_is_told_when_retries_are_exhausted(aws: Any, neighbours: Neighbours, connected: Server) -> None:
    arn, url = neighbours.queue(new_name("q"))
    name = create(aws, CODE)
    configure(aws, name, failure=arn)
    request_id = send(aws, name, {"fail": "on purpose"})
    record = neighbours.record(url)
    assert record["requestContext"] == {
        "requestId": request_id,
        "functionArn": f"{ARN}{name}:$LATEST",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 3,
    }
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    assert record["responsePayload"]["errorMessage"] == "on purpose"
    assert record["responsePayload"]["requestId"] == request_id
    assert sum("ran {" in line for line in connected.function_log(name)) == 3


def test_only_what_is_asked_for_is_told(aws: Any, neighbours: Neighbours) -> None:
    arn, url = neighbours.queue(new_name("q"))
    name = create(aws, CODE)
    configure(aws, name, failure=arn, MaximumRetryAttempts=0)
    send(aws, name, {"a": 1})
    send(aws, name, {"fail": "no"})
    record = neighbours.record(url)
    assert (record["requestPayload"], record["requestContext"]["approximateInvokeCount"]) == ({"fail": "no"}, 1)


def test_each_qualifier_has_its_own(aws: Any, neighbours: Neighbours) -> None:
    arn, url = neighbours.queue(new_name("q"))
    name = create(aws, CODE, Publish=True)
    aws.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1", WaiterConfig=PROMPT)
    aws.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    aws.put_function_event_invoke_config(
        FunctionName=name, Qualifier="live", DestinationConfig={"OnSuccess": {"Destination": arn}}
    )
    send(aws, name, {"to": "latest"})
    send(aws, name, {"to": "live"}, Qualifier="live")
    record = neighbours.record(url)
    assert record["requestPayload"] == {"to": "live"}
    assert record["requestContext"]["functionArn"] == f"{ARN}{name}:live"
    assert record["responseContext"]["executedVersion"] == "1"


def test_a_topic(aws: Any, neighbours: Neighbours) -> None:
    queue, url = neighbours.queue(new_name("q"))
    sns = neighbours.client("sns")
    topic = sns.create_topic(Name=new_name("t"))["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    name = create(aws, CODE)
    configure(aws, name, success=topic)
    send(aws, name, {"a": 1})
    record = json.loads(neighbours.record(url)["Message"])
    assert (record["requestContext"]["condition"], record["requestPayload"]) == ("Success", {"a": 1})


def test_an_event_bus(aws: Any, neighbours: Neighbours) -> None:
    queue, url = neighbours.queue(new_name("q"))
    events, rule = neighbours.client("events"), new_name("r")
    name = create(aws, CODE)
    pattern = {"source": ["lambda"], "detail": {"requestContext": {"functionArn": [f"{ARN}{name}:$LATEST"]}}}
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": queue}])
    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    configure(aws, name, success=bus, failure=bus, MaximumRetryAttempts=0)
    seen = {}
    for event in ({"a": 1}, {"fail": "no"}):
        send(aws, name, event)
        told = neighbours.record(url)
        seen[told["detail-type"]] = told["detail"]["requestPayload"]
        assert told["resources"] == [bus, f"{ARN}{name}:$LATEST"]
    assert seen == {
        "Lambda Function Invocation Result - Success": {"a": 1},
        "Lambda Function Invocation Result - Failure": {"fail": "no"},
    }


def test_a_bucket(aws: Any, neighbours: Neighbours) -> None:
    s3, bucket = neighbours.client("s3"), new_name("bucket")
    s3.create_bucket(Bucket=bucket)
    name = create(aws, CODE)
    configure(aws, name, failure=f"arn:aws:s3:::{bucket}", MaximumRetryAttempts=0)
    send(aws, name, {"fail": "no"})
    wait_for(lambda: s3.list_objects_v2(Bucket=bucket)["KeyCount"])
    (found,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert re.fullmatch(
        rf"aws/lambda/async/{name}/\d{{4}}/\d\d/\d\d/\d{{4}}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[0-9a-f-]{{36}}", found["Key"]
    )
    record = json.loads(s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read())
    assert record["requestContext"]["condition"] == "RetriesExhausted"


def test_another_function(aws: Any, connected: Server) -> None:
    first, second = create(aws, CODE), create(aws, CODE)
    configure(aws, first, success=f"{ARN}{second}")
    send(aws, first, {"a": 1})
    log = "\n".join(connected.wait_for_log(second, "'condition': 'Success'"))
    assert f"'functionArn': '{ARN}{first}:$LATEST'" in log


def test_a_dead_letter_queue(aws: Any, neighbours: Neighbours) -> None:
    arn, url = neighbours.queue(new_name("q"))
    name = create(aws, CODE, DeadLetterConfig={"TargetArn": arn})
    request_id = send(aws, name, {"fail": "ü" * 2000})
    (message,) = neighbours.receive(url)
    assert json.loads(message["Body"]) == {"fail": "ü" * 2000}
    attributes = {key: (one["DataType"], one["StringValue"]) for key, one in message["MessageAttributes"].items()}
    assert attributes == {
        "RequestID": ("String", request_id),
        "ErrorCode": ("Number", "200"),
        "ErrorMessage": ("String", "ü" * 512),
    }


def test_what_no_message_may_have_in_an_error_costs_no_event(server: Server, client: Any) -> None:
    """Terminals' colours, for one."""
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName=new_name("q"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    name = create(client, CODE, DeadLetterConfig={"TargetArn": arn})
    client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    send(client, name, {"fail": "\x1b[31mred\x1b[0m"})
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20, MessageAttributeNames=["All"])["Messages"]
    assert json.loads(message["Body"]) == {"fail": "\x1b[31mred\x1b[0m"}
    assert message["MessageAttributes"]["ErrorMessage"]["StringValue"] == "\ufffd[31mred\ufffd[0m"


def test_an_alias_that_is_deleted_before_the_retry(aws: Any, connected: Server, neighbours: Neighbours) -> None:
    gate = Gate(connected)
    arn, url = neighbours.queue(new_name("q"))
    code = gate.code + "def handler(event, context):\n    gate()\n    raise ValueError('no')\n"
    name = create(aws, code, Publish=True, DeadLetterConfig={"TargetArn": arn})
    aws.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1", WaiterConfig=PROMPT)
    aws.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    send(aws, name, {"of": "live"}, Qualifier="live")
    gate.wait_for(1)
    aws.delete_alias(FunctionName=name, Name="live")
    gate.open()
    (message,) = neighbours.receive(url)
    assert json.loads(message["Body"]) == {"of": "live"}


def test_a_dead_letter_topic_beside_a_destination(aws: Any, neighbours: Neighbours) -> None:
    (letters, letters_url), (records, records_url) = (neighbours.queue(new_name("q")) for _ in "ab")
    sns = neighbours.client("sns")
    topic = sns.create_topic(Name=new_name("t"))["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=letters)
    name = create(aws, CODE, DeadLetterConfig={"TargetArn": topic})
    configure(aws, name, failure=records, MaximumRetryAttempts=0)
    request_id = send(aws, name, {"fail": "no"})
    told = neighbours.record(letters_url)
    assert json.loads(told["Message"]) == {"fail": "no"}
    assert told["MessageAttributes"]["RequestID"]["Value"] == request_id
    assert neighbours.record(records_url)["requestContext"]["requestId"] == request_id


def test_a_function_without_concurrency_is_given_up_at_once(aws: Any, neighbours: Neighbours) -> None:
    arn, url = neighbours.queue(new_name("q"))
    name = create(aws, CODE)
    aws.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    configure(aws, name, failure=arn)
    send(aws, name, {"a": 1})
    record = neighbours.record(url)
    assert record["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert not {"responseContext", "responsePayload"} & record.keys()


def test_a_target_that_is_not_there(aws: Any, connected: Server) -> None:
    name = create(aws, CODE, DeadLetterConfig={"TargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:nowhere"})
    configure(aws, name, failure=f"arn:aws:sns:{REGION}:{ACCOUNT}:nowhere", MaximumRetryAttempts=0)
    send(aws, name, {"fail": "no"})

    def counted() -> bool:
        metrics = connected.get("/_lambdad/metrics")[1].decode()
        wanted = (
            "destination_delivery_failures",
            "dead_letter_errors",
            "async_events_dropped",
            "async_events_received",
        )
        return all(f'lambdad_{one}_total{{function="{name}"}} 1' in metrics for one in wanted)

    wait_for(counted)


def test_what_was_not_delivered_is_delivered_by_the_next_server(
    own_server: Server, neighbours: Neighbours, unused_port: int
) -> None:
    """The queue is out of reach; the server is killed; then it is there."""
    arn, url = neighbours.queue(new_name("q"))
    lost = Server(own_server.data_dir, "--endpoint", f"sqs=http://127.0.0.1:{unused_port}").start()
    client = lost.client()
    name = create(client, CODE)
    configure(client, name, success=arn)
    request_id = send(client, name, {"a": 1})
    wait_for(lambda: "is tried again" in lost.log())
    lost.kill()
    found = Server(own_server.data_dir, *neighbours.arguments()).start()
    try:
        assert neighbours.record(url)["requestContext"]["requestId"] == request_id
    finally:
        assert found.stop() == 0


def test_a_target_that_does_not_answer_holds_up_no_other(own_server: Server, neighbours: Neighbours) -> None:
    """Two hundred records for it would take all places for minutes, again and again."""
    queue, url = neighbours.queue(new_name("q"))
    sns = neighbours.client("sns")
    topic = sns.create_topic(Name=new_name("t"))["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        endpoints = ("--endpoint", f"sqs=http://127.0.0.1:{silent.getsockname()[1]}", *neighbours.arguments()[2:])
        server = Server(own_server.data_dir, *endpoints).start()
        client = server.client()
        stuck, free = create(client, CODE), create(client, CODE)
        configure(client, stuck, success=queue)
        configure(client, free, success=topic)
        for number in range(200):
            send(client, stuck, [number])
        silent.settimeout(120)
        assert silent.accept()
        request_id = send(client, free, {"a": 1})
        assert json.loads(neighbours.record(url)["Message"])["requestContext"]["requestId"] == request_id
        server.kill()


def test_other_accounts_are_told_what_they_allow(own_server: Server) -> None:
    """A function by its policy; nothing of another account's is asked in that account's name."""
    server = own_server.start()
    other, client = server.client(account="111111111111"), server.client()
    told, name = create(other, CODE), create(client, CODE)
    function = f"arn:aws:lambda:{REGION}:111111111111:function:{told}"
    queue = f"arn:aws:sqs:{REGION}:111111111111:theirs"
    server.client("sqs", account="111111111111").create_queue(QueueName="theirs")
    configure(client, name, success=function, failure=queue, MaximumRetryAttempts=0)
    send(client, name, {"a": 1})
    wait_for(lambda: f"lambda:InvokeFunction on resource: {function}" in server.log())
    send(client, name, {"fail": "x"})
    wait_for(lambda: f"{name} may send nothing to {queue}" in server.log())
    other.add_permission(FunctionName=told, StatementId="s", Action="lambda:InvokeFunction", Principal="000000000000")
    send(client, name, {"a": 2})
    group, logs = f"/aws/lambda/{told}", server.client("logs", account="111111111111")
    wait_for(lambda: logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"])
    wait_for(lambda: logs.filter_log_events(logGroupName=group, filterPattern="ran")["events"])
    (ran,) = logs.filter_log_events(logGroupName=group, filterPattern="ran")["events"]
    assert "{'seen': {'a': 2}}" in ran["message"]


def test_without_an_endpoint_it_is_said(tmp_path: Path) -> None:
    alone = Server(tmp_path / "data", "--companion", "off").start()
    try:
        client = alone.client()
        name = create(client, CODE)
        configure(client, name, success=f"arn:aws:sns:{REGION}:000000000000:any")
        send(client, name, {"a": 1})
        wait_for(lambda: "--endpoint sns=URL" in alone.log())
        assert call(client, name, {"a": 2})[0] == {"seen": {"a": 2}}
    finally:
        assert alone.stop() == 0
