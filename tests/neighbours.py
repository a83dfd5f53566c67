"""moto's server as the services beside Lambda, and what a test asks them."""

import json
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

ACCOUNT = "123456789012"
REGION = "us-east-1"
SERVICES = ("sqs", "sns", "events", "s3")


class Neighbours:
    """One for each process that runs tests: moto keeps its state per process. `stop` it at the end."""

    def __init__(self) -> None:
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.url = f"http://{host}:{port}"

    def arguments(self) -> list[str]:
        """What tells lambdad where they are."""
        return [part for service in SERVICES for part in ("--endpoint", f"{service}={self.url}")]

    def client(self, service: str) -> Any:
        return boto3.client(
            service, endpoint_url=self.url, region_name=REGION, aws_access_key_id="a", aws_secret_access_key="b"
        )

    def queue(self, name: str) -> tuple[str, str]:
        """(ARN, URL) of a new one."""
        url = self.client("sqs").create_queue(QueueName=name)["QueueUrl"]
        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}", url

    def receive(self, url: str, count: int = 1) -> list[dict[str, Any]]:
        """So many messages, as they come; each deleted. Waits for them."""
        client, messages = self.client("sqs"), []
        for _ in range(60):
            got = client.receive_message(
                QueueUrl=url,
                WaitTimeSeconds=1,
                MaxNumberOfMessages=10,
                MessageAttributeNames=["All"],
                AttributeNames=["All"],
            ).get("Messages", [])
            for message in got:
                client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            messages += got
            if len(messages) >= count:
                return messages
        raise AssertionError(f"{len(messages)} of {count} messages came")

    def record(self, url: str) -> Any:
        """The body of the one message, as a document."""
        (message,) = self.receive(url)
        return json.loads(message["Body"])

    def stop(self) -> None:
        self._server.stop()
