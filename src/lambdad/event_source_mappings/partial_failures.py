"""With ReportBatchItemFailures: what a function's answer says it failed on, whatever the source. Pure.

AWS: docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html, …/services-kinesis-batchfailurereporting.html (conditions
for success and failure)
"""

from typing import Any

import orjson


def failures_of(payload: bytes) -> list[Any] | None:
    """The identifiers named; none of them: complete success. None: it cannot be told, which is complete failure."""
    try:
        answer = orjson.loads(payload or b"null")
    except orjson.JSONDecodeError:
        return None
    if answer is None or answer in ("", []):
        return []
    if not isinstance(answer, dict):
        return None
    failures = answer.get("batchItemFailures")
    if not failures:
        return []  # an empty list, null, or no such member
    if not isinstance(failures, list):
        return None
    return [one.get("itemIdentifier") if isinstance(one, dict) else None for one in failures]
