"""Functions that log as fast as they can: the server holds little of it, others are served, and nothing is dropped unsaid."""

import threading
from concurrent.futures import ThreadPoolExecutor

from functions import call, create, new_name
from processes import resident_mb
from server import Server

FLOODS = """
import sys
LINE = "x" * 999 + chr(10)
def handler(event, context):
    for _ in range(event):
        sys.stdout.write(LINE)
    sys.stdout.flush()
    return "done"
"""
_AT_ONCE = 20
_LINES = 10_000
_MEMORY_MB = 250
"""The whole flood is 200 MB, and as events in memory twice that: whoever gathered it would take more."""


def test_twenty_floods_and_a_quiet_neighbour(own_server: Server) -> None:
    client = own_server.start().client()
    quiet = create(client, "def handler(event, context):\n    return event\n")
    floods = [create(client, FLOODS, name=new_name("flood"), Timeout=120) for _ in range(_AT_ONCE)]
    call(client, quiet, 0)
    before = resident_mb(own_server.pid)
    over, answered, most = threading.Event(), 0, before
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        running = [threads.submit(call, client, name, _LINES) for name in floods]
        threading.Thread(target=lambda: ([flood.exception() for flood in running], over.set())).start()
        while not over.is_set():
            assert call(client, quiet, answered)[0] == answered
            answered += 1
            most = max(most, resident_mb(own_server.pid))
        assert [flood.result()[0] for flood in running] == ["done"] * _AT_ONCE
    assert answered > 1
    assert most - before < _MEMORY_MB


def test_what_was_flooded_is_whole_in_the_log(own_server: Server) -> None:
    """What waits in the pipe is not lost: neither when the function answers nor between."""
    client = own_server.start().client()
    name = create(
        client, "def handler(event, context):\n    for number in range(event):\n        print(number, 'y' * 200)\n"
    )
    call(client, name, 30_000)
    own_server.wait_for_log(name, "REPORT")
    numbers = [line.split()[0] for line in own_server.function_log(name) if line.endswith("y" * 200)]
    assert numbers == [str(number) for number in range(30_000)]
