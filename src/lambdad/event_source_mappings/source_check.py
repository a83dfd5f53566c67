"""Is there the stream or queue that a mapping is to be made of, and how is it set?"""

import logging
from typing import Any

from lambdad.aws.json_client import DYNAMODB_STREAMS, KINESIS, SQS, Api, AwsError, JsonClient
from lambdad.resources.event_sources import SourceArn, SourceFacts
from lambdad.resources.sqs_queue import key_of_arn

log = logging.getLogger(__name__)

_STREAMS = {
    "kinesis": (KINESIS, "DescribeStreamSummary", "StreamARN"),
    "dynamodb": (DYNAMODB_STREAMS, "DescribeStream", "StreamArn"),
}
_CONSUMER = (KINESIS, "DescribeStreamConsumer", "ConsumerARN")
_NOT_THERE = frozenset({"ResourceNotFoundException", "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"})


class SourceCheck:
    def __init__(self, client: JsonClient) -> None:
        self._client = client

    async def look_at(self, arn: str, account: str) -> SourceFacts:
        """What cannot be told may be as it should: its poller goes on looking for it."""
        source = SourceArn.of(arn)
        try:
            if source.service == "sqs":
                return await self._queue(arn)
            if source.service in _STREAMS:
                await self._stream(arn, source, account)
        except AwsError as error:
            if error.code in _NOT_THERE:
                return SourceFacts(exists=False)
            log.warning("whether there is %s could not be found out: %s", arn, error)
        return SourceFacts()

    async def _stream(self, arn: str, source: SourceArn, account: str) -> None:
        api, operation, member = _CONSUMER if "/consumer/" in source.resource else _STREAMS[source.service]
        if self._client.has(api):
            await self._call(api, operation, account, source.region, {member: arn})

    async def _queue(self, arn: str) -> SourceFacts:
        """Asked as its poller will ask it: by the account that it is of."""
        key = key_of_arn(arn)
        if key is None:
            return SourceFacts(exists=False)
        url = f"{self._client.endpoint('sqs')}/{key.account}/{key.name}"
        asked = {"QueueUrl": url, "AttributeNames": ["VisibilityTimeout"]}
        answer = await self._call(SQS, "GetQueueAttributes", key.account, key.region, asked)
        timeout = str(answer.get("Attributes", {}).get("VisibilityTimeout", ""))
        return SourceFacts(visibility_timeout=int(timeout) if timeout.isdigit() else None)

    async def _call(self, api: Api, operation: str, account: str, region: str, members: Any) -> dict[str, Any]:
        return await self._client.call(api, operation, account, region, members)
