"""What an event bus is given of a delivery: an entry as PutEvents takes it. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from lambdad.store.deliveries import Delivery

Entry = Mapping[str, Any]


def entry_of(delivery: Delivery) -> Entry:
    return {**_ENTRIES[delivery.kind](delivery), "EventBusName": delivery.target}


def _of_destination(delivery: Delivery) -> Entry:
    """AWS: docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"""
    outcome = "Success" if delivery.context["condition"] == "Success" else "Failure"
    return {
        "Source": "lambda",
        "DetailType": f"Lambda Function Invocation Result - {outcome}",
        "Detail": delivery.body.decode(),
        "Resources": [delivery.target, delivery.context["function_arn"]],
    }


def _of_service(delivery: Delivery) -> Entry:
    """Of one of AWS's services, about a resource of its own."""
    about = delivery.context["source"]
    return {
        "Source": f"aws.{about.split(':', 3)[2]}",
        "DetailType": delivery.context["detail_type"],
        "Detail": delivery.body.decode(),
        "Resources": [about],
    }


def _of_target(delivery: Delivery) -> Entry:
    """A schedule says what it is an event of; a rule hands on the event that it was given."""
    parameters = orjson.loads(delivery.context["parameters"])
    if "Source" in parameters:
        return {
            "Source": parameters["Source"],
            "DetailType": parameters["DetailType"],
            "Detail": delivery.body.decode(),
        }
    event = orjson.loads(delivery.body)
    return {
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": orjson.dumps(event["detail"]).decode(),
        "Resources": event["resources"],
    }


_ENTRIES: Final[Mapping[str, Callable[[Delivery], Entry]]] = {
    "bus": _of_service,
    "destination": _of_destination,
    "target": _of_target,
}
"""By the delivery's kind."""
