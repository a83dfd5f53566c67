"""Accepted events under crashes and beside functions that are throttled: none is lost, and none waits for another's.

AWS: docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
"""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from functions import create
from neighbours import Neighbours
from server import Server
from wait import wait_for

SAYS = "def handler(event, context):\n    print('ran', event)\n"


def accepted(client: Any, name: str, numbers: range, seen: threading.Semaphore | None = None) -> list[int]:
    """Those that were acknowledged, and `seen` of each: the server may go at any moment."""

    def send(number: int) -> int | None:
        try:
            client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(number).encode())
        except (BotoCoreError, ClientError):
            return None
        if seen is not None:
            seen.release()
        return number

    with ThreadPoolExecutor(8) as threads:
        return [number for number in threads.map(send, numbers) if number is not None]


def kill_after(server: Server, seen: threading.Semaphore, count: int) -> None:
    for _ in range(count):
        if not seen.acquire(timeout=120):
            break
    server.kill()


def ran(server: Server, name: str) -> list[int]:
    return [int(line.split()[1]) for line in server.function_log(name) if line.startswith("ran ")]


def test_no_accepted_event_is_lost_when_the_server_is_killed_again_and_again(own_server: Server) -> None:
    """While events are accepted, while they run, while they are settled: at least once, each."""
    client = own_server.start().client()
    name = create(client, SAYS)
    taken: list[int] = []
    for number in range(4):
        seen = threading.Semaphore(0)
        reaper = threading.Thread(target=kill_after, args=(own_server, seen, 60))
        reaper.start()
        taken += accepted(client, name, range(number * 300, (number + 1) * 300), seen)
        reaper.join()
        client = own_server.start().client()
    assert taken
    wait_for(lambda: set(taken) <= set(ran(own_server, name)))
    times = ran(own_server, name)
    print(f"{len(taken)} accepted, {len(times)} ran, {len(times) - len(set(times))} twice or more")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that can be filled."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m", "small", place]).returncode:
        pytest.skip("needs root: a file system of its own")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def test_a_full_disk_takes_no_event_that_it_has_no_room_for(small_disk: Path) -> None:
    """Those that were acknowledged run, once there is room, although the server is killed meanwhile."""
    server = Server(small_disk / "data", "--companion", "off").start()
    try:
        client = server.client()
        name = create(client, SAYS)
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        with open(small_disk / "filler", "wb", buffering=0) as filler, pytest.raises(OSError, match="No space left"):
            while True:
                filler.write(bytes(1 << 16))
        taken, refusals = [], set()
        for number in range(200):
            try:
                payload = json.dumps(number).encode() + b" " * 500_000
                client.invoke(FunctionName=name, InvocationType="Event", Payload=payload)
                taken.append(number)
            except ClientError as error:
                refusals.add((error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]))
        assert refusals == {("ServiceException", 500)}
        assert server.get("/_lambdad/health")[0] == 200
        server.kill()
        (small_disk / "filler").unlink()
        client = server.start().client()
        taken += accepted(client, name, range(200, 210))
        client.delete_function_concurrency(FunctionName=name)
        wait_for(lambda: set(taken) <= set(ran(server, name)))
    finally:
        server.stop()


def test_one_that_is_throttled_does_not_hold_up_the_others(own_server: Server) -> None:
    client = own_server.start().client()
    stuck, free = create(client, SAYS), create(client, SAYS)
    client.put_function_concurrency(FunctionName=stuck, ReservedConcurrentExecutions=0)
    assert len(accepted(client, stuck, range(2000))) == 2000
    assert accepted(client, free, range(3)) == [0, 1, 2]
    wait_for(lambda: sorted(ran(own_server, free)) == [0, 1, 2])
    client.delete_function_concurrency(FunctionName=stuck)
    wait_for(lambda: set(ran(own_server, stuck)) == set(range(2000)))


def test_functions_that_never_answer_hold_up_nobody(own_server: Server) -> None:
    server = Server(own_server.data_dir, "--concurrency", "120").start()
    client = server.client()
    never = "import time\ndef handler(event, context):\n    time.sleep(900)\n"
    stuck = [create(client, never, Timeout=900) for _ in range(2)]
    for name, many in zip(stuck, (32, 16), strict=True):
        assert len(accepted(client, name, range(150))) == 150
        sample = f'lambdad_concurrent_executions{{function="{name}",provisioned="false"}} {many}'
        wait_for(lambda sample=sample: sample in server.get("/_lambdad/metrics")[1].decode())
    free = create(client, SAYS)
    assert accepted(client, free, range(20)) == list(range(20))
    wait_for(lambda: sorted(ran(server, free)) == list(range(20)))
    server.kill()


def test_a_function_with_little_concurrency_is_kept_busy(own_server: Server) -> None:
    """Two seconds of work for it: those that are throttled meanwhile do not wait for each other."""
    client = own_server.start().client()
    name = create(client, "import time\ndef handler(event, context):\n    time.sleep(0.05)\n    print('ran', event)\n")
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)
    assert len(accepted(client, name, range(80))) == 80
    wait_for(lambda: sorted(ran(own_server, name)) == list(range(80)))


def test_those_too_old_are_told_of_without_a_run(own_server: Server) -> None:
    neighbours = Neighbours()
    server = Server(own_server.data_dir, *neighbours.arguments()).start()
    try:
        client = server.client()
        arn, url = neighbours.queue("old")
        name = create(client, SAYS)
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        assert accepted(client, name, range(3)) == [0, 1, 2]
        server.kill()
        make_older(server, 3600)
        client = server.start().client()
        client.put_function_event_invoke_config(
            FunctionName=name, MaximumEventAgeInSeconds=60, DestinationConfig={"OnFailure": {"Destination": arn}}
        )
        client.delete_function_concurrency(FunctionName=name)
        records = [json.loads(message["Body"]) for message in neighbours.receive(url, 3)]
        assert sorted(record["requestPayload"] for record in records) == [0, 1, 2]
        assert {record["requestContext"]["condition"] for record in records} == {"EventAgeExceeded"}
        assert not ran(server, name)
    finally:
        assert server.stop() == 0
        neighbours.stop()


def make_older(server: Server, seconds: int) -> None:
    """Its server is down: as if the events had waited that long."""
    import apsw

    connection = apsw.Connection(str(server.data_dir / "lambdad.sqlite3"))
    connection.execute("UPDATE events SET accepted_at = accepted_at - ?", (seconds,))
    connection.close()
