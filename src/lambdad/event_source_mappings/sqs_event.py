"""What a function is given of a queue's messages, and what its answer says of them. Pure.

AWS: docs.aws.amazon.com/lambda/latest/dg/with-sqs.html (the event), …/services-sqs-errorhandling.html (partial batches)
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from lambdad.event_source_mappings.partial_failures import failures_of

_TEXTS = {"StringValue": "stringValue", "BinaryValue": "binaryValue"}

Message = Mapping[str, Any]
"""As ReceiveMessage answers it."""


def record_of(message: Message, arn: str, region: str) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {name: _attribute(value) for name, value in message.get("MessageAttributes", {}).items()},
        "md5OfMessageAttributes": message.get("MD5OfMessageAttributes"),
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": region,
    }


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    """The binary value is base64 on the wire already."""
    texts = {name: value[member] for member, name in _TEXTS.items() if member in value}
    return {**texts, "stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}


def filtered_document(record: Mapping[str, Any]) -> dict[str, Any]:
    """What filters look at: the record, its body parsed if it is JSON."""
    try:
        body = orjson.loads(record["body"])
    except orjson.JSONDecodeError:
        return dict(record)
    return {**record, "body": body} if isinstance(body, dict) else dict(record)


def failed_of(payload: bytes, identifiers: Sequence[str]) -> set[str]:
    """With ReportBatchItemFailures: who of them the function says it failed on; all of them if it cannot be told."""
    everyone = set(identifiers)
    named = failures_of(payload)
    if named is None:
        return everyone
    known = {one for one in named if isinstance(one, str) and one in everyone}
    return known if len(known) == len({str(one) for one in named}) else everyone
