"""When a target of a rule or a schedule is given up, and what its dead-letter queue is sent."""

import json
from typing import Any

import pytest

from lambdad.invocation.undelivered import Failed, dead_letter_of, exhausted
from lambdad.resources.function import FunctionKey
from lambdad.store.deliveries import Delivery

DLQ = "arn:aws:sqs:us-east-1:000000000000:dead"
TARGET = "arn:aws:sqs:us-east-1:000000000000:q"


def delivery(attempts: int = 0, **context: str) -> Delivery:
    return Delivery(
        kind="target",
        key=FunctionKey("000000000000", "us-east-1", "r"),
        request_id="id",
        target=TARGET,
        body=b"the input",
        context=context,
        begun_at=0.0,
        due_at=0.0,
        attempts=attempts,
    )


def of_rule(attempts: int = 0, **context: str) -> Delivery:
    dead = {"dead_letter_queue": DLQ, "dead_letter_body": '{"the": "event"}', "error_codes": "rule"}
    attributes = json.dumps({"RULE_ARN": "arn:rule", "TARGET_ARN": TARGET})
    policy = {"retry_attempts": "2", "event_age": "60", "trace_id": "Root=1-5759e988-bd862e3fe1be46a994272793"}
    return delivery(attempts, **{**policy, **dead, "dead_letter_attributes": attributes, **context})


@pytest.mark.parametrize(
    ("attempts", "age", "condition"),
    [
        (0, 1.0, None),
        (1, 60.0, None),
        (1, 60.1, "MaximumEventAgeInSeconds"),
        (2, 1.0, "MaximumRetryAttempts"),
        (2, 99.0, "MaximumRetryAttempts"),
    ],
)
def test_the_retry_policy_ends_it(attempts: int, age: float, condition: str | None) -> None:
    assert exhausted(of_rule(attempts), age) == condition


def test_without_retries_one_attempt_is_all() -> None:
    assert exhausted(of_rule(retry_attempts="0"), 0.0) == "MaximumRetryAttempts"


def test_what_has_no_policy_is_tried_for_an_hour() -> None:
    assert exhausted(delivery(attempts=500), 3600.0) is None
    assert exhausted(delivery(), 3600.1) == "MaximumEventAgeInSeconds"


def attributes_of(letter: Delivery | None) -> dict[str, Any]:
    assert letter is not None
    return {name: one["StringValue"] for name, one in json.loads(letter.context["attributes"]).items()}


def test_a_rules_dead_letter() -> None:
    letter = dead_letter_of(of_rule(2), Failed("ThrottlingException", "slow down"), "MaximumRetryAttempts", 7.0)
    assert letter is not None
    assert (letter.kind, letter.target, letter.body, letter.due_at) == ("queue", DLQ, b'{"the": "event"}', 7.0)
    assert attributes_of(letter) == {
        "RULE_ARN": "arn:rule",
        "TARGET_ARN": TARGET,
        "ERROR_CODE": "THROTTLING",
        "ERROR_MESSAGE": "slow down",
        "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
        "RETRY_ATTEMPTS": "2",
    }


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("AWS.SimpleQueueService.NonExistentQueue", "NO_RESOURCE"),
        ("ResourceNotFoundException", "NO_RESOURCE"),
        ("AccessDeniedException", "NO_PERMISSIONS"),
        ("ReadTimeoutError", "TIMEOUT"),
        ("EndpointConnectionError", "CONNECTION_FAILURE"),
        ("InvalidParameterValue", "INVALID_PARAMETER"),
        ("NoEndpoint", "SDK_CLIENT_ERROR"),
        ("Whatever", "ERROR_FROM_TARGET"),
    ],
)
def test_errors_have_the_names_that_their_sender_gives_them(code: str, named: str) -> None:
    failed = Failed(code, "m")
    refused = attributes_of(dead_letter_of(of_rule(), failed, None, 0.0))
    assert refused["ERROR_CODE"] == named
    assert "EXHAUSTED_RETRY_CONDITION" not in refused
    assert attributes_of(dead_letter_of(of_rule(error_codes="service"), failed, None, 0.0))["ERROR_CODE"] == code


def test_without_a_queue_nothing_is_sent() -> None:
    assert dead_letter_of(of_rule(dead_letter_queue=""), Failed("x", "y"), None, 0.0) is None
    assert dead_letter_of(delivery(), Failed("x", "y"), None, 0.0) is None
