"""What a mapping's on-failure destination is told of records that are given up. Pure.

AWS: docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html, …/services-dynamodb-errors.html,
…/kafka-on-failure-destination.html
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from lambdad.event_source_mappings.batch_attempts import GivenUp
from lambdad.ids import new_trace_id, new_uuid
from lambdad.resources.event_source_mapping import EventSourceMapping
from lambdad.store.deliveries import Delivery


def delivery_of(
    mapping: EventSourceMapping,
    target: str,
    why: GivenUp,
    info: tuple[str, Mapping[str, Any]],
    payload: bytes,
    place: str,
    now: float,
) -> Delivery:
    """`info`: what is said of the batch, with the name of that. `payload`: the event, which buckets are given, too. `place`: where
    they come from, as buckets' keys name it."""
    name, batch = info
    ran = why.ran
    document: dict[str, Any] = {
        "requestContext": {
            "requestId": ran.request_id if ran is not None else new_uuid(),
            "functionArn": mapping.function_arn,
            "condition": why.condition,
            "approximateInvokeCount": max(why.attempts, 1),
        }
    }
    if ran is not None and ran.result is not None:
        document["responseContext"] = {
            "statusCode": 200,
            "executedVersion": ran.result.executed_version,
            "functionError": ran.result.function_error,
        }
    document |= {"version": "1.0", "timestamp": milliseconds(now), name: batch}
    if target.split(":", 3)[2] == "s3":
        document["payload"] = orjson.Fragment(payload)
    return Delivery(
        kind="destination",
        key=mapping.function,
        request_id=document["requestContext"]["requestId"],
        target=target,
        body=orjson.dumps(document),
        context={
            "condition": why.condition,
            "function_arn": mapping.function_arn,
            "trace_id": new_trace_id(now),
            "prefix": f"{mapping.key.name}/{place}",
        },
        begun_at=now,
        due_at=now,
    )


def milliseconds(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def seconds(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
