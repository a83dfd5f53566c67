"""Queues that are mapped to functions."""

from typing import Any

from server import Server
from wait import wait_for


def map_queue(server: Server, url: str, function: str, **mapping: Any) -> str:
    """The mapping's UUID. Messages may come again sooner than tests' functions, whose timeout is long, may run: that is looked at
    only while the mapping is made."""
    client, sqs = server.client(), server.client("sqs")
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn", "VisibilityTimeout"])["Attributes"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "60"})
    uuid: str = client.create_event_source_mapping(
        FunctionName=function, EventSourceArn=found["QueueArn"], Enabled=False, **mapping
    )["UUID"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": found["VisibilityTimeout"]})
    wait_for(lambda: client.get_event_source_mapping(UUID=uuid)["State"] == "Disabled")
    client.update_event_source_mapping(UUID=uuid, Enabled=True)
    wait_for(lambda: client.get_event_source_mapping(UUID=uuid)["State"] == "Enabled")
    return uuid
