"""The first invocation on a new environment of a function that takes two seconds to be initialised."""

import threading
import time
from collections.abc import Sequence

from bench.client import Refused, Target, invoke_once
from bench.targets import Lambdad

SOURCE = """
import time
began = time.monotonic()
import asyncio, decimal, email.mime.multipart, http.server, json, sqlite3, statistics, unittest, xml.dom.minidom, zipfile
table = [{"number": number, "text": str(number), "half": number / 2} for number in range(100_000)]
time.sleep(max(2.0 - (time.monotonic() - began), 0))

def handler(event, context):
    time.sleep(event)
    return table[12_345]["text"]
"""
"""What it is given is how long it keeps its environment busy, in seconds."""
_BUSY = b"29"
_LIMIT = 60.0


def published(server: Lambdad, snap_start: bool) -> Target:
    """Version 1, Active. Raises Refused."""
    name = "snapstart" if snap_start else "initialised"
    settings = {"SnapStart": {"ApplyOn": "PublishedVersions"}} if snap_start else {}
    server.create(name, 256, SOURCE, **settings)
    server.call("POST", f"/2015-03-31/functions/{name}/versions", {})
    path = f"/2015-03-31/functions/{name}/configuration?Qualifier=1"
    deadline = time.monotonic() + _LIMIT
    while (state := server.call("GET", path)["State"]) == "Pending" and time.monotonic() < deadline:
        time.sleep(0.05)
    if state != "Active":
        raise Refused(f"{name} is {state}")
    return Target.at(server.url, f"/2015-03-31/functions/{name}/invocations?Qualifier=1")


def first_invocations(target: Target, count: int, rest: float = 0.5) -> Sequence[float]:
    """Seconds of each: when it has answered its environment is kept busy, so that the next one needs another.

    `rest`: seconds in between, in which prepared sandboxes are made again, as between any two cold starts that are no burst.
    """
    times = []
    for _ in range(count):
        time.sleep(rest)
        times.append(invoke_once(target, b"0"))
        threading.Thread(target=_occupy, args=(target,), daemon=True).start()
    return times


def _occupy(target: Target) -> None:
    try:
        invoke_once(target, _BUSY)
    except (Refused, OSError):
        return  # the server has ended
