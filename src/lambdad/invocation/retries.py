"""What becomes of an asynchronous event after an attempt. Pure.

AWS: docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html. A function error is tried again after one
minute, then after two, then given up; throttles and system errors for six hours. After a system error an event waits by itself,
from one second to five minutes; throttled ones wait for their function's turn (`backlog.py`): it knows when there is room.
"""

from dataclasses import dataclass
from enum import Enum

from lambdad.resources.function_settings import EventInvokeConfig

MAXIMUM_RETRY_ATTEMPTS = 2
MAXIMUM_EVENT_AGE = 6 * 3600.0
"""Seconds."""
FIRST_WAIT = 60.0
"""Seconds after a first function error; then twice that."""
_SYSTEM_WAITS = (1.0, 300.0)
"""Seconds after a first system error, and the longest; they double."""


class Failure(Enum):
    FUNCTION = "the function returned an error"
    THROTTLE = "there was no room for it"
    SYSTEM = "an internal error, or a snapshot that could not be restored"


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


@dataclass(frozen=True, slots=True)
class Patience:
    """How long events of a function are tried; an EventInvokeConfig may shorten it."""

    retry_attempts: int = MAXIMUM_RETRY_ATTEMPTS
    event_age: float = MAXIMUM_EVENT_AGE
    """Seconds."""


def patience_of(config: EventInvokeConfig | None) -> Patience:
    if config is None:
        return Patience()
    attempts, age = config.maximum_retry_attempts, config.maximum_event_age
    return Patience(
        MAXIMUM_RETRY_ATTEMPTS if attempts is None else attempts, MAXIMUM_EVENT_AGE if age is None else float(age)
    )


def expired(now: float, accepted: float, patience: Patience) -> bool:
    """Too old to be tried (again)."""
    return now - accepted > patience.event_age


def decide(
    failure: Failure,
    patience: Patience,
    *,
    now: float,
    accepted: float,
    errors: int,
    throttles: int,
    first_wait: float = FIRST_WAIT,
) -> RetryAt | GiveUp:
    """`errors` and `throttles`: how often the function failed before this attempt, and how often it was not even run."""
    if failure is Failure.FUNCTION:
        if errors >= patience.retry_attempts:
            return GiveUp("RetriesExhausted")
        retry = RetryAt(now + first_wait * 2.0**errors, errors + 1, throttles)
    elif failure is Failure.SYSTEM:
        first, longest = _SYSTEM_WAITS
        retry = RetryAt(now + min(first * 2.0 ** min(throttles, 16), longest), errors, throttles + 1)
    else:
        retry = RetryAt(now, errors, throttles + 1)
    if retry.due - accepted > patience.event_age:
        return GiveUp("EventAgeExceeded")
    return retry
