"""S3: objects, and the events that buckets send of them."""

import base64
import hashlib
import json
import re
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions import call, create, new_name, zip_of
from refusals import refused
from server import Server
from told import Telling


def bucket_of(aws: Server) -> str:
    name = new_name("bucket")
    aws.client("s3").create_bucket(Bucket=name)
    return name


def notify(aws: Server, bucket: str, function: Telling, *events: str, **filters: str) -> None:
    configuration: dict[str, Any] = {"Id": "mine", "LambdaFunctionArn": function.arn, "Events": list(events)}
    if filters:
        rules = [{"Name": name, "Value": value} for name, value in filters.items()]
        configuration["Filter"] = {"Key": {"FilterRules": rules}}
    aws.client("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [configuration]}
    )


def permitted(aws: Server, bucket: str) -> Telling:
    function = Telling(aws)
    function.permit("s3.amazonaws.com", f"arn:aws:s3:::{bucket}")
    return function


@pytest.mark.parametrize(
    ("name", "value", "code", "message"),
    [
        ("ChecksumSHA256", "A" * 43 + "=", "BadDigest", "The SHA256 you specified did not match the calculated checksum."),
        ("ChecksumSHA1", "A" * 27 + "=", "BadDigest", "The SHA1 you specified did not match the calculated checksum."),
        ("ChecksumCRC32", "AAAAAA==", "BadDigest", "The CRC32 you specified did not match the calculated checksum."),
        ("ChecksumCRC32", "nothing", "InvalidRequest", "Value for x-amz-checksum-crc32 header is invalid."),
        ("ContentMD5", "A" * 22 + "==", "BadDigest", "The Content-MD5 you specified did not match what we received."),
        ("ContentMD5", "nothing", "InvalidDigest", "The Content-MD5 you specified was invalid."),
    ],
)  # fmt: skip
def test_what_came_damaged_is_refused(aws: Server, name: str, value: str, code: str, message: str) -> None:
    s3, bucket = aws.client("s3"), bucket_of(aws)
    assert refused(s3.put_object, Bucket=bucket, Key="a", Body=b"hello", **{name: value}) == (code, 400, message)
    upload = {"Bucket": bucket, "Key": "a", "UploadId": s3.create_multipart_upload(Bucket=bucket, Key="a")["UploadId"]}
    assert refused(s3.upload_part, **upload, PartNumber=1, Body=b"hello", **{name: value}) == (code, 400, message)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_what_came_whole_is_taken(aws: Server) -> None:
    s3, bucket = aws.client("s3"), bucket_of(aws)
    function = permitted(aws, bucket)
    notify(aws, bucket, function, "s3:ObjectCreated:*")
    digest = base64.b64encode(hashlib.sha256(b"hello").digest()).decode()
    with pytest.raises(ClientError, match="BadDigest"):
        s3.put_object(Bucket=bucket, Key="damaged", Body=b"hullo", ChecksumSHA256=digest)
    s3.put_object(Bucket=bucket, Key="0", Body=b"hello", ChecksumSHA256=digest)
    for number, kind in enumerate(("CRC32", "SHA1", "SHA256"), 1):
        s3.put_object(Bucket=bucket, Key=str(number), Body=b"hello", ChecksumAlgorithm=kind)
    keys = [function.next()["Records"][0]["s3"]["object"]["key"] for _ in range(4)]
    assert sorted(keys) == ["0", "1", "2", "3"]


@pytest.mark.parametrize(("checksum", "status"), [("NhCmhg==", 200), ("AAAAAA==", 400)])
def test_a_checksum_behind_the_body(aws: Server, checksum: str, status: int) -> None:
    bucket = bucket_of(aws)
    body = f"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:{checksum}\r\n\r\n".encode()
    headers = {
        "Content-Encoding": "aws-chunked",
        "X-Amz-Decoded-Content-Length": "5",
        "X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "X-Amz-Trailer": "x-amz-checksum-crc32",
    }
    request = urllib.request.Request(f"{aws.url}/{bucket}/a", body, headers, method="PUT")
    try:
        found = urllib.request.urlopen(request, timeout=60).status
    except urllib.error.HTTPError as error:
        found = error.code
    assert found == status


def test_an_upload_invokes(aws: Server) -> None:
    s3, bucket = aws.client("s3"), bucket_of(aws)
    function = permitted(aws, bucket)
    notify(aws, bucket, function, "s3:ObjectCreated:*", prefix="in/", suffix=".txt")
    for key in ("out/a.txt", "in/a.png", "in/a b+ü.txt"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"hello")
    (record,) = function.next()["Records"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record.pop("eventTime"))
    assert set(record.pop("responseElements")) == {"x-amz-request-id", "x-amz-id-2"}
    assert re.fullmatch(r"[0-9A-F]{18}", record["s3"]["object"].pop("sequencer"))
    assert record == {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "AWS:000000000000"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "mine",
            "bucket": {
                "name": bucket,
                "ownerIdentity": {"principalId": "000000000000"},
                "arn": f"arn:aws:s3:::{bucket}",
            },
            "object": {"key": "in/a+b%2B%C3%BC.txt", "size": 5, "eTag": "5d41402abc4b2a76b9719d911017c592"},
        },
    }
    assert function.nothing()


def test_each_kind_of_event(aws: Server) -> None:
    s3, bucket = aws.client("s3"), bucket_of(aws)
    function = permitted(aws, bucket)
    kinds = ("ObjectCreated:*", "ObjectRemoved:*", "ObjectTagging:*", "ObjectAcl:Put", "ObjectRestore:*")
    notify(aws, bucket, function, *(f"s3:{kind}" for kind in kinds))
    name_of = lambda: function.next()["Records"][0]["eventName"]  # noqa: E731
    s3.put_object(Bucket=bucket, Key="one", Body=b"1")
    assert name_of() == "ObjectCreated:Put"
    s3.copy_object(Bucket=bucket, Key="two", CopySource={"Bucket": bucket, "Key": "one"})
    assert name_of() == "ObjectCreated:Copy"
    s3.put_object_tagging(Bucket=bucket, Key="one", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    assert name_of() == "ObjectTagging:Put"
    s3.delete_object_tagging(Bucket=bucket, Key="one")
    assert name_of() == "ObjectTagging:Delete"
    s3.put_object_acl(Bucket=bucket, Key="one", ACL="private")
    assert name_of() == "ObjectAcl:Put"
    s3.put_object(Bucket=bucket, Key="cold", Body=b"1", StorageClass="GLACIER", Tagging="a=b")
    assert name_of() == "ObjectCreated:Put"
    s3.restore_object(Bucket=bucket, Key="cold", RestoreRequest={"Days": 1})
    assert name_of() == "ObjectRestore:Post"
    upload = s3.create_multipart_upload(Bucket=bucket, Key="many")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="many", UploadId=upload, PartNumber=1, Body=b"x" * 100)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(Bucket=bucket, Key="many", UploadId=upload, MultipartUpload=parts)
    assert name_of() == "ObjectCreated:CompleteMultipartUpload"
    s3.delete_object(Bucket=bucket, Key="one")
    removed = function.next()["Records"][0]
    assert removed["eventName"] == "ObjectRemoved:Delete"
    assert set(removed["s3"]["object"]) == {"key", "sequencer"}
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.delete_object(Bucket=bucket, Key="two")
    marker = function.next()["Records"][0]
    assert marker["eventName"] == "ObjectRemoved:DeleteMarkerCreated"
    assert marker["s3"]["object"]["versionId"]
    assert marker["s3"]["object"]["eTag"] == "d41d8cd98f00b204e9800998ecf8427e"


def test_what_was_never_there_gets_a_delete_marker(aws: Server) -> None:
    s3, bucket = aws.client("s3"), bucket_of(aws)
    function = permitted(aws, bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    notify(aws, bucket, function, "s3:ObjectRemoved:*")
    gone = s3.delete_object(Bucket=bucket, Key="never")
    assert gone["DeleteMarker"] is True
    record = function.next()["Records"][0]
    assert record["eventName"] == "ObjectRemoved:DeleteMarkerCreated"
    assert record["s3"]["object"]["versionId"] == gone["VersionId"]
    (marker,) = s3.list_object_versions(Bucket=bucket)["DeleteMarkers"]
    assert (marker["Key"], marker["VersionId"], marker["IsLatest"]) == ("never", gone["VersionId"], True)
    assert s3.delete_object(Bucket=bucket, Key="never", VersionId=gone["VersionId"])["DeleteMarker"] is True
    assert "DeleteMarkers" not in s3.list_object_versions(Bucket=bucket)


def test_each_version_that_goes_is_told_of(aws: Server) -> None:
    s3, bucket = aws.client("s3"), bucket_of(aws)
    function = permitted(aws, bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    versions = [s3.put_object(Bucket=bucket, Key="k", Body=bytes([n]))["VersionId"] for n in range(3)]
    versions.append(s3.delete_object(Bucket=bucket, Key="k")["VersionId"])
    notify(aws, bucket, function, "s3:ObjectRemoved:Delete", Prefix="k")
    s3.delete_object(Bucket=bucket, Key="k", VersionId=versions[1])
    s3.delete_object(Bucket=bucket, Key="k", VersionId=versions[1])  # is gone: nothing happens
    rest = [{"Key": "k", "VersionId": version} for version in versions if version != versions[1]]
    s3.delete_objects(Bucket=bucket, Delete={"Objects": rest})
    objects = [function.next()["Records"][0]["s3"]["object"] for _ in range(4)]
    assert sorted(one["versionId"] for one in objects) == sorted(versions)
    assert function.nothing()


def test_a_function_that_lets_no_bucket_in_cannot_be_told(aws: Server) -> None:
    bucket, other = bucket_of(aws), bucket_of(aws)
    function = permitted(aws, other)
    with pytest.raises(ClientError) as refused:
        notify(aws, bucket, function, "s3:ObjectCreated:*")
    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"]) == (
        "InvalidArgument",
        "Unable to validate the following destination configurations",
    )
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert "LambdaFunctionConfigurations" not in aws.client("s3").get_bucket_notification_configuration(Bucket=bucket)


@pytest.mark.parametrize(("kind", "service", "name"), [("Queue", "sqs", "queue"), ("Topic", "sns", "topic")])
def test_who_is_not_there_cannot_be_told(aws: Server, kind: str, service: str, name: str) -> None:
    bucket = bucket_of(aws)
    one = {f"{kind}Arn": f"arn:aws:{service}:us-east-1:000000000000:none", "Events": ["s3:ObjectCreated:*"]}
    wanted = {"Bucket": bucket, "NotificationConfiguration": {f"{kind}Configurations": [one]}}
    with pytest.raises(ClientError) as refused:
        aws.client("s3").put_bucket_notification_configuration(**wanted)
    error = refused.value.response["Error"]
    assert error["Message"] == "Unable to validate the following destination configurations"
    assert (error["ArgumentName1"], error["ArgumentValue1"]) == (
        one[f"{kind}Arn"],
        f"The destination {name} does not exist",
    )


@pytest.mark.parametrize(
    ("events", "filters", "refused"),
    [
        ((["s3:ObjectCreated:*"], ["s3:ObjectCreated:Put"]), ({}, {}), True),
        ((["s3:ObjectCreated:*"], ["s3:ObjectRemoved:*"]), ({}, {}), False),
        ((["s3:ObjectCreated:*"],) * 2, ({"prefix": "a/"}, {"prefix": "a/b"}), True),
        ((["s3:ObjectCreated:*"],) * 2, ({"prefix": "a/"}, {"prefix": "b/"}), False),
        ((["s3:ObjectCreated:*"],) * 2, ({"suffix": ".jpg"}, {"suffix": ".png"}), False),
        ((["s3:ObjectCreated:*"],) * 2, ({"prefix": "a/", "suffix": "g"}, {"suffix": "pg"}), True),
    ],
)
def test_no_object_s_event_goes_to_two(
    aws: Server, events: tuple[list[str], list[str]], filters: tuple[dict[str, str], dict[str, str]], refused: bool
) -> None:
    bucket, name = bucket_of(aws), new_name("q")
    aws.client("sqs").create_queue(QueueName=name)
    queues = [
        {
            "QueueArn": f"arn:aws:sqs:us-east-1:000000000000:{name}",
            "Events": given,
            "Filter": {"Key": {"FilterRules": [{"Name": rule, "Value": value} for rule, value in rules.items()]}},
        }
        for given, rules in zip(events, filters, strict=True)
    ]
    for queue, rules in zip(queues, filters, strict=True):
        if not rules:
            del queue["Filter"]
    wanted = {"Bucket": bucket, "NotificationConfiguration": {"QueueConfigurations": queues}}
    if not refused:
        aws.client("s3").put_bucket_notification_configuration(**wanted)
        return
    with pytest.raises(ClientError, match="Configuration is ambiguously defined"):
        aws.client("s3").put_bucket_notification_configuration(**wanted)


def test_queues_and_topics_are_told(aws: Server) -> None:
    s3, sqs, sns, bucket = aws.client("s3"), aws.client("sqs"), aws.client("sns"), bucket_of(aws)
    url = sqs.create_queue(QueueName=bucket)["QueueUrl"]
    topic = sns.create_topic(Name=bucket)["TopicArn"]
    function = Telling(aws)
    function.permit("sns.amazonaws.com", topic)
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function.arn)
    put, arn = {"Events": ["s3:ObjectCreated:Put"]}, f"arn:aws:sqs:us-east-1:000000000000:{bucket}"
    only = lambda prefix: {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}}  # noqa: E731
    queues = [{"QueueArn": arn, "Filter": only("queue/"), **put}]
    topics = [{"TopicArn": topic, "Filter": only("topic/"), **put}]
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": queues, "TopicConfigurations": topics}
    )
    for key in ("queue/told", "topic/told"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    bodies = []
    for _ in range(60):
        for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", []):
            bodies.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        if len(bodies) == 2:
            break
    assert {body.get("Event") for body in bodies} == {"s3:TestEvent", None}
    (tested,) = [body for body in bodies if "Event" in body]
    assert (tested["Service"], tested["Bucket"]) == ("Amazon S3", bucket)
    assert tested.keys() == {"Service", "Event", "Time", "Bucket", "RequestId", "HostId"}
    (told,) = [body for body in bodies if "Records" in body]
    assert told["Records"][0]["s3"]["object"]["key"] == "queue/told"
    notifications = [function.next()["Records"][0]["Sns"] for _ in range(2)]
    assert {one["Subject"] for one in notifications} == {"Amazon S3 Notification"}
    events = [json.loads(one["Message"]) for one in notifications]
    assert [event.get("Event") for event in events] == ["s3:TestEvent", None]


def test_large_objects_come_and_go_whole(aws: Server) -> None:
    s3, bucket = aws.client("s3"), bucket_of(aws)
    content = bytes(range(256)) * 80_000
    s3.put_object(Bucket=bucket, Key="large", Body=content, Metadata={"under_score": "1", "Mixed": "Case"})
    got = s3.get_object(Bucket=bucket, Key="large")
    assert got["Body"].read() == content
    assert got["Metadata"]["under_score"] == "1"
    head = s3.head_object(Bucket=bucket, Key="large")
    assert head["ContentLength"] == len(content)
    assert s3.get_object(Bucket=bucket, Key="large", Range="bytes=256-511")["Body"].read() == bytes(range(256))
    link = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "large"})
    assert urllib.request.urlopen(link).read() == content


def test_code_comes_from_a_bucket(aws: Server) -> None:
    s3, client, bucket = aws.client("s3"), aws.client(), bucket_of(aws)
    s3.put_object(
        Bucket=bucket, Key="code.zip", Body=zip_of({"app.py": "def handler(event, context):\n    return 'from S3'\n"})
    )
    name = create(client, "def handler(event, context):\n    return 'own'\n")
    client.update_function_code(FunctionName=name, S3Bucket=bucket, S3Key="code.zip")
    client.get_waiter("function_updated_v2").wait(FunctionName=name)
    assert call(client, name)[0] == "from S3"


def test_functions_use_buckets_through_the_sdk(aws: Server) -> None:
    bucket = bucket_of(aws)
    code = """
import boto3
def handler(event, context):
    s3 = boto3.client('s3')
    s3.put_object(Bucket=event, Key='mine', Body=b'from inside')
    return s3.get_object(Bucket=event, Key='mine')['Body'].read().decode()
"""
    name = create(aws.client(), code, MemorySize=512)
    assert call(aws.client(), name, bucket)[0] == "from inside"
    assert aws.client("s3").get_object(Bucket=bucket, Key="mine")["Body"].read() == b"from inside"


def test_a_bus_is_told(aws: Server) -> None:
    s3, events, bucket = aws.client("s3"), aws.client("events"), bucket_of(aws)
    url = aws.client("sqs").create_queue(QueueName=bucket)["QueueUrl"]
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}}
    events.put_rule(Name=bucket, EventPattern=json.dumps(pattern))
    queue = f"arn:aws:sqs:us-east-1:000000000000:{bucket}"
    assert not events.put_targets(Rule=bucket, Targets=[{"Id": "queue", "Arn": queue}])["FailedEntryCount"]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    s3.put_object(Bucket=bucket, Key="a b", Body=b"hello")
    (message,) = aws.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    event = json.loads(message["Body"])
    assert (event["detail-type"], event["source"]) == ("Object Created", "aws.s3")
    assert event["resources"] == [f"arn:aws:s3:::{bucket}"]
    assert event["detail"]["reason"] == "PutObject"
    assert {name: event["detail"]["object"][name] for name in ("key", "size")} == {"key": "a b", "size": 5}
    events.remove_targets(Rule=bucket, Ids=["queue"])
    events.delete_rule(Name=bucket)
