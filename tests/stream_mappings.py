"""Streams that are mapped to functions which tell what they were given."""

import base64
from collections.abc import Sequence
from typing import Any

from functions import new_name
from server import Server
from told import Telling
from wait import wait_for


class Mapped:
    """A function and the mapping that feeds it; `settings` are the mapping's."""

    def __init__(self, server: Server, source: str, answer: str = "return None", **settings: Any) -> None:
        self.server = server
        self.client = server.client()
        self.told = Telling(server, answer)
        self.function = self.told.name
        given = {
            "StartingPosition": "TRIM_HORIZON",
            "EventSourceArn": source,
            "FunctionName": self.function,
            **settings,
        }
        self.uuid = self.client.create_event_source_mapping(**given)["UUID"]
        self.until("Enabled")

    def until(self, state: str) -> None:
        wait_for(lambda: self.mapping()["State"] == state)

    def mapping(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get_event_source_mapping(UUID=self.uuid)
        return found

    def update(self, state: str, **settings: Any) -> None:
        self.client.update_event_source_mapping(UUID=self.uuid, **settings)
        self.until(state)

    def records(self, count: int) -> list[dict[str, Any]]:
        """The next so many that the function was given."""
        events = self.told.all(lambda events: sum(len(event["Records"]) for event in events) >= count)
        return [record for event in events for record in event["Records"]]

    def delete(self) -> None:
        self.client.delete_event_source_mapping(UUID=self.uuid)


class Stream:
    """Of Kinesis."""

    def __init__(self, server: Server, shards: int = 1) -> None:
        self.kinesis = server.client("kinesis")
        self.name = new_name("stream")
        self.kinesis.create_stream(StreamName=self.name, ShardCount=shards)
        summary = self.kinesis.describe_stream_summary(StreamName=self.name)["StreamDescriptionSummary"]
        self.arn: str = summary["StreamARN"]

    def put(self, *values: str | bytes, key: str = "a") -> list[str]:
        """Their sequence numbers."""
        numbers: list[str] = []
        for start in range(0, len(values), 500):
            records = [{"Data": value, "PartitionKey": key} for value in values[start : start + 500]]
            answer = self.kinesis.put_records(StreamName=self.name, Records=records)
            numbers += [record["SequenceNumber"] for record in answer["Records"]]
        return numbers


def data_of(records: Sequence[dict[str, Any]]) -> list[str]:
    return [base64.b64decode(record["kinesis"]["data"]).decode() for record in records]


def queue_of(server: Server) -> tuple[str, str]:
    """(URL, ARN)."""
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName=new_name("failed"))["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
