"""What a queue is sent of a delivery: SendMessage's members but for the queue's address; by its trace loops are found. Pure."""

from base64 import b64decode
from typing import Any

import orjson

from lambdad.store.deliveries import Delivery

Message = dict[str, Any]


def message_of(delivery: Delivery) -> Message:
    trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": delivery.context["trace_id"]}}
    message = {"MessageBody": delivery.body.decode(), "MessageSystemAttributes": trace}
    if delivery.kind == "queue":
        return message | _of_service(delivery)
    message["MessageAttributes"] = attributes_of(delivery)
    if delivery.kind == "target":
        group = orjson.loads(delivery.context["parameters"]).get("MessageGroupId")
        message |= {"MessageGroupId": group} if group else {}
    return message


def _of_service(delivery: Delivery) -> Message:
    """What another service sends there."""
    order = {"MessageGroupId": delivery.context["group"], "MessageDeduplicationId": delivery.context["deduplication"]}
    attributes = _decoded(orjson.loads(delivery.context["attributes"]))
    return {"MessageAttributes": attributes, **{member: value for member, value in order.items() if value}}


def _decoded(attributes: dict[str, dict[str, str]]) -> dict[str, Any]:
    """Binary values are bytes from here on."""
    return {
        name: {member: b64decode(value) if member == "BinaryValue" else value for member, value in attribute.items()}
        for name, attribute in attributes.items()
    }


def attributes_of(delivery: Delivery) -> dict[str, Any]:
    """Of a function's dead letter; everything else says all itself."""
    if delivery.kind != "dead_letter":
        return {}
    return {
        "RequestID": {"DataType": "String", "StringValue": delivery.request_id},
        "ErrorCode": {"DataType": "Number", "StringValue": delivery.context["error_code"]},
        "ErrorMessage": {"DataType": "String", "StringValue": delivery.context["error_message"]},
    }
