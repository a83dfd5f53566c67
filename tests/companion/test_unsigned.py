"""Requests that nobody signed: each reaches the service that it is for, by SDK and by hand."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import boto3
import cbor2
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from functions import new_name
from server import Server

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/x-amz-json-1.0"}


def unsigned(aws: Server, service: str) -> Any:
    settings = Config(signature_version=UNSIGNED, retries={"max_attempts": 0}, read_timeout=70)
    return boto3.client(service, endpoint_url=aws.url, region_name="us-east-1", config=settings)


def ask(aws: Server, method: str, target: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, str, bytes]:
    """(status, content type, body)"""
    address = urlsplit(aws.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=120)
    connection.request(method, target, body, headers)
    answer = connection.getresponse()
    found = answer.status, answer.headers.get("Content-Type", ""), answer.read()
    connection.close()
    return found


def test_every_service_is_reached_by_its_sdk(aws: Server) -> None:
    name = new_name("unsigned")
    url = unsigned(aws, "sqs").create_queue(QueueName=name)["QueueUrl"]
    assert aws.client("sqs").get_queue_url(QueueName=name)["QueueUrl"] == url
    unsigned(aws, "sqs").send_message(QueueUrl=url, MessageBody="hello")
    assert unsigned(aws, "events").describe_event_bus()["Name"] == "default"
    unsigned(aws, "logs").create_log_group(logGroupName=name)
    assert aws.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert "Metrics" in unsigned(aws, "cloudwatch").list_metrics(Namespace=name)
    assert unsigned(aws, "scheduler").list_schedule_groups()["ScheduleGroups"][0]["Name"] == "default"
    assert "SamplingRuleRecords" in unsigned(aws, "xray").get_sampling_rules()
    assert "ScalableTargets" in unsigned(aws, "application-autoscaling").describe_scalable_targets(
        ServiceNamespace="lambda"
    )
    assert "Functions" in unsigned(aws, "lambda").list_functions()


def test_the_companions_services_too(aws: Server) -> None:
    name = new_name("unsigned")
    topic = unsigned(aws, "sns").create_topic(Name=name)["TopicArn"]
    assert topic == f"arn:aws:sns:us-east-1:000000000000:{name}"
    assert topic in [one["TopicArn"] for one in aws.client("sns").list_topics()["Topics"]]
    unsigned(aws, "kinesis").create_stream(StreamName=name, ShardCount=1)
    assert name in aws.client("kinesis").list_streams()["StreamNames"]
    assert "TableNames" in unsigned(aws, "dynamodb").list_tables()
    assert unsigned(aws, "sts").get_caller_identity()["Account"] == "000000000000"
    assert "Users" in unsigned(aws, "iam").list_users()
    bucket = unsigned(aws, "s3")
    bucket.create_bucket(Bucket=name)
    bucket.put_object(Bucket=name, Key="a/b.txt", Body=b"there", ACL="public-read")
    assert bucket.get_object(Bucket=name, Key="a/b.txt")["Body"].read() == b"there"
    assert name in [one["Name"] for one in bucket.list_buckets()["Buckets"]]
    bucket.delete_object(Bucket=name, Key="a/b.txt")
    assert "Contents" not in bucket.list_objects_v2(Bucket=name)


def test_by_hand(aws: Server) -> None:
    name = new_name("unsigned")
    made = ask(aws, "POST", "/", FORM, f"Action=CreateQueue&Version=2012-11-05&QueueName={name}".encode())
    assert made[0] == 200
    assert b"<CreateQueueResponse" in made[2]
    assert b"<ListQueuesResponse" in ask(aws, "GET", "/?Action=ListQueues", {})[2]
    sent = ask(aws, "POST", f"/000000000000/{name}", FORM, b"Action=SendMessage&MessageBody=x")
    assert b"<MD5OfMessageBody>" in sent[2]
    assert b"<ListTopicsResponse" in ask(aws, "POST", "/", FORM, b"Action=ListTopics")[2]
    assert b"<GetCallerIdentityResponse" in ask(aws, "POST", "/", FORM, b"Action=GetCallerIdentity")[2]
    status, _, body = ask(aws, "POST", "/", {**JSON, "X-Amz-Target": "AmazonSQS.ListQueues"}, b"{}")
    assert status == 200
    assert any(url.endswith(name) for url in json.loads(body)["QueueUrls"])


def test_an_object_that_looks_like_a_form_is_an_object(aws: Server) -> None:
    bucket, form = new_name("unsigned"), b"Action=DeleteQueue&Version=2012-11-05"
    aws.client("s3").create_bucket(Bucket=bucket, ACL="public-read-write")
    assert ask(aws, "PUT", f"/{bucket}/form", FORM, form)[0] == 200
    aws.client("s3").put_object(Bucket=bucket, Key="signed", Body=form, ContentType=FORM["Content-Type"])
    for key in ("form", "signed"):
        found = aws.client("s3").get_object(Bucket=bucket, Key=key)
        assert (found["Body"].read(), found["ContentType"]) == (form, FORM["Content-Type"])


@pytest.mark.parametrize("target", ["Nobodys.Thing", "AmazonSQS.Nothing", "Logs_20140328", "", "DynamoDB.ListTables"])
def test_unknown_targets_are_refused(aws: Server, target: str) -> None:
    status, kind, body = ask(aws, "POST", "/", {**JSON, "X-Amz-Target": target}, b"{}")
    assert (status, json.loads(body)["__type"]) == (400, "UnknownOperationException")
    assert "json" in kind


@pytest.mark.parametrize("form", ["Action=Nothing", "Action=Nothing&Version=2012-11-05", "Action=ListQueues&Version=1"])
def test_unknown_actions_are_refused(aws: Server, form: str) -> None:
    status, kind, body = ask(aws, "POST", "/", FORM, form.encode())
    assert (status, kind) == (400, "text/xml")
    assert b"<Code>InvalidAction</Code>" in body


def test_unknown_services_in_cbor_are_refused(aws: Server) -> None:
    headers = {"smithy-protocol": "rpc-v2-cbor", "Content-Type": "application/cbor"}
    status, kind, body = ask(aws, "POST", "/service/Nobodys/operation/Thing", headers, b"\xa0")
    assert (status, kind) == (400, "application/cbor")
    assert cbor2.loads(body)["__type"] == "UnknownOperationException"
    known = ask(aws, "POST", "/service/GraniteServiceVersion20100801/operation/ListMetrics", headers, b"\xa0")
    assert known[0] == 200
