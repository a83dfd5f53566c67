"""S3's notification configurations: what is put is given back as S3 gives it, what cannot be is refused in its words."""

from typing import Any

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
import urllib3
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from functions import new_name
from server import Server

CREATED = ["s3:ObjectCreated:*"]
ACCOUNT = "us-east-1:000000000000"
UNABLE = "Unable to validate the following destination configurations"
NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


@pytest.fixture(scope="module")
def bucket(aws: Server) -> str:
    name = new_name("bucket")
    aws.client("s3").create_bucket(Bucket=name)
    aws.client("sqs").create_queue(QueueName=name)
    return name


def put(aws: Server, bucket: str, *queues: dict[str, Any], **others: Any) -> None:
    skip = {"SkipDestinationValidation": others.pop("skip")} if "skip" in others else {}
    configuration = {**({"QueueConfigurations": list(queues)} if queues else {}), **others}
    aws.client("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration=configuration, **skip
    )


def refusal(aws: Server, bucket: str, *queues: dict[str, Any], **others: Any) -> dict[str, str]:
    with pytest.raises(ClientError) as caught:
        put(aws, bucket, *queues, **others)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    error: dict[str, str] = caught.value.response["Error"]
    assert error.pop("Code") == "InvalidArgument"
    return {name: value for name, value in error.items() if name.startswith(("Argument", "Message"))}


def to_queue(name: str, *rules: tuple[str, str], **others: Any) -> dict[str, Any]:
    one = {"QueueArn": f"arn:aws:sqs:{ACCOUNT}:{name}", "Events": CREATED, **others}
    if rules:
        one["Filter"] = {"Key": {"FilterRules": [{"Name": rule, "Value": value} for rule, value in rules]}}
    return one


def test_what_is_put_is_given_back(aws: Server, bucket: str) -> None:
    one = to_queue(bucket, ("prefix", "in/"), ("SUFFIX", ".txt"), Id="mine")
    put(aws, bucket, one, EventBridgeConfiguration={})
    found = aws.client("s3").get_bucket_notification_configuration(Bucket=bucket)
    rules = [{"Name": "Prefix", "Value": "in/"}, {"Name": "Suffix", "Value": ".txt"}]
    assert found["QueueConfigurations"] == [{**one, "Filter": {"Key": {"FilterRules": rules}}}]
    assert found["EventBridgeConfiguration"] == {}
    put(aws, bucket)
    found = aws.client("s3").get_bucket_notification_configuration(Bucket=bucket)
    assert found.keys() == {"ResponseMetadata"}


@pytest.mark.parametrize(
    ("rules", "message", "argument"),
    [
        ([("contains", "x")], "filter rule name must be either prefix or suffix", ("FilterRule.Name", "contains")),
        ([("prefix", "")], "filter value cannot be empty", ("FilterRule.Value", None)),
        ([("prefix", "a"), ("Prefix", "b")], "Cannot specify more than one prefix rule in a filter.", None),
        ([("suffix", "a"), ("suffix", "a")], "Cannot specify more than one suffix rule in a filter.", None),
    ],
)
def test_rules_that_cannot_be(
    aws: Server, bucket: str, rules: list[tuple[str, str]], message: str, argument: tuple[str, str] | None
) -> None:
    found = refusal(aws, bucket, to_queue(bucket, *rules))
    assert found.pop("Message") == message
    expected = {} if argument is None else {"ArgumentName": argument[0], "ArgumentValue": argument[1]}
    assert {name: value or None for name, value in found.items()} == expected


def test_configurations_that_do_not_fit_together(aws: Server, bucket: str) -> None:
    both = [to_queue(bucket, ("prefix", prefix), Id="same") for prefix in "ab"]
    assert refusal(aws, bucket, *both) == {"Message": "Same ID used for multiple configurations. IDs must be unique"}
    overlapping = refusal(aws, bucket, to_queue(bucket), to_queue(bucket, ("prefix", "a")))
    assert overlapping.keys() == {"Message"}
    assert overlapping["Message"].startswith("Configuration is ambiguously defined.")


@pytest.mark.parametrize("event", ["s3:ObjectCreated:Everything", "s3:", "ObjectCreated:*", "nothing"])
def test_events_that_there_are_not(aws: Server, bucket: str, event: str) -> None:
    assert refusal(aws, bucket, to_queue(bucket, Events=[*CREATED, event])) == {
        "Message": "A specified event is not supported for notifications.",
        "ArgumentName": "Event",
        "ArgumentValue": event,
    }


@pytest.mark.parametrize("arn", ["nothing", "arn:aws:sqs", f"arn:aws:sns:{ACCOUNT}:topic", f"arn:aws:sqs:{ACCOUNT}:"])
def test_arns_of_no_queue(aws: Server, bucket: str, arn: str) -> None:
    expected = {"Message": "The ARN could not be parsed", "ArgumentName": "Queue", "ArgumentValue": arn}
    assert refusal(aws, bucket, to_queue("x", QueueArn=arn)) == expected
    assert refusal(aws, bucket, to_queue("x", QueueArn=arn), skip=True) == expected


def test_all_destinations_that_are_not_there_are_told(aws: Server, bucket: str) -> None:
    missing = [to_queue(name, ("prefix", name)) for name in ("none-a", "none-b")]
    topic = {"TopicArn": f"arn:aws:sns:{ACCOUNT}:none", "Events": ["s3:ObjectRemoved:*"]}
    assert refusal(aws, bucket, *missing, TopicConfigurations=[topic]) == {
        "Message": UNABLE,
        "ArgumentName1": missing[0]["QueueArn"],
        "ArgumentValue1": "The destination queue does not exist",
        "ArgumentName2": missing[1]["QueueArn"],
        "ArgumentValue2": "The destination queue does not exist",
        "ArgumentName3": topic["TopicArn"],
        "ArgumentValue3": "The destination topic does not exist",
    }
    put(aws, bucket, *missing, TopicConfigurations=[topic], skip=True)
    found = aws.client("s3").get_bucket_notification_configuration(Bucket=bucket)
    assert [one["QueueArn"] for one in found["QueueConfigurations"]] == [one["QueueArn"] for one in missing]
    put(aws, bucket)


def test_queues_and_topics_in_order_are_no_destinations(aws: Server, bucket: str) -> None:
    fifo = f"{bucket}.fifo"
    aws.client("sqs").create_queue(QueueName=fifo, Attributes={"FifoQueue": "true"})
    assert refusal(aws, bucket, to_queue(fifo))["Message"] == "FIFO SQS queues are not supported."
    topic = aws.client("sns").create_topic(Name=fifo, Attributes={"FifoTopic": "true"})["TopicArn"]
    wanted = [{"TopicArn": topic, "Events": CREATED}]
    assert refusal(aws, bucket, TopicConfigurations=wanted)["Message"] == "FIFO SNS topics are not supported."


# --- Bodies of every kind ---------------------------------------------------------------------------------------------


def put_body(aws: Server, bucket: str, body: bytes) -> tuple[int, str]:
    """(status, body), of whatever it is."""
    request = botocore.awsrequest.AWSRequest("PUT", f"{aws.url}/{bucket}?notification", data=body)
    credentials = botocore.credentials.Credentials("test", "test")
    botocore.auth.S3SigV4Auth(credentials, "s3", "us-east-1").add_auth(request)
    answer = urllib3.request("PUT", request.url, body=body, headers=dict(request.headers.items()))
    return answer.status, answer.data.decode()


QUEUE = f"<Queue>arn:aws:sqs:{ACCOUNT}:none</Queue>"
EVENT = "<Event>s3:ObjectCreated:*</Event>"


@pytest.mark.parametrize(
    "inner",
    [
        "<Unknown/>",
        "<QueueConfiguration/>",
        f"<QueueConfiguration>{QUEUE}</QueueConfiguration>",
        f"<QueueConfiguration>{EVENT}</QueueConfiguration>",
        f"<QueueConfiguration>{QUEUE}{QUEUE}{EVENT}</QueueConfiguration>",
        f"<QueueConfiguration>{QUEUE}{EVENT}<Filter/></QueueConfiguration>",
        f"<QueueConfiguration>{QUEUE}{EVENT}<Filter><S3Key><FilterRule/></S3Key></Filter></QueueConfiguration>",
        "<EventBridge/>",
    ],
)
def test_other_documents_are_refused(aws: Server, bucket: str, inner: str) -> None:
    whole = f"<NotificationConfiguration {NAMESPACE}>{inner}</NotificationConfiguration>".encode()
    for document in (
        whole,
        whole[:-1],
        whole.replace(b"NotificationC", b"C"),
        b'<?xml version="1.0" encoding="x"?>' + whole,
    ):
        status, body = put_body(aws, bucket, document)
        assert (status, "<Code>MalformedXML</Code>" in body) == (400, True)


ELEMENTS = ["Queue", "Topic", "CloudFunction", "Event", "Id", "Filter", "S3Key", "FilterRule", "Name", "Value"]
TEXTS = ["", "prefix", "s3:ObjectCreated:*", f"arn:aws:sqs:{ACCOUNT}:none", f"arn:aws:lambda:{ACCOUNT}:x", "ü", "&lt;"]
KINDS = ["QueueConfiguration", "TopicConfiguration", "CloudFunctionConfiguration", "EventBridgeConfiguration", "Other"]
DOCUMENTS = st.recursive(
    st.sampled_from(TEXTS),
    lambda inner: st.lists(
        st.builds(lambda name, text: f"<{name}>{text}</{name}>", st.sampled_from(ELEMENTS + KINDS), inner), max_size=4
    ).map("".join),
    max_leaves=12,
)


@settings(max_examples=60)
@given(
    body=st.one_of(
        st.binary(max_size=40),
        DOCUMENTS.map(lambda inner: f"<NotificationConfiguration>{inner}</NotificationConfiguration>".encode()),
    )
)
def test_nothing_is_too_odd_to_be_answered(aws: Server, bucket: str, body: bytes) -> None:
    assert put_body(aws, bucket, body)[0] in (200, 400)
