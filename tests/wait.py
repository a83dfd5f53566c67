"""Waiting for a condition in tests: bounded, and no longer than it takes."""

import time
from collections.abc import Callable

_LONGEST_PAUSE = 0.1


def wait_for(condition: Callable[[], object], timeout: float) -> None:
    """Look again and again until it holds. Raises AssertionError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    pause = 0.002
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come to hold in time"
        time.sleep(min(pause, _LONGEST_PAUSE))
        pause *= 1.5
