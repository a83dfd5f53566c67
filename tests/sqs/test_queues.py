"""Queues: made, found, listed, configured, emptied and deleted, with boto3."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions import new_name
from server import Server


@pytest.fixture(scope="module")
def sqs(server: Server) -> Any:
    return server.client("sqs")


def refused(call: Any, **arguments: Any) -> tuple[str, str]:
    """(code, message)"""
    with pytest.raises(ClientError) as error:
        call(**arguments)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403, 404)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def attributes(sqs: Any, url: str, *names: str) -> dict[str, str]:
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names) or ["All"])["Attributes"]


def test_a_queue_is_made_and_found(server: Server, sqs: Any) -> None:
    name = new_name("q")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    assert url == f"{server.url}/000000000000/{name}"
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == url
    assert url in sqs.list_queues(QueueNamePrefix=name)["QueueUrls"]
    found = attributes(sqs, url)
    assert found["QueueArn"] == f"arn:aws:sqs:us-east-1:000000000000:{name}"
    assert found["VisibilityTimeout"] == "30"
    assert found["MessageRetentionPeriod"] == "345600"
    assert found["MaximumMessageSize"] == "1048576"
    assert (
        found["DelaySeconds"] == found["ReceiveMessageWaitTimeSeconds"] == found["ApproximateNumberOfMessages"] == "0"
    )
    assert found["SqsManagedSseEnabled"] == "true"
    assert "FifoQueue" not in found
    sqs.delete_queue(QueueUrl=url)
    assert refused(sqs.get_queue_url, QueueName=name) == (
        "AWS.SimpleQueueService.NonExistentQueue",
        "The specified queue does not exist.",
    )


def test_the_exception_has_its_class(sqs: Any) -> None:
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName="no-such-queue")


def test_the_same_queue_again(sqs: Any) -> None:
    name = new_name("q")
    url = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "5"})["QueueUrl"]
    assert sqs.create_queue(QueueName=name)["QueueUrl"] == url
    assert sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "5"})["QueueUrl"] == url
    code, message = refused(sqs.create_queue, QueueName=name, Attributes={"VisibilityTimeout": "6"})
    assert code == "QueueAlreadyExists"
    assert message.endswith("a different value for attribute VisibilityTimeout")


@pytest.mark.parametrize(
    ("name", "given"),
    [("a b", {}), ("x" * 81, {}), ("a.fifo", {}), ("a", {"FifoQueue": "true"}), (".fifo", {"FifoQueue": "true"})],
)
def test_names(sqs: Any, name: str, given: dict[str, str]) -> None:
    code, _ = refused(sqs.create_queue, QueueName=name, Attributes=given)
    assert code == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"VisibilityTimeout": "43201"}, "InvalidAttributeValue"),
        ({"VisibilityTimeout": "soon"}, "InvalidAttributeValue"),
        ({"DelaySeconds": "-1"}, "InvalidAttributeValue"),
        ({"MaximumMessageSize": "1023"}, "InvalidAttributeValue"),
        ({"MessageRetentionPeriod": "59"}, "InvalidAttributeValue"),
        ({"NoSuch": "1"}, "InvalidAttributeName"),
        ({"QueueArn": "arn"}, "InvalidAttributeName"),
        ({"ContentBasedDeduplication": "true"}, "InvalidAttributeName"),
        ({"Policy": "{"}, "InvalidAttributeValue"),
        ({"RedrivePolicy": "{}"}, "InvalidParameterValue"),
        ({"RedriveAllowPolicy": '{"redrivePermission": "some"}'}, "InvalidParameterValue"),
        ({"RedriveAllowPolicy": '{"redrivePermission": "byQueue"}'}, "InvalidParameterValue"),
        ({"RedrivePolicy": '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:none","maxReceiveCount":1}'},
         "InvalidParameterValue"),
    ],
)  # fmt: skip
def test_attributes_that_are_refused_change_nothing(sqs: Any, given: dict[str, str], code: str) -> None:
    url = sqs.create_queue(QueueName=new_name("q"))["QueueUrl"]
    before = attributes(sqs, url)
    assert refused(sqs.set_queue_attributes, QueueUrl=url, Attributes=given)[0] == code
    assert attributes(sqs, url) == before
    name = new_name("q")
    assert refused(sqs.create_queue, QueueName=name, Attributes=given)[0] == code
    assert refused(sqs.get_queue_url, QueueName=name)[0] == "AWS.SimpleQueueService.NonExistentQueue"


def test_attributes_are_set_and_unset(sqs: Any) -> None:
    dead = sqs.create_queue(QueueName=new_name("q"))["QueueUrl"]
    policy = json.dumps({"deadLetterTargetArn": attributes(sqs, dead)["QueueArn"], "maxReceiveCount": "3"})
    url = sqs.create_queue(QueueName=new_name("q"), Attributes={"RedrivePolicy": policy})["QueueUrl"]
    assert attributes(sqs, url)["RedrivePolicy"] == policy
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": "", "DelaySeconds": "7"})
    found = attributes(sqs, url)
    assert "RedrivePolicy" not in found
    assert found["DelaySeconds"] == "7"
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == []
    assert attributes(sqs, url, "DelaySeconds") == {"DelaySeconds": "7"}
    assert refused(sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["NoSuch"])[0] == "InvalidAttributeName"


def test_who_may_be_a_dead_letter_queue_of_it(sqs: Any) -> None:
    dead = sqs.create_queue(
        QueueName=new_name("q"), Attributes={"RedriveAllowPolicy": json.dumps({"redrivePermission": "denyAll"})}
    )["QueueUrl"]
    policy = json.dumps({"deadLetterTargetArn": attributes(sqs, dead)["QueueArn"], "maxReceiveCount": 3})
    code, message = refused(sqs.create_queue, QueueName=new_name("q"), Attributes={"RedrivePolicy": policy})
    assert code == "InvalidParameterValue"
    assert "does not allow" in message


def test_tags(sqs: Any) -> None:
    url = sqs.create_queue(QueueName=new_name("q"), tags={"a": "1"})["QueueUrl"]
    sqs.tag_queue(QueueUrl=url, Tags={"b": "2", "c": "3"})
    sqs.untag_queue(QueueUrl=url, TagKeys=["a", "c"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"b": "2"}
    too_many = refused(sqs.tag_queue, QueueUrl=url, Tags={str(number): "x" for number in range(50)})
    assert too_many == ("InvalidParameterValue", f"Too many tags added for queue {url.rpartition('/')[2]}.")


def test_permissions_are_statements_of_the_policy(sqs: Any) -> None:
    url = sqs.create_queue(QueueName=new_name("q"))["QueueUrl"]
    sqs.add_permission(QueueUrl=url, Label="send", AWSAccountIds=["111111111111"], Actions=["SendMessage"])
    (statement,) = json.loads(attributes(sqs, url)["Policy"])["Statement"]
    assert statement["Sid"] == "send"
    assert statement["Principal"] == {"AWS": "arn:aws:iam::111111111111:root"}
    assert statement["Action"] == "SQS:SendMessage"
    again = refused(sqs.add_permission, QueueUrl=url, Label="send", AWSAccountIds=["1"], Actions=["SendMessage"])
    for action, words in (("NoSuch", "a list of valid actions"), ("DeleteQueue", "Only the queue owner")):
        code, message = refused(sqs.add_permission, QueueUrl=url, Label="o", AWSAccountIds=["1"], Actions=[action])
        assert code == "InvalidParameterValue"
        assert words in message
    assert again == ("InvalidParameterValue", "Value send for parameter Label is invalid. Reason: Already exists.")
    sqs.remove_permission(QueueUrl=url, Label="send")
    assert "Policy" not in attributes(sqs, url)
    assert refused(sqs.remove_permission, QueueUrl=url, Label="send")[0] == "InvalidParameterValue"


def test_queues_are_listed_page_by_page(sqs: Any) -> None:
    prefix = new_name("page")
    urls = [sqs.create_queue(QueueName=f"{prefix}-{number}")["QueueUrl"] for number in range(5)]
    pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix=prefix, PaginationConfig={"PageSize": 2})
    assert [page["QueueUrls"] for page in pages] == [urls[:2], urls[2:4], urls[4:]]
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix="no-such-prefix")


def test_accounts_and_regions_are_apart(server: Server, sqs: Any) -> None:
    name = new_name("q")
    sqs.create_queue(QueueName=name)
    for settings in ({"account": "111111111111"}, {"region": "eu-west-1"}):
        other = server.client("sqs", **settings)
        assert refused(other.get_queue_url, QueueName=name)[0] == "AWS.SimpleQueueService.NonExistentQueue"
    stranger = server.client("sqs", account="111111111111")
    assert stranger.get_queue_url(QueueName=name, QueueOwnerAWSAccountId="000000000000")["QueueUrl"]


def test_missing_parameters_are_named(sqs: Any, server: Server) -> None:
    client = server.client("sqs", parameter_validation=False)
    assert refused(client.get_queue_attributes) == (
        "MissingParameter",
        "The request must contain the parameter QueueUrl.",
    )
    assert refused(client.send_message, QueueUrl="http://localhost/x/y") == (
        "MissingParameter",
        "The request must contain the parameter MessageBody.",
    )
