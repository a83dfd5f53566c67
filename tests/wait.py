"""Waiting for a condition in tests: bounded, and no longer than it takes."""

import time
from collections.abc import Callable

_LONGEST_PAUSE = 0.1
_BOUND = 180.0
"""Seconds. It says that something will not come any more, not how fast it should: overloaded machines are slow."""


def wait_for(condition: Callable[[], object]) -> None:
    """Look again and again until it holds. Raises AssertionError when it has not come to hold for long."""
    deadline = time.monotonic() + _BOUND
    pause = 0.002
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come to hold in time"
        time.sleep(min(pause, _LONGEST_PAUSE))
        pause *= 1.5
