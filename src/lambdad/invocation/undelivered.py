"""How long something is tried to be handed to the target of a rule or a schedule, and what becomes of it then. Pure.

AWS: docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html,
docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html. What is kept of it is in the delivery's context:
`retry_attempts` and `event_age` (seconds), `dead_letter_queue` (ARN, or empty), `dead_letter_body`, `dead_letter_attributes`
(JSON: text by name) and `error_codes` (whose they are).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from lambdad.store.deliveries import Delivery

MOST_ATTEMPTS: Final = 185
LONGEST_AGE: Final = 86_400
"""Seconds."""
_DEFAULT_AGE: Final = 3600.0
"""Seconds that a target of anything else may be out of reach."""
_MOST_MESSAGE: Final = 1024
_ATTEMPTS_OVER: Final = "MaximumRetryAttempts"
AGE_OVER: Final = "MaximumEventAgeInSeconds"


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a target has not taken it: the error's code as its service has it, and its words."""

    code: str
    message: str


def exhausted(delivery: Delivery, age: float) -> str | None:
    """What forbids another attempt at that age; None: nothing does."""
    attempts = delivery.context.get("retry_attempts")
    if attempts is None:
        return AGE_OVER if age > _DEFAULT_AGE else None
    if delivery.attempts >= int(attempts):
        return _ATTEMPTS_OVER
    return AGE_OVER if age > float(delivery.context["event_age"]) else None


def dead_letter_of(delivery: Delivery, failed: Failed, condition: str | None, now: float) -> Delivery | None:
    """For its dead-letter queue, if it has one. `condition`: what was exhausted, if it was tried again at all."""
    context = delivery.context
    queue = context.get("dead_letter_queue")
    if not queue:
        return None
    attributes: dict[str, str] = orjson.loads(context["dead_letter_attributes"])
    attributes["ERROR_CODE"] = _rule_code(failed.code) if context["error_codes"] == "rule" else failed.code
    attributes["ERROR_MESSAGE"] = failed.message[:_MOST_MESSAGE]
    attributes["RETRY_ATTEMPTS"] = str(delivery.attempts)
    if condition is not None:
        attributes["EXHAUSTED_RETRY_CONDITION"] = condition
    typed = {name: {"DataType": "String", "StringValue": text} for name, text in attributes.items() if text}
    return Delivery(
        kind="queue",
        key=delivery.key,
        request_id=delivery.request_id,
        target=queue,
        body=context["dead_letter_body"].encode(),
        context={
            "attributes": orjson.dumps(typed).decode(),
            "group": "",
            "deduplication": "",
            "trace_id": context["trace_id"],
        },
        begun_at=now,
        due_at=now,
    )


_RULE_CODES: Final[Mapping[str, tuple[str, ...]]] = {
    "NO_PERMISSIONS": ("AccessDenied", "NotAuthorized", "Unauthorized", "AuthorizationError"),
    "NO_RESOURCE": ("NotFound", "NonExistent", "DoesNotExist", "NoSuch"),
    "THROTTLING": ("Throttl", "TooManyRequests", "ProvisionedThroughputExceeded"),
    "INVALID_JSON": ("InvalidRequestContent",),
    "INVALID_PARAMETER": ("Validation", "InvalidParameter", "MissingParameter", "RequestTooLarge"),
    "TIMEOUT": ("Timeout",),
    "CONNECTION_FAILURE": ("Connection",),
    "SDK_CLIENT_ERROR": ("NoEndpoint",),
}
"""What EventBridge calls errors whose codes have one of these in them."""


def _rule_code(code: str) -> str:
    found = (name for name, parts in _RULE_CODES.items() if any(part in code for part in parts))
    return next(found, "ERROR_FROM_TARGET")
