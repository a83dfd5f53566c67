"""Functions that tell what they were given by a queue of the server: what a test waits for, and no crash takes away."""

import json
from collections.abc import Callable
from typing import Any

from functions import create, new_name
from server import Server

CODE = """
import json, os, urllib.request
def handler(event, context):
    message = {'QueueUrl': os.environ['TOLD'], 'MessageBody': json.dumps(event)}
    headers = {'X-Amz-Target': 'AmazonSQS.SendMessage', 'Content-Type': 'application/x-amz-json-1.0',
               'Authorization': 'AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/sqs/aws4_request'}
    request = urllib.request.Request(os.environ['AWS_ENDPOINT_URL'], json.dumps(message).encode(), headers)
    urllib.request.urlopen(request, timeout=120).read()
"""


def code_of(answer: str) -> str:
    return CODE + "".join(f"    {line}\n" for line in answer.splitlines())


class Telling:
    """A function, and what it was given."""

    def __init__(self, server: Server, answer: str = "return event", **settings: Any) -> None:
        """`answer`: what it does once it has told, in Python."""
        self._sqs = server.client("sqs")
        self._url = self._sqs.create_queue(QueueName=new_name("told"))["QueueUrl"]
        client = server.client()
        self.name = create(client, code_of(answer), Environment={"Variables": {"TOLD": self._url}}, **settings)
        self.arn = client.get_function_configuration(FunctionName=self.name)["FunctionArn"]
        self._client = client

    def permit(self, service: str, source: str | None = None) -> None:
        """`source`: ARN; None: whatever is the account's."""
        condition = {"SourceArn": source} if source else {"SourceAccount": "000000000000"}
        self._client.add_permission(
            FunctionName=self.name,
            StatementId=new_name("s"),
            Action="lambda:InvokeFunction",
            Principal=service,
            **condition,
        )

    def next(self, seconds: int = 60) -> Any:
        """The next event it was given. Waits for it."""
        for _ in range(seconds):
            got = self._sqs.receive_message(QueueUrl=self._url, WaitTimeSeconds=1).get("Messages", [])
            for message in got:
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
                return json.loads(message["Body"])
        raise AssertionError("it was given nothing")

    def all(self, enough: Callable[[list[Any]], object], seconds: int = 60) -> list[Any]:
        """The next events until there are enough."""
        events: list[Any] = []
        while not enough(events):
            events.append(self.next(seconds))
        return events

    def nothing(self) -> bool:
        """It was given nothing (more) by now."""
        return "Messages" not in self._sqs.receive_message(QueueUrl=self._url)
