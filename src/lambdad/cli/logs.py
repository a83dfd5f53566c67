"""`lambdad logs`: a function's log, and what comes; by the public API, as `aws logs tail` reads it.

AWS: docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
"""

import re
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import click

from lambdad.cli.client import Client, endpoint_option, fail

_AGO = re.compile(r"(\d+)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_EVERY = 0.5
"""Seconds between two looks for what has come."""
_LATE = 5000
"""Milliseconds: an event may come so long after one with a later time, from another environment."""


def _since(text: str | None) -> int:
    """`10m` ago → milliseconds since the epoch."""
    if text is None:
        return 0
    match = _AGO.fullmatch(text)
    if match is None:
        fail(f"--since takes a time such as 30s, 10m, 2h or 1d, not {text!r}.", 2)
    return int((time.time() - int(match[1]) * _SECONDS[match[2]]) * 1000)


@click.command("logs")
@click.argument("function")
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--since", help="How far back, e.g. 10m.")
@endpoint_option
def command(function: str, follow: bool, since: str | None, endpoint_url: str) -> None:
    """Print the log of FUNCTION."""
    start = _since(since)
    log = _Log(Client(endpoint_url), function)
    try:
        log.show(start)
        while follow:
            time.sleep(_EVERY)
            log.show(start)
    except (KeyboardInterrupt, BrokenPipeError):
        return


class _Log:
    """Of one function. What was shown is not shown again."""

    def __init__(self, client: Client, function: str) -> None:
        self._client = client
        self._function = function
        self._exists, self._group = self._find()
        self._last = 0
        self._shown: dict[str, int] = {}
        """The events near the end, with their times."""

    def _find(self) -> tuple[bool, str]:
        """Whether there is such a function, and the log group that it writes to, or wrote to."""
        answer = self._client.send("GET", f"/2015-03-31/functions/{quote(self._function, safe='')}/configuration")
        if answer.status == 200:
            return True, answer.json()["LoggingConfig"]["LogGroup"]
        if answer.error != "ResourceNotFoundException":
            fail(f"{answer.error}: {answer.message}")
        return False, f"/aws/lambda/{self._function}"

    def _is_own(self, stream: str) -> bool:
        """Not another function's of the same group: streams of a group that was named have the function's name."""
        own = self._group == f"/aws/lambda/{self._function}"
        return own or stream.rpartition("/")[2].startswith(f"{self._function}[")

    def show(self, since: int) -> None:
        """Print what has come since that time, in milliseconds."""
        start = max(since, self._last - _LATE)
        for event in self._events(start):
            if event["eventId"] in self._shown or not self._is_own(event["logStreamName"]):
                continue
            self._shown[event["eventId"]] = event["timestamp"]
            self._last = max(self._last, event["timestamp"])
            message = event["message"]
            sys.stdout.write(message if message.endswith("\n") else message + "\n")
        sys.stdout.flush()
        end = self._last - _LATE
        self._shown = {one: moment for one, moment in self._shown.items() if moment >= end}

    def _events(self, start: int) -> Iterator[dict[str, Any]]:
        request: dict[str, Any] = {"logGroupName": self._group, "startTime": start}
        while True:
            answer = self._client.call("logs", "Logs_20140328.FilterLogEvents", request)
            if answer.error == "ResourceNotFoundException":
                if not self._exists:
                    fail(f"There is no function {self._function} and no log of one.")
                return
            if answer.status != 200:
                fail(f"{answer.error}: {answer.message}")
            page = answer.json()
            yield from page["events"]
            if page.get("nextToken") is None:
                return
            request = {**request, "nextToken": page["nextToken"]}
