"""Writes docs/api.md: every operation of the service model, and whether it is built (`api/operations/table.py`)."""

from pathlib import Path

from lambdad.api.operations.table import OPERATIONS
from lambdad.protocols.model import load_model

HEAD = """# The Lambda API

Every operation of AWS's service model (botocore's), and what lambdad makes of it. All are routed, decoded and validated; what is
not built answers `InvalidParameterValueException`. Written by `docs/make_api.py` from the table that the server itself uses.

| operation | | what differs from AWS |
|---|---|---|
"""
COPIED = "S3ObjectStorageMode REFERENCE copies the package, too."
DIFFERENCES = {
    "CreateFunction": "Container images are kept, their registry is not asked, and they do not run; "
    "VPC, file system and key settings are kept and do nothing. " + COPIED,
    "AddPermission": "Asked when other accounts, topics, buckets, rules, alarms and log subscriptions invoke, and of "
    "function URLs; a caller of the same account needs no permission.",
    "CreateEventSourceMapping": "SQS, Kinesis, DynamoDB Streams, Kafka and RabbitMQ are polled, DocumentDB is not; "
    "whether a cluster or broker exists is not checked. It can be changed and deleted at once: AWS refuses that for a while.",
    "GetProvisionedConcurrencyConfig": "When an alias has moved, allocation counts from 0: AWS counts the old version's meanwhile. "
    "What FAILED is tried again when more is asked for, and once after a restart; "
    "what only this host could not make, every five seconds (IN_PROGRESS until then).",
    "InvokeWithResponseStream": "As fast as the caller reads: AWS allows 2 MB/s after the first 6 MB.",
    "PublishLayerVersion": COPIED,
    "PutFunctionEventInvokeConfig": "Whether a destination exists is asked of functions only.",
    "PutFunctionRecursionConfig": "Loops are seen by the trace header that SDKs, destinations and queues pass on.",
    "PutFunctionScalingConfig": "Kept and answered; environments come and go with what is invoked.",
    "PutRuntimeManagementConfig": "Kept; a runtime is what the host has installed.",
    "UpdateFunctionCode": "As CreateFunction.",
    "UpdateFunctionConfiguration": "As CreateFunction.",
}
OUTSIDE_THE_TABLE = frozenset({"Invoke"})
"""Built, and called by the front door itself."""


def text() -> str:
    built = OPERATIONS.keys() | OUTSIDE_THE_TABLE
    names = sorted(load_model("lambda").operations)
    unknown = (built | DIFFERENCES.keys()) - set(names)
    if unknown:
        raise ValueError(f"not in the service model: {sorted(unknown)}")
    rows = [f"| {name} | {_word(name, built)} | {DIFFERENCES.get(name, '')} |" for name in names]
    return HEAD + "\n".join(rows) + f"\n\n{len(built)} of {len(names)} are built.\n"


def _word(name: str, built: "set[str] | frozenset[str]") -> str:
    if name not in built:
        return "not yet"
    return "partly" if DIFFERENCES.get(name) else "works"


if __name__ == "__main__":
    Path(__file__).with_name("api.md").write_text(text())
