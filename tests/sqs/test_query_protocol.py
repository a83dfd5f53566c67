"""The query protocol, which older SDKs speak: forms and XML as AWS's documentation shows them."""

import hashlib
import xml.etree.ElementTree as ElementTree
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from functions import new_name
from server import Server

_NS = "{http://queue.amazonaws.com/doc/2012-11-05/}"
_SCOPE = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0"


def ask(server: Server, path: str, **form: str) -> tuple[int, ElementTree.Element]:
    data = urlencode({"Version": "2012-11-05", **form}).encode()
    request = Request(server.url + path, data, {"Authorization": _SCOPE})
    try:
        with urlopen(request) as answer:
            assert answer.headers["Content-Type"] == "text/xml"
            return answer.status, ElementTree.fromstring(answer.read())
    except HTTPError as error:
        return error.code, ElementTree.fromstring(error.read())


def text(element: ElementTree.Element, path: str) -> str | None:
    return element.findtext("/".join(_NS + step for step in path.split("/")))


@pytest.fixture(scope="module")
def sqs(server: Server) -> Any:
    return server.client("sqs")


@pytest.fixture
def path(sqs: Any) -> str:
    """Of a queue's URL."""
    name = new_name("q")
    sqs.create_queue(QueueName=name)
    return f"/000000000000/{name}"


def test_a_queue_is_made(server: Server, sqs: Any) -> None:
    name = new_name("q")
    form = {"Attribute.1.Name": "VisibilityTimeout", "Attribute.1.Value": "40", "Tag.1.Key": "a", "Tag.1.Value": "b"}
    status, answer = ask(server, "/", Action="CreateQueue", QueueName=name, **form)
    assert status == 200
    assert answer.tag == f"{_NS}CreateQueueResponse"
    assert text(answer, "CreateQueueResult/QueueUrl") == f"{server.url}/000000000000/{name}"
    assert text(answer, "ResponseMetadata/RequestId")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"a": "b"}
    status, answer = ask(server, f"/000000000000/{name}", Action="GetQueueAttributes", **{"AttributeName.1": "All"})
    found = {
        text(one, "Name"): text(one, "Value") for one in answer.findall(f"{_NS}GetQueueAttributesResult/{_NS}Attribute")
    }
    assert found["VisibilityTimeout"] == "40"
    status, answer = ask(server, "/", Action="ListQueues", QueueNamePrefix=name)
    assert text(answer, "ListQueuesResult/QueueUrl") == url


def test_the_address_names_the_queue(server: Server, sqs: Any, path: str) -> None:
    attribute = {"Name": "kind", "Value.DataType": "String", "Value.StringValue": "<x>"}
    form = {f"MessageAttribute.1.{name}": value for name, value in attribute.items()}
    status, answer = ask(server, path, Action="SendMessage", MessageBody="a & b", **form)
    assert status == 200
    assert text(answer, "SendMessageResult/MD5OfMessageBody") == hashlib.md5(b"a & b").hexdigest()
    asked = {"AttributeName.1": "All", "MessageAttributeName.1": "All", "MaxNumberOfMessages": "5"}
    status, answer = ask(server, path, Action="ReceiveMessage", **asked)
    (message,) = answer.findall(f"{_NS}ReceiveMessageResult/{_NS}Message")
    assert text(message, "Body") == "a & b"
    assert text(message, "MessageAttribute/Name") == "kind"
    assert text(message, "MessageAttribute/Value/StringValue") == "<x>"
    names = {text(one, "Name") for one in message.findall(f"{_NS}Attribute")}
    assert {"SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp"} <= names
    handle = text(message, "ReceiptHandle")
    assert handle is not None
    status, answer = ask(server, path, Action="DeleteMessage", ReceiptHandle=handle)
    assert (status, answer.tag) == (200, f"{_NS}DeleteMessageResponse")


def test_batches(server: Server, path: str) -> None:
    entries = {
        "SendMessageBatchRequestEntry.1.Id": "good",
        "SendMessageBatchRequestEntry.1.MessageBody": "x",
        "SendMessageBatchRequestEntry.2.Id": "bad",
        "SendMessageBatchRequestEntry.2.MessageBody": "\x01",
    }
    status, answer = ask(server, path, Action="SendMessageBatch", **entries)
    assert status == 200
    assert text(answer, "SendMessageBatchResult/SendMessageBatchResultEntry/Id") == "good"
    assert text(answer, "SendMessageBatchResult/BatchResultErrorEntry/Id") == "bad"
    assert text(answer, "SendMessageBatchResult/BatchResultErrorEntry/SenderFault") == "true"


def test_errors(server: Server) -> None:
    status, answer = ask(server, "/000000000000/no-such-queue", Action="SendMessage", MessageBody="x")
    assert status == 400
    assert answer.tag == f"{_NS}ErrorResponse"
    assert text(answer, "Error/Type") == "Sender"
    assert text(answer, "Error/Code") == "AWS.SimpleQueueService.NonExistentQueue"
    assert text(answer, "Error/Message") == "The specified queue does not exist."
    status, answer = ask(server, "/", Action="NoSuchAction")
    assert (status, text(answer, "Error/Code")) == (400, "InvalidAction")
