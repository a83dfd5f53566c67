"""Where Lambda may tell what became of events. Pure.

AWS: docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html, …/kinesis-on-failure-destination.html
"""

import re
from collections.abc import Container
from typing import Final

_RESOURCES: Final = {
    "lambda": re.compile(r"function:.+"),
    "sns": re.compile(r"[^:/]+(?<!\.fifo)"),
    "sqs": re.compile(r"[^:/]+(?<!\.fifo)"),
    "events": re.compile(r"event-bus/.+"),
    "s3": re.compile(r"[^:/]+"),
}
"""Services that take it, and what the ARN ends with: standard queues and topics only."""
OF_EVENTS: Final = frozenset(_RESOURCES)
"""Of asynchronous invocations."""
OF_RECORDS: Final = frozenset({"sns", "sqs", "s3"})
"""Of event source mappings."""


def may_be_destination(arn: str, services: Container[str]) -> bool:
    parts = arn.split(":", 5)
    if len(parts) < 6 or parts[2] not in services:
        return False
    return _RESOURCES[parts[2]].fullmatch(parts[5]) is not None
