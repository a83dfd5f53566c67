"""Notifications to web addresses: beside the request that publishes, each once, a few at a time.

AWS: docs.aws.amazon.com/sns/latest/dg/http-header.html
"""

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import requests

from lambdad.companion import current

log = logging.getLogger(__name__)

_AT_ONCE = 4
_WAITING = 1000
"""Notifications that wait for their turn; further ones are given up."""
_PATIENCE = 15.0
"""Seconds that SNS waits for an answer."""


class WebAddresses:
    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_AT_ONCE, "web")
        self._room = threading.BoundedSemaphore(_WAITING)

    def tell(
        self, url: str, body: str, headers: Mapping[str, str], *, anywhere: bool, give_up: Callable[[str], None]
    ) -> None:
        """`anywhere`: also on this host. `give_up` is told why, by one of our threads or at once."""
        if not self._room.acquire(blocking=False):
            give_up("too many notifications are waiting")
            return

        def work() -> None:
            try:
                with current.serving("sns", not anywhere, ""):
                    why = _post(url, body, headers)
                    if why:
                        give_up(why)
            finally:
                self._room.release()

        self._threads.submit(work)


def _post(url: str, body: str, headers: Mapping[str, str]) -> str:
    """Why it was not taken, or an empty string. What is answered is not read: it may have no end."""
    try:
        with requests.post(
            url, body.encode(), headers=dict(headers), timeout=_PATIENCE, stream=True, allow_redirects=False
        ) as answer:
            return "" if answer.ok else f"it answered {answer.status_code}"
    except (OSError, ValueError) as error:  # requests' errors are, and those of addresses that are none
        return str(error)
