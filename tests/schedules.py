"""What schedules send to queues, and times to send it at."""

import copy
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from functions import new_name
from server import Server

ROLE = "arn:aws:iam::000000000000:role/scheduler"
OFF = {"Mode": "OFF"}
NEVER = "at(2199-01-01T00:00:00)"


class Queue:
    """Of the server that is tested."""

    def __init__(self, server: Server, suffix: str = "", **attributes: str) -> None:
        self._sqs = server.client("sqs")
        name = new_name("q") + suffix
        self.url = self._sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        self.arn = f"arn:aws:sqs:us-east-1:000000000000:{name}"

    def on(self, server: Server) -> "Queue":
        """The same one, once the server has been started again."""
        again = copy.copy(self)
        again._sqs = server.client("sqs")
        again.url = again._sqs.get_queue_url(QueueName=self.arn.rpartition(":")[2])["QueueUrl"]
        return again

    def next(self) -> Any:
        """The next message, as it is received. Waits for it."""
        for _ in range(6):
            got = self._sqs.receive_message(
                QueueUrl=self.url, WaitTimeSeconds=10, MessageAttributeNames=["All"], AttributeNames=["All"]
            )
            for message in got.get("Messages", []):
                self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
                return message
        raise AssertionError("nothing came")

    def nothing(self) -> bool:
        return "Messages" not in self._sqs.receive_message(QueueUrl=self.url)

    def target(self, **more: Any) -> dict[str, Any]:
        return {"Arn": self.arn, "RoleArn": ROLE, **more}


def at(seconds: float) -> str:
    """A one-time expression, at least so many seconds from now."""
    moment = datetime.now(UTC) + timedelta(seconds=seconds + 1)
    return f"at({moment:%Y-%m-%dT%H:%M:%S})"


def moment_of(expression: str) -> datetime:
    return datetime.fromisoformat(expression[3:-1]).replace(tzinfo=UTC)


def attributes_of(message: Any) -> dict[str, str]:
    return {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}


def body_of(message: Any) -> Any:
    return json.loads(message["Body"])
