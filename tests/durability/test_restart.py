"""Restarts and crashes of the server: what was acknowledged is there, what it started is gone."""

import contextlib
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from functions import PROMPT, call, create, new_name, zip_of
from interpreters import PYTHON
from processes import alive, processes_of, wait_until_ended
from server import Server
from wait import wait_for

ECHO = "def handler(event, context):\n    return event\n"
SLOW = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'done'\n"


def test_sigterm_stops_an_idle_server(own_server: Server) -> None:
    own_server.start()
    assert own_server.stop() == 0


def test_sigterm_lets_running_invocations_finish(own_server: Server) -> None:
    own_server.start()
    client = own_server.client()
    name = create(client, SLOW, Timeout=20)
    answers: list[Any] = []
    running = threading.Thread(target=lambda: answers.append(call(client, name, 2)[0]))
    running.start()
    wait_for(lambda: b'state="invoking"} 1' in own_server.get("/_lambdad/metrics")[1])
    assert own_server.stop() == 0
    running.join(120)
    assert answers == ["done"]


def test_functions_survive_a_restart(own_server: Server) -> None:
    own_server.start()
    client = own_server.client()
    name = create(client, ECHO, Description="kept", Environment={"Variables": {"AA": "b"}}, Tags={"t": "v"})
    client.publish_version(FunctionName=name)
    before = client.get_function(FunctionName=name)
    assert own_server.stop() == 0
    client = own_server.start().client()
    after = client.get_function(FunctionName=name)
    assert after["Configuration"] == before["Configuration"]
    assert after["Tags"] == {"t": "v"}
    assert [v["Version"] for v in client.list_versions_by_function(FunctionName=name)["Versions"]] == ["$LATEST", "1"]
    assert call(client, name, {"again": 1})[0] == {"again": 1}


@pytest.mark.parametrize("round_", range(3))
def test_a_killed_server_loses_nothing_acknowledged(own_server: Server, round_: int) -> None:
    """Create, update and invoke in a loop; SIGKILL in the middle of it; everything answered is there."""
    own_server.start()
    client = own_server.client()
    acknowledged: dict[str, str] = {}
    stop = threading.Event()

    def work(number: int) -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            name = f"f-{number}-{turn}"
            try:
                client.create_function(
                    FunctionName=name,
                    Runtime=PYTHON,
                    Role="arn:aws:iam::000000000000:role/r",
                    Handler="app.handler",
                    Code={"ZipFile": zip_of({"app.py": ECHO})},
                )
                acknowledged[name] = ""
                client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
                client.update_function_configuration(FunctionName=name, Description=name)
                acknowledged[name] = name
                call(client, name, turn)
            except (BotoCoreError, ClientError):
                return

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    wait_for(lambda: len(acknowledged) > 4 + 2 * round_)
    own_server.kill()
    stop.set()
    for worker in workers:
        worker.join(120)
    client = own_server.start().client()
    for name, description in acknowledged.items():
        found = client.get_function_configuration(FunctionName=name)
        assert found["Description"] in (description, name)
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
    last = next(reversed(acknowledged))
    assert call(client, last, "alive")[0] == "alive"


def test_accepted_events_survive_a_kill(own_server: Server) -> None:
    own_server.start()
    client = own_server.client()
    # Long enough that none has ended when the server is killed: all of them have to be run again.
    code = "import time\ndef handler(event, context):\n    time.sleep(2)\n    print('ran', event)\n"
    name = create(client, code, Timeout=20)
    for number in range(20):
        assert (
            client.invoke(FunctionName=name, InvocationType="Event", Payload=str(number).encode())["StatusCode"] == 202
        )
    own_server.kill()
    own_server.start()

    def all_ran() -> bool:
        ran = set(own_server.function_log(name))
        return all(f"ran {number}" in ran for number in range(20))

    wait_for(all_ran)


def test_a_killed_server_leaves_nothing_running(own_server: Server, isolated: None) -> None:
    own_server.start()
    client = own_server.client()
    name = create(client, SLOW, Timeout=60)
    threads = [threading.Thread(target=swallow, args=(client, name)) for _ in range(3)]
    for thread in threads:
        thread.start()
    wait_for(lambda: b'state="invoking"} 3' in own_server.get("/_lambdad/metrics")[1])
    started = processes_of(own_server.pid)
    assert len(started) > 3
    groups = groups_of(started)
    own_server.kill()
    wait_until_ended(started)
    wait_for(lambda: not mounts_of(own_server))
    for thread in threads:
        thread.join(120)
    own_server.start()
    assert own_server.stop() == 0
    assert not [path for path in groups if path.exists()]
    assert not mounts_of(own_server)


def swallow(client: Any, name: str) -> None:
    try:
        call(client, name, 50)
    except (BotoCoreError, ClientError):
        return


def groups_of(pids: list[str]) -> set[Path]:
    """The directories of the control groups of our own that these processes are in; empty where the host gives none."""
    found = set()
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        paths = {line.split(":", 2)[2].lstrip("/") for line in lines}
        found |= {top / path for path in paths if "lambdad" in path for top in hierarchies()}
    return {path for path in found if path.is_dir()}


def hierarchies() -> list[Path]:
    top = Path("/sys/fs/cgroup")
    return [top, *(path for path in top.iterdir() if path.is_dir())]


def mounts_of(server: Server) -> list[str]:
    """Mounts that everyone sees, and files behind loop devices."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
        with contextlib.suppress(OSError):  # it has just been set free
            lines.append(backing.read_text())
    return [line for line in lines if str(server.data_dir) in line]


def test_a_stopped_server_leaves_nothing(own_server: Server, isolated: None) -> None:
    own_server.start()
    client = own_server.client()
    name = create(client, ECHO)
    call(client, name)
    started = processes_of(own_server.pid)
    groups = groups_of(started)
    assert own_server.stop() == 0
    wait_for(lambda: not mounts_of(own_server))
    assert not alive(started)
    assert not [path for path in groups if path.exists()]


def test_a_second_server_on_the_same_data_directory_is_refused(own_server: Server) -> None:
    own_server.start()
    with pytest.raises(AssertionError, match="did not become ready"):
        Server(own_server.data_dir).start()


def test_sigint_stops_too(own_server: Server) -> None:
    own_server.start()
    own_server.signal(signal.SIGINT)
    assert own_server.wait() == 0


def test_unknown_names_after_a_restart_are_still_unknown(own_server: Server) -> None:
    client = own_server.start().client()
    name = new_name()
    own_server.stop()
    client = own_server.start().client()
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_function(FunctionName=name)


def test_a_second_signal_ends_what_still_runs(own_server: Server) -> None:
    client = own_server.start().client()
    name = create(client, SLOW, Timeout=300)
    thread = threading.Thread(target=swallow, args=(client, name))
    thread.start()
    wait_for(lambda: b'state="invoking"} 1' in own_server.get("/_lambdad/metrics")[1])
    own_server.signal(signal.SIGTERM)
    wait_for(lambda: "draining" in own_server.log())
    assert own_server.stop() == 0
    thread.join(120)
    assert "ending what still runs" in own_server.log()


def test_what_outlasts_the_grace_period_is_ended_and_its_event_runs_again(own_server: Server) -> None:
    server = Server(own_server.data_dir, "--shutdown-grace", "0.1").start()
    try:
        name = create(server.client(), SLOW, Timeout=300)
        server.client().invoke(FunctionName=name, InvocationType="Event", Payload=b"250")
        wait_for(lambda: b'state="invoking"} 1' in server.get("/_lambdad/metrics")[1])
    finally:
        assert server.stop() == 0
    assert "ending what still runs" in server.log()
    own_server.start()
    wait_for(lambda: b'state="invoking"} 1' in own_server.get("/_lambdad/metrics")[1])
    own_server.signal(signal.SIGTERM)
    own_server.signal(signal.SIGINT)
    assert own_server.wait() == 0


def test_what_an_event_has_logged_survives_a_kill(own_server: Server) -> None:
    """An event that is settled has its log on disk; one that is not runs again."""
    client = own_server.start().client()
    name = create(client, "def handler(event, context):\n    print('ran', event)\n")
    for turn in range(3):
        for number in range(40 * turn + 1, 40 * turn + 41):
            client.invoke(FunctionName=name, InvocationType="Event", Payload=str(number))
        own_server.kill()
        client = own_server.start().client()
    wait_for(lambda: not missing(own_server.function_log(name), 120))


def missing(lines: list[str], number: int) -> list[int]:
    text = "\n".join(lines) + "\n"
    return [one for one in range(1, number + 1) if f"ran {one}\n" not in text]
