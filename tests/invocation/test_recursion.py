"""Functions that call themselves without end are stopped.

AWS: docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""

import json
import os
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions import call, create, new_name
from lambdad.invocation.recursion import MOST_LOOPS, hop, most_looped
from lambdad.resources.function import FunctionKey
from metric_reading import Reading
from neighbours import REGION, Neighbours
from server import Server
from wait import wait_for

ARN = f"arn:aws:lambda:{REGION}:000000000000:function:"
RETURNS_TRACE = "import os\ndef handler(event, context):\n    return os.environ['_X_AMZN_TRACE_ID']\n"
CALLS_ITSELF = """
import http.client, json, os
from urllib.parse import urlsplit
def handler(event, context):
    if event["left"] == 0:
        return "through"
    connection = http.client.HTTPConnection(urlsplit(os.environ["AWS_ENDPOINT_URL"]).netloc)
    path = "/2015-03-31/functions/" + context.function_name + "/invocations"
    payload = json.dumps({"left": event["left"] - 1})
    connection.request("POST", path, payload, {"X-Amzn-Trace-Id": os.environ["_X_AMZN_TRACE_ID"]})
    answer = connection.getresponse()
    body = json.loads(answer.read())
    return body if answer.status == 200 else [event["left"], answer.status, answer.headers["x-amzn-ErrorType"], body]
"""
CALLS_ANOTHER = """
import boto3, json, os
def handler(event, context):
    answer = boto3.client("lambda").invoke(FunctionName=event, Payload=b"{}")
    return [os.environ["_X_AMZN_TRACE_ID"], json.loads(answer["Payload"].read())]
"""

SENDS_IT_BACK = """
import boto3, os
sqs = boto3.client("sqs")
def handler(event, context):
    print("again")
    for record in event["Records"]:
        sqs.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=record["body"])
"""

PUTS_IT_AGAIN = """
import boto3
events = boto3.client("events")
def handler(event, context):
    print("again")
    events.put_events(Entries=[{"Source": event["source"], "DetailType": "round", "Detail": "{}"}])
"""


def test_a_chain_of_destinations_ends(aws: Any, neighbours: Neighbours, connected: Server) -> None:
    """Two functions that are each other's destination."""
    arn, url = neighbours.queue(new_name("q"))
    code = "def handler(event, context):\n    print('again')\n"
    names = [create(aws, code, DeadLetterConfig={"TargetArn": arn}) for _ in "ab"]
    for name, other in (names, names[::-1]):
        aws.put_function_event_invoke_config(
            FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": ARN + other}}
        )
    aws.invoke(FunctionName=names[0], InvocationType="Event", Payload=b"{}")
    (message,) = neighbours.receive(url)
    assert message["MessageAttributes"]["RequestID"]["StringValue"]
    assert [sum("again" in line for line in connected.function_log(name)) for name in names] == [MOST_LOOPS] * 2
    metrics = connected.get("/_lambdad/metrics")[1].decode()
    assert f'lambdad_recursive_invocations_dropped_total{{function="{names[0]}"}} 1' in metrics


def test_it_may_be_allowed(aws: Any, connected: Server) -> None:
    name = create(aws, "def handler(event, context):\n    print('again')\n")
    other = create(aws, "def handler(event, context):\n    print('again')\n")
    for one, next_one in ((name, other), (other, name)):
        aws.put_function_recursion_config(FunctionName=one, RecursiveLoop="Allow")
        aws.put_function_event_invoke_config(
            FunctionName=one, DestinationConfig={"OnSuccess": {"Destination": ARN + next_one}}
        )
    aws.invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")
    wait_for(lambda: sum("again" in line for line in connected.function_log(name)) > MOST_LOOPS + 1)
    aws.delete_function(FunctionName=name)
    aws.delete_function(FunctionName=other)


def test_a_function_that_invokes_itself(client: Any, isolated: None) -> None:
    name = create(client, CALLS_ITSELF)
    left, status, error, body = call(client, name, {"left": 20})[0]
    assert (left, status, error) == (20 - MOST_LOOPS + 1, 400, "RecursiveInvocationException")
    assert name in body["Message" if "Message" in body else "message"]


def test_a_function_that_fills_the_queue_that_it_reads(client: Any, server: Server, isolated: None) -> None:
    """The header that the SDK in it sends becomes the message's trace. What is stopped stays in the queue."""
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName=new_name("q"), Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    source = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    name = create(client, SENDS_IT_BACK, Environment={"Variables": {"QUEUE": url}}, MemorySize=1769)
    client.create_event_source_mapping(FunctionName=name, EventSourceArn=source)
    sqs.send_message(QueueUrl=url, MessageBody="round")
    dropped = f'lambdad_recursive_invocations_dropped_total{{function="{name}"}} 1'
    wait_for(lambda: dropped in server.get("/_lambdad/metrics")[1].decode())
    assert sum("again" in line for line in server.function_log(name)) == MOST_LOOPS
    reading = Reading(server.client("cloudwatch"))
    wait_for(lambda: reading.sum("RecursiveInvocationsDropped", FunctionName=name) == 1)
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessagesNotVisible"])
    assert counts["Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "1"
    client.delete_function(FunctionName=name)


def test_a_function_that_puts_the_events_that_it_is_told(client: Any, server: Server, isolated: None) -> None:
    """The header that the SDK in it sends goes through the bus."""
    name = create(client, PUTS_IT_AGAIN, MemorySize=1769)
    events = server.client("events")
    rule = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
    client.add_permission(
        FunctionName=name,
        StatementId="events",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": ARN + name}])
    events.put_events(Entries=[{"Source": name, "DetailType": "round", "Detail": "{}"}])
    dropped = f'lambdad_recursive_invocations_dropped_total{{function="{name}"}} 1'
    wait_for(lambda: dropped in server.get("/_lambdad/metrics")[1].decode())
    assert sum("again" in line for line in server.function_log(name)) == MOST_LOOPS
    client.delete_function(FunctionName=name)


def test_the_sdk_in_a_function_passes_the_trace_on(client: Any, isolated: None) -> None:
    first, second = create(client, CALLS_ANOTHER, MemorySize=1769), create(client, RETURNS_TRACE)
    own, others = call(client, first, second)[0]
    assert others.startswith(own + "|1:")


def test_every_way_of_invoking_is_in_the_chain(client: Any, server: Server) -> None:
    name = create(client, RETURNS_TRACE)
    counted = call(client, name)[0].rpartition(":")[0]

    def add(request: Any, **_: Any) -> None:
        request.headers["X-Amzn-Trace-Id"] = f"{counted}:{MOST_LOOPS - 1}"

    looping = server.client()
    looping.meta.events.register_first("before-sign.lambda", add)
    for invoke in (looping.invoke, looping.invoke_with_response_stream):
        with pytest.raises(client.exceptions.RecursiveInvocationException) as caught:
            invoke(FunctionName=name)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    looping.invoke_async(FunctionName=name, InvokeArgs=b"{}")
    dropped = f'lambdad_recursive_invocations_dropped_total{{function="{name}"}} 3'
    wait_for(lambda: dropped in server.get("/_lambdad/metrics")[1].decode())


def test_the_trace_header(client: Any) -> None:
    name = create(client, RETURNS_TRACE)
    own = call(client, name)[0]
    root, lineage = own.split(";")[0], own.rpartition("Lineage=")[2]
    assert lineage.endswith(":0")

    def traced(header: str) -> str:
        def add(request: Any, **_: Any) -> None:
            request.headers["X-Amzn-Trace-Id"] = header

        client.meta.events.register_first("before-sign.lambda.Invoke", add, unique_id=f"trace-{os.getpid()}")
        try:
            seen: str = call(client, name)[0]
            return seen
        finally:
            client.meta.events.unregister("before-sign.lambda.Invoke", unique_id=f"trace-{os.getpid()}")

    unsampled = f"{root};Parent=53995c3f42cd8ad8;Sampled=0"
    assert traced(unsampled) == f"{unsampled};Lineage={lineage}"
    given_root, parent, *others = traced(f"{root};Parent=53995c3f42cd8ad8;Sampled=1").split(";")
    assert (given_root, *others) == (root, "Sampled=1", f"Lineage={lineage}")
    assert re.fullmatch("Parent=[0-9a-f]{16}", parent)  # the function's own segment, which is recorded
    assert parent != "Parent=53995c3f42cd8ad8"
    assert traced(own).endswith(f"Lineage={lineage[:-1]}1")
    other = f"{root};Lineage=1:deadbeef:3"
    assert traced(other) == f"{other}|{lineage}"


KEYS = [FunctionKey("000000000000", "us-east-1", name) for name in "abc"]


@given(st.lists(st.sampled_from(KEYS), max_size=60))
def test_every_function_s_loops_are_counted_apart(chain: list[FunctionKey]) -> None:
    header: str | None = None
    for at, key in enumerate(chain):
        hopped = hop(header, key, 0.0)
        assert hopped.loops == chain[:at].count(key)
        header = hopped.trace_id


def test_of_a_batch_the_message_counts_that_has_come_round_most_often() -> None:
    headers: list[str] = []
    for key in (KEYS[0], KEYS[1], KEYS[0], KEYS[0]):
        headers.append(hop(headers[-1] if headers else None, key, 0.0).trace_id)
    fresh = hop(None, KEYS[2], 0.0).trace_id
    assert most_looped([fresh, None, headers[3], headers[1]], KEYS[0]) == headers[3]
    assert most_looped([None, ""], KEYS[0]) is None


@given(st.text(alphabet=":;|=0123456789abLineage", max_size=300))
def test_headers_of_others_are_no_trouble(header: str) -> None:
    for _ in range(3):
        hopped = hop(header, KEYS[0], 0.0)
        assert 0 <= hopped.loops <= 100_000
        header = hopped.trace_id
    assert len(header) <= 1000


def test_a_long_chain_keeps_the_header_short() -> None:
    header: str | None = None
    for number in range(500):
        header = hop(header, FunctionKey("000000000000", "us-east-1", f"f{number}"), 0.0).trace_id
    assert header is not None
    assert len(header) < 800
    assert json.dumps(header)
