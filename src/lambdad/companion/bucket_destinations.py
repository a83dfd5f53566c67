"""Whom a bucket may tell, decided when its notifications are configured: they must be there, and let it in.

AWS: docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html
"""

from collections.abc import Mapping
from typing import Any

from moto.sns.models import sns_backends

from lambdad.companion.bucket_configuration import InvalidArgument, given
from lambdad.companion.server_calls import ServerCalls

PRINCIPAL = "s3.amazonaws.com"
_UNABLE = "Unable to validate the following destination configurations"


def check(configuration: Mapping[str, Any], bucket: Any, calls: ServerCalls) -> None:
    """Raises InvalidArgument, which names all that it refuses."""
    refused: dict[str, str] = {}
    for kind, one in given(configuration):
        why = _REASONS[kind](one[kind], bucket, calls)
        if why:
            number = len(refused) // 2 + 1
            refused |= {f"ArgumentName{number}": one[kind], f"ArgumentValue{number}": why}
    if refused:
        raise InvalidArgument(_UNABLE, **refused)


def _of_function(arn: str, bucket: Any, calls: ServerCalls) -> str:
    if calls.permits(arn, PRINCIPAL, bucket.arn, bucket.account_id):
        return f"Not authorized to invoke function [{arn}]"
    return ""


def _of_queue(arn: str, bucket: Any, calls: ServerCalls) -> str:
    return "" if calls.has_queue(arn) else "The destination queue does not exist"


def _of_topic(arn: str, bucket: Any, calls: ServerCalls) -> str:
    region, account = arn.split(":")[3:5]
    return "" if arn in sns_backends[account][region].topics else "The destination topic does not exist"


_REASONS = {"CloudFunction": _of_function, "Queue": _of_queue, "Topic": _of_topic}
"""Why it cannot be told, or an empty string; by kind."""
