"""SnapStart of runtimes that are executed: environments are initialised ahead, and restored by going on.

Python is executed when variables are set that an interpreter reads when it starts.
"""

import base64
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions import create
from gates import Gate
from server import Server
from wait import wait_for

CODE = """
import os, uuid
from snapshot_restore_py import register_after_restore, register_before_snapshot
BORN, HOOKS = uuid.uuid4().hex, []
register_before_snapshot(HOOKS.append, "before")
register_after_restore(HOOKS.append, "after")
register_after_restore(lambda: print("hooked"))
with open("/tmp/kept", "w") as file:
    file.write(BORN)
print("born", BORN)
def handler(event, context):
    if event == "end":
        os._exit(3)
    if event == "wait":
        gate()
    return [BORN, HOOKS, open("/tmp/kept").read()]
"""
EXECUTED = {"PYTHONOPTIMIZE": "1"}


def publish(client: Any, code: str = CODE, **more: Any) -> str:
    """A function whose version 1 is Active, or Failed."""
    variables = {"Variables": EXECUTED}
    name = create(
        client, code, runtime="python3.12", Environment=variables, SnapStart={"ApplyOn": "PublishedVersions"}, **more
    )
    client.publish_version(FunctionName=name)
    wait_for(lambda: client.get_function_configuration(FunctionName=name, Qualifier="1")["State"] != "Pending")
    return name


def invoke(client: Any, name: str, event: Any = None) -> tuple[Any, str]:
    """What version 1 answers, and its log tail."""
    answer = client.invoke(FunctionName=name, Qualifier="1", LogType="Tail", Payload=json.dumps(event))
    return json.loads(answer["Payload"].read()), base64.b64decode(answer["LogResult"]).decode()


def births(server: Server, name: str) -> list[str]:
    return [line.split()[-1] for line in server.function_log(name) if line.startswith("born ")]


def processes(name: str) -> set[int]:
    """Those of the function's runtimes."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                environment = (entry / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if f"AWS_LAMBDA_FUNCTION_NAME={name}".encode() in environment:
                found.add(int(entry.name))
    return found


@pytest.fixture(params=["auto", "process"])
def by_driver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "data", "--sandbox", request.param).start()
    yield server
    assert server.stop() == 0


def test_each_environment_was_initialised_before_it_is_wanted(by_driver: Server) -> None:
    client, gate = by_driver.client(), Gate(by_driver)
    name = publish(client, gate.code + CODE)
    [first] = births(by_driver, name)
    (born, hooks, kept), log = invoke(client, name)
    assert (born, kept, hooks) == (first, first, ["before", "after"])
    assert "Restore Duration" in log
    assert "Init Duration" not in log
    lines = by_driver.function_log(name)
    began, ended = (
        next(n for n, line in enumerate(lines) if line.startswith(f"RESTORE_{word}")) for word in ("START", "REPORT")
    )
    assert "hooked" in lines[began:ended]
    wait_for(lambda: len(births(by_driver, name)) == 2)
    answers = gate.together([lambda: invoke(client, name, "wait")[0]] * 2)
    assert {born for born, _, _ in answers} == {first, births(by_driver, name)[1]}


def test_more_than_are_ready_are_initialised(server: Server, client: Any) -> None:
    gate = Gate(server)
    name = publish(client, gate.code + CODE)
    answers = gate.together([lambda: invoke(client, name, "wait")] * 3)
    assert len({born for (born, _, _), _ in answers}) == 3
    assert all(hooks == ["before", "after"] for (_, hooks, _), _ in answers)
    assert {"Restore Duration" in log for _, log in answers} == {True, False}


def test_what_is_reset_is_initialised(client: Any) -> None:
    """What it was restored from is used up."""
    name = publish(client)
    answer, _ = invoke(client, name, "end")
    assert answer["errorType"] == "Runtime.ExitError"
    (_, hooks, _), log = invoke(client, name)
    assert hooks == ["before", "after"]
    assert "Restore Duration" not in log


@pytest.mark.usefixtures("isolated")
def test_one_that_ends_while_it_waits_is_nobodys(client: Any) -> None:
    name = publish(client)
    [kept] = processes(name)
    os.kill(kept, signal.SIGKILL)
    answer, _ = invoke(client, name)
    assert answer[1] == [
        "before",
        "after",
    ]  # it dies at once or, where it is frozen so that nothing reaches it, when thawed
    wait_for(lambda: len(processes(name) - {kept}) == 2)


@pytest.mark.usefixtures("isolated")
def test_it_ends_with_its_function_and_with_the_server(own_server: Server) -> None:
    client = own_server.start().client()
    deleted, name = publish(client), publish(client)
    assert len(processes(deleted)) == len(processes(name)) == 1
    client.delete_function(FunctionName=deleted)
    wait_for(lambda: not processes(deleted))
    assert own_server.stop() == 0
    assert not processes(name)
    own_server.start()
    wait_for(lambda: len(births(own_server, name)) == 2)
    (born, _, _), log = invoke(own_server.client(), name)
    assert born == births(own_server, name)[1]
    assert "Restore Duration" in log
    own_server.kill()
    own_server.start()
    wait_for(lambda: len(processes(name)) == 1)


@pytest.mark.usefixtures("isolated")
def test_so_many_as_there_is_room_for(tmp_path: Path) -> None:
    """A quarter of the environments' memory; whoever was asked for last stays."""
    server = Server(tmp_path / "data", "--max-memory-mb", "1200", "--snapstart-ready", "2").start()
    try:
        client = server.client()
        first = publish(client)
        wait_for(lambda: len(processes(first)) == 2)
        second = publish(client)
        wait_for(lambda: (len(processes(first)), len(processes(second))) == (1, 1))
        assert "Restore Duration" in invoke(client, first)[1]
        assert "Restore Duration" in invoke(client, second)[1]
    finally:
        assert server.stop() == 0


def test_none_need_be_kept(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", "--snapstart-ready", "0").start()
    try:
        client = server.client()
        (_, hooks, _), log = invoke(client, publish(client))
        assert hooks == ["before", "after"]
        assert "Restore Duration" not in log
    finally:
        assert server.stop() == 0


@pytest.mark.parametrize(
    ("hook", "code"),
    [
        ("raise ValueError('not today')", "SnapStartException"),
        ("import os; os._exit(4)", "SnapStartException"),
        ("time.sleep(30)", "SnapStartTimeoutException"),
    ],
)
def test_an_after_restore_hook_that_fails(client: Any, hook: str, code: str) -> None:
    source = f"""
import time
from snapshot_restore_py import register_after_restore
@register_after_restore
def hook():
    {hook}
def handler(event, context):
    return 1
"""
    name = publish(client, source)
    with pytest.raises(getattr(client.exceptions, code)):
        client.invoke(FunctionName=name, Qualifier="1")
