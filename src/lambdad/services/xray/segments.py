"""Segments that are sent by the API, and what senders tell of themselves.

AWS: docs.aws.amazon.com/xray/latest/api/API_PutTraceSegments.html
"""

from typing import Final

from lambdad.errors.xray import InvalidRequestException
from lambdad.observability.trace_store import Place
from lambdad.protocols.context import Context, Members
from lambdad.services.xray.backend import Backend

_MOST: Final = 50


async def put_trace_segments(backend: Backend, context: Context, request: Members) -> Members:
    """Each by itself: what is wrong with one is none of the others' business."""
    documents = request["TraceSegmentDocuments"]
    if len(documents) > _MOST:
        raise InvalidRequestException.too_many("TraceSegmentDocuments", _MOST)
    refused = await backend.traces.put(Place(context.account, context.region), documents)
    return {
        "UnprocessedTraceSegments": [
            {"Id": one.id, "ErrorCode": one.code, "Message": f"Invalid segment. ErrorCode: {one.code}"}
            for one in refused
        ]
    }


async def put_telemetry_records(backend: Backend, context: Context, request: Members) -> Members:
    """How much daemons took and lost; AWS shows that to nobody either."""
    return {}


async def get_encryption_config(backend: Backend, context: Context, request: Members) -> Members:
    """AWS's default: no key of the customer's."""
    return {"EncryptionConfig": {"Status": "ACTIVE", "Type": "NONE"}}
