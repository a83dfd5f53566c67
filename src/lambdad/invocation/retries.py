"""What becomes of an asynchronous event after an attempt. Pure.

AWS: docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html. A function error is tried again after one
minute, then after two, then given up; throttles and internal errors are tried again with a growing wait for six hours.
"""

from dataclasses import dataclass
from enum import Enum

MAXIMUM_RETRY_ATTEMPTS = 2
MAXIMUM_EVENT_AGE = 6 * 3600.0
"""Seconds."""
_FUNCTION_ERROR_WAITS = (60.0, 120.0)
_THROTTLE_FIRST_WAIT = 1.0
_THROTTLE_LONGEST_WAIT = 300.0


class Failure(Enum):
    FUNCTION = "the function returned an error"
    PLATFORM = "throttled, or an internal error"


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Seconds since the epoch, and the counters to keep with the event."""

    due: float
    errors: int
    throttles: int


@dataclass(frozen=True, slots=True)
class GiveUp:
    condition: str
    """RetriesExhausted | EventAgeExceeded, as the destination record names it."""


def decide(failure: Failure, *, now: float, accepted: float, errors: int, throttles: int) -> RetryAt | GiveUp:
    """`errors` and `throttles`: how often each has happened before this attempt."""
    if failure is Failure.FUNCTION:
        if errors >= MAXIMUM_RETRY_ATTEMPTS:
            return GiveUp("RetriesExhausted")
        retry = RetryAt(now + _FUNCTION_ERROR_WAITS[errors], errors + 1, throttles)
    else:
        wait = min(_THROTTLE_FIRST_WAIT * 2.0**throttles, _THROTTLE_LONGEST_WAIT)
        retry = RetryAt(now + wait, errors, throttles + 1)
    if retry.due - accepted > MAXIMUM_EVENT_AGE:
        return GiveUp("EventAgeExceeded")
    return retry
