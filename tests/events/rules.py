"""Rules of the test's own, and what their targets get."""

import json
from typing import Any

from functions import new_name
from server import Server

ACCOUNT = "000000000000"
EVENTS = f"arn:aws:events:us-east-1:{ACCOUNT}"


class Queue:
    """A target that tells what it was sent."""

    def __init__(self, server: Server, name: str = "", **attributes: str) -> None:
        self._sqs = server.client("sqs")
        self.name = name or new_name("q")
        self.url = self._sqs.create_queue(QueueName=self.name, Attributes=attributes)["QueueUrl"]
        self.arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{self.name}"

    def message(self) -> dict[str, Any]:
        """The next one. Waits for it."""
        for _ in range(60):
            got = self._sqs.receive_message(
                QueueUrl=self.url, WaitTimeSeconds=1, MessageAttributeNames=["All"], AttributeNames=["All"]
            ).get("Messages", [])
            for message in got:
                self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
                return dict(message)
        raise AssertionError("no message came")

    def body(self) -> Any:
        return json.loads(self.message()["Body"])

    def bodies(self, number: int) -> list[Any]:
        return [self.body() for _ in range(number)]

    def empty(self) -> bool:
        """By now."""
        return "Messages" not in self._sqs.receive_message(QueueUrl=self.url)


def rule_of(events: Any, pattern: Any, *targets: dict[str, Any], bus: str = "default") -> str:
    """The name of a new rule with these targets."""
    name = new_name("rule")
    events.put_rule(Name=name, EventPattern=json.dumps(pattern), EventBusName=bus)
    numbered = [{"Id": str(number), **target} for number, target in enumerate(targets)]
    if targets:
        assert events.put_targets(Rule=name, EventBusName=bus, Targets=numbered)["FailedEntryCount"] == 0
    return name


def put(events: Any, source: str, detail: Any, **more: Any) -> str:
    """The event's id."""
    entry = {"Source": source, "DetailType": "told", "Detail": json.dumps(detail), **more}
    answer = events.put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 0, answer
    return str(answer["Entries"][0]["EventId"])


def attributes_of(message: dict[str, Any]) -> dict[str, str]:
    return {name: one["StringValue"] for name, one in message["MessageAttributes"].items()}
