"""Tells the server which streams were written, soon and together: those who poll them there need not ask again and again.

What could not be told is told later; a new companion begins with all there are.
"""

import http.client
import logging
import threading
import time

from lambdad.companion.server_calls import Refused, ServerCalls

log = logging.getLogger(__name__)

_AGAIN = 1.0
"""Seconds until it is tried again."""


class News:
    def __init__(self, calls: ServerCalls) -> None:
        self._calls = calls
        self._written: set[str] = set()
        self._some = threading.Condition()

    def start(self) -> None:
        """Everything that is there counts as written: what was told before nobody may know any more."""
        self.written("")
        threading.Thread(target=self._run, name="news", daemon=True).start()

    def written(self, source: str) -> None:
        """`source`: a stream's ARN; empty: any may have been."""
        with self._some:
            self._written.add(source)
            self._some.notify()

    def _run(self) -> None:
        while True:
            with self._some:
                self._some.wait_for(lambda: self._written)
                told, self._written = self._written, set()
            try:
                self._calls.written(sorted(told))
            except (OSError, http.client.HTTPException, ValueError, Refused) as error:
                log.warning("the server could not be told of written streams: %s", error)
                with self._some:
                    self._written |= told
                time.sleep(_AGAIN)
