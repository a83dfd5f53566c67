"""What is counted for the bill: nothing is lost by an orderly end, and what is written is neither lost nor repeated by a crash."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from costs import cost, gb_seconds, reported, used
from functions import PROMPT, call, create
from server import Server
from wait import wait_for

SLOW = "import time\ndef handler(event, context):\n    time.sleep(event or 0)\n"


def written(data_dir: Path, name: str) -> int:
    """Requests that are in the database."""
    connection = sqlite3.connect(f"file:{data_dir / 'lambdad.sqlite3'}?mode=ro", uri=True, timeout=120)
    try:
        ((number,),) = connection.execute("SELECT sum(requests) FROM usage_by_day WHERE name = ?", (name,))
    finally:
        connection.close()
    return number or 0


def test_sigterm_loses_nothing(own_server: Server) -> None:
    """Neither of what is answered nor of what still runs."""
    own_server.start()
    client = own_server.client()
    name = create(client, SLOW, MemorySize=256)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda event: call(client, name, event), [0] * 30))
    running = threading.Thread(target=lambda: call(client, name, 2))
    running.start()
    wait_for(lambda: b'state="invoking"} 1' in own_server.get("/_lambdad/metrics")[1])
    assert own_server.stop() == 0
    running.join(120)
    own_server.start()
    reports = reported(own_server, name)
    assert len(reports) == 31
    assert used(own_server, name) == {"requests": 31, "duration": gb_seconds(reports)}


def test_a_crash_loses_only_what_is_not_written(own_server: Server) -> None:
    """A few seconds of it; and it is written by itself, without being asked for."""
    own_server.start()
    client = own_server.client()
    name = create(client, SLOW)
    for _ in range(10):
        call(client, name)
    wait_for(lambda: written(own_server.data_dir, name) == 10)
    own_server.kill()
    client = own_server.start().client()
    assert used(own_server, name)["requests"] == 10
    call(client, name)
    assert used(own_server, name)["requests"] == 11


@pytest.mark.parametrize("round_", range(2))
def test_a_crash_in_the_middle_counts_nothing_twice(own_server: Server, round_: int) -> None:
    own_server.start()
    client = own_server.client()
    name = create(client, SLOW)
    sent = 0
    seen = 0
    killed = threading.Event()

    def work() -> None:
        nonlocal sent
        while not killed.is_set():
            sent += 1
            try:
                call(client, name)
            except (BotoCoreError, ClientError):
                return

    worker = threading.Thread(target=work)
    worker.start()

    def enough() -> bool:
        nonlocal seen
        seen = int(used(own_server, name).get("requests", 0))  # each look writes it down
        return seen > 20 + 10 * round_

    wait_for(enough)
    own_server.kill()
    killed.set()
    worker.join(120)
    own_server.start()
    assert seen <= used(own_server, name)["requests"] <= sent


def test_what_is_reserved_goes_on(own_server: Server) -> None:
    """Once, however the server ends; and to its end, when that was not seen."""
    own_server.start()
    client = own_server.client()
    name = create(client, SLOW, MemorySize=1024)
    client.publish_version(FunctionName=name)
    client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1", WaiterConfig=PROMPT)
    client.put_provisioned_concurrency_config(FunctionName=name, Qualifier="1", ProvisionedConcurrentExecutions=1)
    assert used(own_server, name)["provisioned concurrency"] == 300
    for end in (own_server.kill, own_server.stop):
        end()
        client = own_server.start().client()
        assert used(own_server, name)["provisioned concurrency"] == 300
    client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="1")
    own_server.kill()
    own_server.start()
    assert used(own_server, name)["provisioned concurrency"] == 300


def test_a_deleted_function_is_still_on_the_bill(own_server: Server) -> None:
    own_server.start()
    client = own_server.client()
    name = create(client, SLOW)
    call(client, name)
    client.delete_function(FunctionName=name)
    assert used(own_server, name)["requests"] == 1
    other: Any = own_server.client(account="123456789012")
    create(other, SLOW, name=name)
    assert own_server.stop() == 0
    own_server.start()
    assert cost(own_server)["total"]["requests"] == 1
