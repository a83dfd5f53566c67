"""SNS: what is published invokes functions and comes to queues, as AWS documents it."""

import base64
import http.server
import json
import queue
import re
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from functions import call, create, new_name
from refusals import refused
from server import Server
from told import Telling
from wait import wait_for

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def queue_of(aws: Server, name: str, **attributes: str) -> tuple[str, str]:
    """(ARN, URL)"""
    url = aws.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return f"arn:aws:sqs:us-east-1:000000000000:{name}", url


def receive(aws: Server, url: str) -> dict[str, Any]:
    sqs, found = aws.client("sqs"), []

    def there() -> bool:
        got = sqs.receive_message(
            QueueUrl=url, WaitTimeSeconds=1, MessageAttributeNames=["All"], AttributeNames=["All"]
        )
        found.extend(got.get("Messages", []))
        return bool(found)

    wait_for(there)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=found[0]["ReceiptHandle"])
    return found[0]


def subscribed(aws: Server, topic: str, **attributes: str) -> Telling:
    function = Telling(aws)
    function.permit("sns.amazonaws.com", topic)
    aws.client("sns").subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function.arn, Attributes=attributes)
    return function


def test_a_function_is_given_what_is_published(aws: Server) -> None:
    sns = aws.client("sns")
    topic = sns.create_topic(Name=new_name("t"))["TopicArn"]
    function = subscribed(aws, topic)
    attributes = {
        "colour": {"DataType": "String", "StringValue": "red"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\1\2"},
    }
    sent = sns.publish(TopicArn=topic, Message="hello", Subject="greeting", MessageAttributes=attributes)
    (record,) = function.next()["Records"]
    subscription = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"][0]["SubscriptionArn"]
    notification = record.pop("Sns")
    assert record == {"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": subscription}
    assert re.fullmatch(STAMP, notification.pop("Timestamp"))
    assert base64.b64decode(notification.pop("Signature"))
    assert notification.pop("SigningCertUrl").startswith("https://sns.us-east-1.amazonaws.com/")
    assert subscription in notification.pop("UnsubscribeUrl")
    assert notification == {
        "Type": "Notification",
        "MessageId": sent["MessageId"],
        "TopicArn": topic,
        "Subject": "greeting",
        "Message": "hello",
        "SignatureVersion": "1",
        "MessageAttributes": {
            "colour": {"Type": "String", "Value": "red"},
            "raw": {"Type": "Binary", "Value": base64.b64encode(b"\1\2").decode()},
        },
    }


def test_filter_policies_let_through_what_matches(aws: Server) -> None:
    sns = aws.client("sns")
    topic = sns.create_topic(Name=new_name("t"))["TopicArn"]
    wanted = subscribed(aws, topic, FilterPolicy=json.dumps({"kind": ["order"]}))
    for kind in ("refund", "order"):
        attributes = {"kind": {"DataType": "String", "StringValue": kind}}
        sns.publish(TopicArn=topic, Message=kind, MessageAttributes=attributes)
    assert wanted.next()["Records"][0]["Sns"]["Message"] == "order"
    assert wanted.nothing()


def test_without_permission_it_goes_to_the_dead_letter_queue(aws: Server) -> None:
    sns, function = aws.client("sns"), Telling(aws)
    topic = sns.create_topic(Name=new_name("t"))["TopicArn"]
    arn, url = queue_of(aws, new_name("dlq"))
    settings = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn})}
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function.arn, Attributes=settings)
    sns.publish(TopicArn=topic, Message="lost")
    assert json.loads(receive(aws, url)["Body"])["Records"][0]["Sns"]["Message"] == "lost"
    assert function.nothing()


def test_queues_get_the_notification_or_the_message_itself(aws: Server) -> None:
    sns = aws.client("sns")
    topic = sns.create_topic(Name=new_name("t"))["TopicArn"]
    (plain, plain_url), (raw, raw_url) = queue_of(aws, new_name("plain")), queue_of(aws, new_name("raw"))
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=plain)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=raw, Attributes={"RawMessageDelivery": "true"})
    attributes = {
        "n": {"DataType": "Number", "StringValue": "7"},
        "b": {"DataType": "Binary", "BinaryValue": b"\0\xff"},
    }
    sns.publish(TopicArn=topic, Message="both", MessageAttributes=attributes)
    body = receive(aws, plain_url)["Body"]
    assert body.startswith('{\n  "Type" : "Notification",\n')
    notification = json.loads(body)
    assert notification["Message"] == "both"
    assert notification["MessageAttributes"]["n"] == {"Type": "Number", "Value": "7"}
    message = receive(aws, raw_url)
    assert message["Body"] == "both"
    assert message["MessageAttributes"]["n"]["StringValue"] == "7"
    assert message["MessageAttributes"]["b"]["BinaryValue"] == b"\0\xff"


def test_the_signature_is_one(aws: Server) -> None:
    """What is signed verifies with the certificate that the message names."""
    sns = aws.client("sns")
    topic = sns.create_topic(Name=new_name("t"))["TopicArn"]
    arn, url = queue_of(aws, new_name("q"))
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    sns.publish(TopicArn=topic, Message="signed", Subject="s")
    document = json.loads(receive(aws, url)["Body"])
    names = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
    text = "".join(f"{name}\n{document[name]}\n" for name in names)
    status, pem = aws.get("/" + document["SigningCertURL"].rpartition("/")[2])
    assert status == 200
    key = x509.load_pem_x509_certificate(pem).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(base64.b64decode(document["Signature"]), text.encode(), padding.PKCS1v15(), hashes.SHA1())


def test_fifo_topics_keep_the_order_of_a_group(aws: Server) -> None:
    sns = aws.client("sns")
    topic = sns.create_topic(Name=new_name("t") + ".fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    arn, url = queue_of(aws, new_name("q") + ".fifo", FifoQueue="true")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    for number in range(5):
        sns.publish(TopicArn=topic, Message=str(number), MessageGroupId="g", MessageDeduplicationId=str(number))
    assert [receive(aws, url)["Body"] for _ in range(5)] == list("01234")


class _Web(http.server.BaseHTTPRequestHandler):
    """Takes what it is told, but for what is told to /full."""

    told: "queue.Queue[tuple[str, dict[str, str], str]]" = queue.Queue()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.told.put((self.path, dict(self.headers), body))
        self.send_response(503 if self.path == "/full" else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *given: object) -> None:
        pass


def test_web_addresses_are_told(aws: Server) -> None:
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Web)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    sns, dead = aws.client("sns"), queue_of(aws, new_name("dead"))
    topic = sns.create_topic(Name=new_name("t"))["TopicArn"]
    settings = {
        "plain": {},
        "raw": {"RawMessageDelivery": "true"},
        "full": {"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead[0]})},
    }
    for path, attributes in settings.items():
        address = f"http://127.0.0.1:{web.server_port}/{path}"
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=address, Attributes=attributes)
    sent = sns.publish(TopicArn=topic, Message="hello", Subject="greeting")["MessageId"]
    told = {path: (headers, body) for path, headers, body in (_Web.told.get(timeout=120) for _ in settings)}
    for headers, _ in told.values():
        assert headers["x-amz-sns-message-type"] == "Notification"
        assert (headers["x-amz-sns-message-id"], headers["x-amz-sns-topic-arn"]) == (sent, topic)
    document = json.loads(told["/plain"][1])
    assert (document["Message"], document["Subject"], document["MessageId"]) == ("hello", "greeting", sent)
    assert (told["/raw"][1], told["/raw"][0]["x-amz-sns-rawdelivery"]) == ("hello", "true")
    assert json.loads(receive(aws, dead[1])["Body"])["Message"] == "hello"
    web.shutdown()


def test_functions_may_not_have_this_host_told(aws: Server) -> None:
    """A subscription that a function makes leads out into the world, or is refused."""
    sns = aws.client("sns")
    topic = sns.create_topic(Name=new_name("t"))["TopicArn"]
    code = """
import boto3
def handler(event, context):
    try:
        boto3.client('sns').subscribe(TopicArn=event['topic'], Protocol='http', Endpoint=event['url'])
    except Exception as error:
        return str(error)
"""
    name = create(aws.client(), code, MemorySize=512)
    for url in (aws.url, "http://localhost:80/", "http://169.254.169.254/latest"):
        assert "Unreachable Endpoint" in call(aws.client(), name, {"topic": topic, "url": url})[0]
    with pytest.raises(ClientError, match="NotFound"):
        sns.publish(TopicArn=topic + "x", Message="nobody")


def test_fifo_topics_deduplicate_by_content(aws: Server) -> None:
    sns = aws.client("sns")
    settings = {"FifoTopic": "true", "ContentBasedDeduplication": "true"}
    topic = sns.create_topic(Name=new_name("t") + ".fifo", Attributes=settings)["TopicArn"]
    arn, url = queue_of(aws, new_name("q") + ".fifo", FifoQueue="true")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    for message in ("one", "two", "one", "three"):
        sns.publish(TopicArn=topic, Message=message, MessageGroupId="g")
    assert [receive(aws, url)["Body"] for _ in range(3)] == ["one", "two", "three"]
    assert "Messages" not in aws.client("sqs").receive_message(QueueUrl=url)


def test_what_no_queue_takes_goes_to_the_dead_letter_queue_as_it_was(aws: Server) -> None:
    sns, sqs = aws.client("sns"), aws.client("sqs")
    topic = sns.create_topic(Name=new_name("t"))["TopicArn"]
    (gone, gone_url), (dead, dead_url) = queue_of(aws, new_name("gone")), queue_of(aws, new_name("dead"))
    settings = {"RawMessageDelivery": "true", "RedrivePolicy": json.dumps({"deadLetterTargetArn": dead})}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=gone, Attributes=settings)
    sqs.delete_queue(QueueUrl=gone_url)
    attributes = {"k": {"DataType": "String", "StringValue": "v"}}
    sns.publish(TopicArn=topic, Message="lost", MessageAttributes=attributes)
    message = receive(aws, dead_url)
    assert (message["Body"], message["MessageAttributes"]) == ("lost", attributes)


def test_what_no_queue_takes_as_it_is_goes_to_the_dead_letter_queue_as_a_notification(aws: Server) -> None:
    """Queues take ten attributes of a message."""
    sns = aws.client("sns")
    topic = sns.create_topic(Name=new_name("t"))["TopicArn"]
    (full, _), (dead, dead_url) = queue_of(aws, new_name("full")), queue_of(aws, new_name("dead"))
    settings = {"RawMessageDelivery": "true", "RedrivePolicy": json.dumps({"deadLetterTargetArn": dead})}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=full, Attributes=settings)
    attributes = {f"k{number}": {"DataType": "String", "StringValue": str(number)} for number in range(11)}
    sent = sns.publish(TopicArn=topic, Message="lost", Subject="s", MessageAttributes=attributes)
    notification = json.loads(receive(aws, dead_url)["Body"])
    assert [notification[name] for name in ("Message", "Subject", "MessageId")] == ["lost", "s", sent["MessageId"]]
    shown = {name: {"Type": "String", "Value": one["StringValue"]} for name, one in attributes.items()}
    assert notification["MessageAttributes"] == shown


def test_no_filter_policy_keeps_a_message_from_others(aws: Server) -> None:
    sns = aws.client("sns")
    topic = sns.create_topic(Name=new_name("t"))["TopicArn"]
    everything, url = queue_of(aws, new_name("q"))
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=everything, Attributes={"RawMessageDelivery": "true"})
    policies: list[dict[str, Any]] = [
        {"price": [{"numeric": ["<", 10]}, 5, {"prefix": "a"}, {"equals-ignore-case": "Z"}]},
        {"$or": [{"a": ["1"]}, {"b": ["2"]}]},
        {"address": [{"cidr": "10.0.0.0/24"}]},
    ]
    urls = []
    for policy in policies:
        queue, its_url = queue_of(aws, new_name("q"))
        settings = {
            "FilterPolicyScope": "MessageBody",
            "FilterPolicy": json.dumps(policy),
            "RawMessageDelivery": "true",
        }
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes=settings)
        urls.append(its_url)
    strange = ['{"price": "free"}', '{"price": null}', '{"price": ["xb", true]}', '{"a": [1], "address": 7}', "text"]
    matching = ['{"price": 5}', '{"b": "2"}', '{"address": "10.0.0.7"}']
    entries = [{"Id": str(number), "Message": text} for number, text in enumerate(strange)]
    assert len(sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)["Successful"]) == len(strange)
    for text in matching:
        sns.publish(TopicArn=topic, Message=text)
    assert [receive(aws, one)["Body"] for one in urls] == matching
    assert sorted(receive(aws, url)["Body"] for _ in (*strange, *matching)) == sorted([*strange, *matching])


def test_a_body_is_filtered_as_it_is_sent(aws: Server) -> None:
    """Its policy holds from when it is set, in the scope that is set by then."""
    sns = aws.client("sns")
    topic = sns.create_topic(Name=new_name("t"))["TopicArn"]
    queue, url = queue_of(aws, new_name("q"))
    settings = {"FilterPolicy": json.dumps({"kind": ["order"]}), "RawMessageDelivery": "true"}
    arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes=settings)["SubscriptionArn"]
    sns.set_subscription_attributes(
        SubscriptionArn=arn, AttributeName="FilterPolicyScope", AttributeValue="MessageBody"
    )
    for for_queues in ({"kind": "refund"}, {"kind": "order"}):
        texts = {"default": '{"kind": "order"}', "sqs": json.dumps(for_queues), "lambda": {"no": "text"}}
        sns.publish(TopicArn=topic, Message=json.dumps(texts), MessageStructure="json")
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue="")
    sns.publish(TopicArn=topic, Message="all")
    assert sorted(receive(aws, url)["Body"] for _ in range(2)) == ["all", '{"kind": "order"}']


def test_filter_policies_that_are_refused(aws: Server) -> None:
    sns = aws.client("sns")
    topic = sns.create_topic(Name=new_name("t"))["TopicArn"]
    subscription = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": "arn:aws:sqs:us-east-1:000000000000:q"}
    nested = json.dumps({"a": {"b": ["c"]}})
    words = "Filter policy scope MessageAttributes does not support nested filter policy"
    answer = refused(sns.subscribe, **subscription, Attributes={"FilterPolicy": nested})
    assert answer == ("InvalidParameter", 400, f"Invalid parameter: Attributes Reason: {words}")
    settings = {"FilterPolicyScope": "MessageBody", "FilterPolicy": nested}
    arn = sns.subscribe(**subscription, Attributes=settings)["SubscriptionArn"]
    for name, value, why in (
        ("FilterPolicyScope", "MessageAttributes", words),
        ("FilterPolicy", json.dumps({"k": list(range(151))}), "FilterPolicy: Filter policy is too complex"),
    ):
        answer = refused(sns.set_subscription_attributes, SubscriptionArn=arn, AttributeName=name, AttributeValue=value)
        assert answer == ("InvalidParameter", 400, f"Invalid parameter: {why}")
    assert sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["FilterPolicy"] == nested


def test_a_subscription_is_there_once(aws: Server) -> None:
    sns = aws.client("sns")
    topic = sns.create_topic(Name=new_name("t"))["TopicArn"]
    subscription = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": "arn:aws:sqs:us-east-1:000000000000:q"}
    settings = {"RawMessageDelivery": "true", "FilterPolicy": '{"a": ["b"]}'}
    arn = sns.subscribe(**subscription, Attributes=settings)["SubscriptionArn"]
    for same in ({}, settings, {"FilterPolicy": '{"a":["b"]}'}, {"FilterPolicyScope": "MessageAttributes"}):
        assert sns.subscribe(**subscription, Attributes=same)["SubscriptionArn"] == arn
    words = "Invalid parameter: Attributes Reason: Subscription already exists with different attributes"
    for different in ({"RawMessageDelivery": "false"}, {"FilterPolicy": '{"a": ["c"]}'}, {"DeliveryPolicy": "{}"}):
        answer = refused(sns.subscribe, **subscription, Attributes=different)
        assert answer == ("InvalidParameter", 400, words)
    held = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert {name: held[name] for name in settings} == settings


def test_a_topic_is_there_once(aws: Server) -> None:
    sns, name = aws.client("sns"), new_name("t") + ".fifo"
    settings = {"FifoTopic": "true", "DisplayName": "a"}
    tags = [{"Key": "one", "Value": "1"}, {"Key": "two", "Value": "2"}]
    arn = sns.create_topic(Name=name, Attributes=settings, Tags=tags)["TopicArn"]
    for same in (settings, {"FifoTopic": "true"}, {"FifoTopic": "true", "ContentBasedDeduplication": "false"}):
        assert sns.create_topic(Name=name, Attributes=same, Tags=tags[:1])["TopicArn"] == arn
    words = "Attributes Reason: Topic already exists with different attributes"
    for different in ({**settings, "DisplayName": "b"}, {**settings, "ContentBasedDeduplication": "true"}):
        answer = refused(sns.create_topic, Name=name, Attributes=different)
        assert answer == ("InvalidParameter", 400, f"Invalid parameter: {words}")
    words = "Tags Reason: Topic already exists with different tags"
    for others in ([{"Key": "one", "Value": "2"}], [{"Key": "three", "Value": "3"}]):
        answer = refused(sns.create_topic, Name=name, Attributes=settings, Tags=others)
        assert answer == ("InvalidParameter", 400, f"Invalid parameter: {words}")


def test_fifo_topics_have_queues_as_subscribers(aws: Server) -> None:
    sns = aws.client("sns")
    topic = sns.create_topic(Name=new_name("t") + ".fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    for protocol, endpoint in (
        ("lambda", "arn:aws:lambda:us-east-1:000000000000:function:f"),
        ("https", "https://example.com/"),
        ("email", "nobody@example.com"),
    ):
        answer = refused(sns.subscribe, TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
        assert answer == ("InvalidParameter", 400, f"Invalid parameter: Invalid protocol type: {protocol}")
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"FilterPolicy": "{bad"}, "FilterPolicy: failed to parse JSON"),
        ({"FilterPolicy": '{"a": "b"}'}, '"a" must be an object or an array'),
        ({"RedrivePolicy": "x"}, "RedrivePolicy: failed to parse JSON"),
        ({"FilterPolicyScope": "Everything"}, "FilterPolicyScope: Invalid value [Everything]"),
        ({"RedrivePolicy": "{}"}, "RedrivePolicy: deadLetterTargetArn"),
    ],
)
def test_subscriptions_that_are_refused(aws: Server, attributes: dict[str, str], words: str) -> None:
    sns = aws.client("sns")
    topic = sns.create_topic(Name=new_name("t"))["TopicArn"]
    subscription = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": "arn:aws:sqs:us-east-1:000000000000:q"}
    code, status, message = refused(sns.subscribe, **subscription, Attributes=attributes)
    assert (code, status) == ("InvalidParameter", 400)
    assert words in message
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


@pytest.mark.parametrize(("name", "value"), [("RawMessageDelivery", "maybe"), ("FilterPolicyScope", "Everything")])
def test_attributes_that_are_refused(aws: Server, name: str, value: str) -> None:
    sns = aws.client("sns")
    topic = sns.create_topic(Name=new_name("t"))["TopicArn"]
    arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:000000000000:q")[
        "SubscriptionArn"
    ]
    answer = refused(sns.set_subscription_attributes, SubscriptionArn=arn, AttributeName=name, AttributeValue=value)
    assert answer == ("InvalidParameter", 400, f"Invalid parameter: {name}: Invalid value [{value}].")


def test_messages_that_are_refused(aws: Server) -> None:
    sns = aws.client("sns")
    topic = sns.create_topic(Name=new_name("t"))["TopicArn"]
    assert refused(sns.publish, TopicArn=topic, Message="") == (
        "InvalidParameter",
        400,
        "Invalid parameter: Empty message",
    )
    for text, why in (
        ("x", "JSON message body failed to parse"),
        ('{"sqs": "x"}', "No default entry in JSON message body"),
    ):
        words = f"Invalid parameter: Message Structure - {why}"
        assert refused(sns.publish, TopicArn=topic, Message=text, MessageStructure="json")[2] == words
    too_long = refused(sns.publish, TopicArn=topic, Message="ü" * 131_073)
    assert too_long == ("InvalidParameter", 400, "Invalid parameter: Message too long")
    answer = sns.publish_batch(
        TopicArn=topic, PublishBatchRequestEntries=[{"Id": "1", "Message": "x"}, {"Id": "2", "Message": "x" * 262_145}]
    )
    assert [one["Id"] for one in answer["Successful"]] == ["1"]
    assert [(one["Id"], one["Code"], one["SenderFault"]) for one in answer["Failed"]] == [
        ("2", "InvalidParameter", True)
    ]
    fifo = {"Protocol": "sqs", "Endpoint": "arn:aws:sqs:us-east-1:000000000000:q.fifo"}
    assert "FIFO SQS Queues can not be subscribed" in refused(sns.subscribe, TopicArn=topic, **fifo)[2]


@pytest.mark.usefixtures("isolated")
def test_who_publishes_to_no_topic_is_told_so(aws: Server) -> None:
    sns = aws.client("sns")
    missing = "arn:aws:sns:us-east-1:000000000000:nowhere"
    for arn in ({"TopicArn": missing}, {"TargetArn": missing}):
        assert refused(sns.publish, **arn, Message="x") == ("NotFound", 404, "Topic does not exist")
    entries = [{"Id": "1", "Message": "x"}]
    assert refused(sns.publish_batch, TopicArn=missing, PublishBatchRequestEntries=entries)[0] == "NotFound"
    words = "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1"
    assert refused(sns.publish, TopicArn="nowhere", Message="x") == ("InvalidParameter", 400, words)
    assert refused(sns.subscribe, TopicArn="nowhere", Protocol="sqs", Endpoint="x") == ("InvalidParameter", 400, words)
    queue = "arn:aws:sqs:us-east-1:000000000000:q"
    assert refused(sns.publish, TopicArn=queue, Message="x")[2] == "Invalid parameter: TopicArn"
    assert refused(sns.publish, Message="x")[2].endswith("no value for required parameter")


@pytest.mark.parametrize(
    ("protocol", "endpoint", "words"),
    [
        ("sqs", "http://localhost/000000000000/q", "SQS endpoint ARN"),
        ("sqs", "arn:aws:lambda:us-east-1:000000000000:function:f", "SQS endpoint ARN"),
        ("sqs", "arn:aws:sqs:us-east-1", "SQS endpoint ARN"),
        ("lambda", "f", "Lambda endpoint ARN"),
        ("lambda", "arn:aws:sqs:us-east-1:000000000000:q", "Lambda endpoint ARN"),
        ("https", "http://localhost/", "Endpoint must match the specified protocol"),
        ("email", "nobody", "Email address"),
        ("pigeon", "x", "Amazon SNS does not support this protocol string: pigeon"),
    ],
)
def test_endpoints_that_are_none(aws: Server, protocol: str, endpoint: str, words: str) -> None:
    topic = aws.client("sns").create_topic(Name=new_name("t"))["TopicArn"]
    answer = refused(aws.client("sns").subscribe, TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
    assert answer == ("InvalidParameter", 400, f"Invalid parameter: {words}")


def test_a_function_that_publishes_to_its_own_topic_is_stopped(aws: Server) -> None:
    """By way of the topic, and of a queue that is told of it: both know what chain the message is of."""
    client, sns = aws.client(), aws.client("sns")
    topic = sns.create_topic(Name=new_name("t"))["TopicArn"]
    source = """
import boto3, os
sns = boto3.client("sns")
def handler(event, context):
    print("again")
    sns.publish(TopicArn=os.environ["TOPIC"], Message="round")
"""
    letters, letters_url = queue_of(aws, new_name("q"))
    name = create(
        client,
        source,
        Environment={"Variables": {"TOPIC": topic}},
        MemorySize=1769,
        DeadLetterConfig={"TargetArn": letters},
    )
    arn = client.get_function_configuration(FunctionName=name)["FunctionArn"]
    client.add_permission(
        FunctionName=name, StatementId="sns", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com"
    )
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
    queue, url = queue_of(aws, new_name("q"))
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    sns.publish(TopicArn=topic, Message="round")
    assert receive(aws, letters_url)["MessageAttributes"]["RequestID"]
    assert sum("again" in line for line in aws.function_log(name)) == 16
    traces = [receive(aws, url)["Attributes"].get("AWSTraceHeader", "") for _ in range(17)]
    assert sorted("Lineage=" in trace for trace in traces) == [False] + [True] * 16
    client.delete_function(FunctionName=name)
