"""`lambdad logs`: a function's log, and what comes."""

import json
import re
import sys
import time

import click

from lambdad.cli.client import Client, endpoint_option, fail

_AGO = re.compile(r"(\d+)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


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
    path = f"/_lambdad/logs?function={function}&since={_since(since)}&follow={int(follow)}"
    answer = Client(endpoint_url).open("GET", path)
    if answer.status != 200:
        fail(json.loads(answer.read())["message"])
    try:
        while line := answer.readline():
            message = json.loads(line)["message"]
            sys.stdout.write(message if message.endswith("\n") else message + "\n")
            sys.stdout.flush()
    except (KeyboardInterrupt, BrokenPipeError):
        return
