"""Batch requests: each entry succeeds or fails by itself.

AWS: docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_BatchResultErrorEntry.html
"""

import re
from collections.abc import Sequence

from lambdad.errors import ServiceError
from lambdad.errors.sqs import (
    BatchEntryIdsNotDistinct,
    EmptyBatchRequest,
    InvalidBatchEntryId,
    TooManyEntriesInBatchRequest,
)
from lambdad.protocols.context import Members

_MOST = 10
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")


def check_entries(entries: Sequence[Members], kind: str) -> None:
    """`kind`: what an entry is called. Raises what the whole batch is refused with."""
    if not entries:
        raise EmptyBatchRequest.of(kind)
    if len(entries) > _MOST:
        raise TooManyEntriesInBatchRequest.of(len(entries))
    seen = set()
    for entry in entries:
        if not _ID.fullmatch(entry["Id"]):
            raise InvalidBatchEntryId.of()
        if entry["Id"] in seen:
            raise BatchEntryIdsNotDistinct.of(entry["Id"])
        seen.add(entry["Id"])


def failed(entry: Members, error: ServiceError) -> Members:
    return {"Id": entry["Id"], "SenderFault": True, "Code": error.query_code or error.code, "Message": error.message}
