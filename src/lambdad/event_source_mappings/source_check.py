"""Is there the stream that a mapping is to be made of?"""

import logging

from lambdad.aws.json_client import DYNAMODB_STREAMS, KINESIS, AwsError, JsonClient
from lambdad.resources.event_sources import SourceArn

log = logging.getLogger(__name__)

_ASKED = {
    "kinesis": (KINESIS, "DescribeStreamSummary", "StreamARN"),
    "dynamodb": (DYNAMODB_STREAMS, "DescribeStream", "StreamArn"),
}


class SourceCheck:
    def __init__(self, client: JsonClient) -> None:
        self._client = client

    async def exists(self, arn: str, account: str) -> bool:
        """What cannot be told may be: its poller goes on looking for it."""
        source = SourceArn.of(arn)
        if source.service not in _ASKED:
            return True
        api, operation, member = _ASKED[source.service]
        if not self._client.has(api):
            return True
        try:
            await self._client.call(api, operation, account, source.region, {member: arn.partition("/consumer/")[0]})
        except AwsError as error:
            if error.code == "ResourceNotFoundException":
                return False
            log.warning("whether there is %s could not be found out: %s", arn, error)
        return True
