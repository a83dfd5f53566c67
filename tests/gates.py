"""A gate in functions' code: who comes there waits until the test opens it. How tests hold several invocations at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from functions import new_name
from server import Server
from wait import wait_for

_CODE = """
import json, os, time, urllib.error, urllib.request
def gate():
    def ask(operation, **parameters):
        headers = {'X-Amz-Target': 'AmazonSQS.' + operation, 'Content-Type': 'application/x-amz-json-1.0',
                   'Authorization': 'AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/sqs/aws4_request'}
        request = urllib.request.Request(os.environ['AWS_ENDPOINT_URL'], json.dumps(parameters).encode(), headers)
        urllib.request.urlopen(request, timeout=60).read()
    ask('SendMessage', QueueUrl='{arrivals}', MessageBody='here')
    while True:
        try:
            return ask('GetQueueUrl', QueueName='{name}')
        except urllib.error.HTTPError:
            time.sleep(0.02)
"""


class Gate:
    """Who arrives says so to one queue; it is open once there is another: what functions can ask of every server."""

    def __init__(self, server: Server) -> None:
        self._sqs = server.client("sqs")
        self._name = new_name("gate")
        self._arrivals = self._sqs.create_queue(QueueName=f"{self._name}-arrivals")["QueueUrl"]
        self.code = _CODE.replace("{name}", self._name).replace("{arrivals}", self._arrivals)
        """Defines `gate()`; the function's timeout bounds how long it waits."""

    def open(self) -> None:
        self._sqs.create_queue(QueueName=self._name)

    def wait_for(self, count: int) -> None:
        """Until so many stand before it."""
        wait_for(lambda: self._arrived() == count)

    def together(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        """What the calls answer, which are under way all at once; or early, if one of them ends without having come here."""
        with ThreadPoolExecutor(len(calls)) as threads:
            answers = [threads.submit(one) for one in calls]
            wait_for(lambda: self._arrived() == len(calls) or any(one.done() for one in answers))
            self.open()
            return [one.result() for one in answers]

    def _arrived(self) -> int:
        name = "ApproximateNumberOfMessages"
        found = self._sqs.get_queue_attributes(QueueUrl=self._arrivals, AttributeNames=[name])
        return int(found["Attributes"][name])
