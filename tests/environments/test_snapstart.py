"""SnapStart: a version is initialised once, and its environments are restored from what that left.

`python3.12` is the first Python that has it; the tests run on each that is installed.
"""

import base64
import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions import PROMPT, call, create
from gates import Gate
from interpreters import all_of
from server import Server
from wait import wait_for

RUNTIMES = all_of("python3.12", "python3.13", "python3.14", "python3.15")
ON = {"ApplyOn": "PublishedVersions"}
CODE = """
import json, os, random, secrets, socket, ssl, tempfile, threading, time, uuid
from snapshot_restore_py import register_after_restore, register_before_snapshot

BORN = uuid.uuid4().hex
PID = os.getpid()
DRAWN = random.random(), ssl.RAND_bytes(8), next(tempfile._get_candidate_names())
HOOKS = []
register_before_snapshot(HOOKS.append, "before")
register_before_snapshot(HOOKS.append, "before, registered last")
register_after_restore(HOOKS.append, "after")
register_after_restore(lambda: HOOKS.append(os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]))

os.makedirs("/tmp/kept/deep")
with open("/tmp/kept/deep/file", "w") as file:
    file.write("of initialisation")
listed = open("/var/task/app.py")
listed.read(7)
left, right = socket.socketpair()
reader, writer = os.pipe()
lost = socket.socket()
THREAD = threading.Thread(target=threading.Event().wait, daemon=True)
THREAD.start()
TABLE = {number: str(number) for number in range(100_000)}

def handler(event, context):
    if event:
        gate()
    left.sendall(b"there")
    os.write(writer, b"through")
    with open("/tmp/own", "a") as file:
        file.write("x")
    return {
        "born": BORN, "pid": [PID, os.getpid()], "hooks": HOOKS, "table": TABLE[99_999],
        "drawn": [
            random.random(), uuid.uuid4().hex, secrets.token_hex(8), os.urandom(8).hex(), ssl.RAND_bytes(8).hex(),
            next(tempfile._get_candidate_names()),
        ],
        "tmp": [open("/tmp/kept/deep/file").read(), open("/tmp/own").read()],
        "file": listed.read(6), "pair": right.recv(16).decode(), "pipe": os.read(reader, 16).decode(),
        "socket": lost.fileno(), "thread": THREAD.is_alive(), "user": os.getuid(),
        "log": [context.log_group_name, context.log_stream_name],
    }
"""


def publish(client: Any, code: str, runtime: str = "python3.12", **more: Any) -> str:
    """A function with SnapStart whose version 1 is settled; its name."""
    name = create(client, code, runtime=runtime, SnapStart=ON, **more)
    client.publish_version(FunctionName=name)
    settled(client, name)
    return name


def settled(client: Any, name: str, version: str = "1") -> Any:
    """Its configuration, once it is not Pending."""
    found: dict[str, Any] = {}

    def look() -> bool:
        found.update(client.get_function_configuration(FunctionName=name, Qualifier=version))
        return bool(found["State"] != "Pending")

    wait_for(look)
    return found


def restored(client: Any, name: str, event: Any = None, **more: Any) -> Any:
    """What version 1 answers."""
    payload, answer = call(client, name, event, Qualifier="1", **more)
    assert "FunctionError" not in answer, payload
    return payload


def together(server: Server, client: Any, code: str, count: int, runtime: str = "python3.12") -> list[Any]:
    """Answers of so many environments at once, of code that calls `gate()` when it is given an event."""
    gate = Gate(server)
    name = publish(client, gate.code + code, runtime)
    return gate.together([lambda: restored(client, name, "wait")] * count)


def tail(answer: dict[str, Any]) -> str:
    return base64.b64decode(answer["LogResult"]).decode()


@pytest.mark.usefixtures("isolated")
class TestRestored:
    """Where processes can be restored: with the namespaces driver."""

    @pytest.mark.parametrize("runtime", RUNTIMES)
    def test_environments_share_the_past_and_nothing_else(self, server: Server, client: Any, runtime: str) -> None:
        answers = together(server, client, CODE, 4, runtime)
        assert len({one["born"] for one in answers}) == 1
        assert len({one["user"] for one in answers}) == 4
        for place in range(len(answers[0]["drawn"])):
            assert len({one["drawn"][place] for one in answers}) == 4, place
        for one in answers:
            assert one["hooks"] == ["before, registered last", "before", "after", "snap-start"]
            assert one["table"] == "99999"
            assert one["tmp"] == ["of initialisation", "x"]
            assert (one["pair"], one["pipe"], one["file"]) == ("there", "through", " json,")
            assert one["pid"][0] != one["pid"][1]
            assert not one["thread"], "threads do not survive"
            assert one["log"] == [None, None]

    def test_many_restored_at_once_each_have_all_files(self, server: Server, client: Any) -> None:
        code = """
import hashlib
for number in range(20):
    with open("/tmp/{}".format(number), "wb") as file:
        file.write(str(number).encode() * 60_000)
def handler(event, context):
    digest = hashlib.sha256()
    for name in sorted(os.listdir("/tmp")):
        with open("/tmp/" + name, "rb") as file:
            digest.update(name.encode() + file.read())
    gate()
    return digest.hexdigest()
"""
        for _ in range(2):
            assert len(set(together(server, client, code, 12))) == 1, "one saw other files than another"

    def test_it_goes_on_after_a_crash(self, client: Any) -> None:
        code = """
import os, uuid
BORN = uuid.uuid4().hex
def handler(event, context):
    with open("/tmp/calls", "a") as file:
        file.write("x")
    if event == "die":
        os._exit(3)
    return [BORN, open("/tmp/calls").read()]
"""
        name = publish(client, code)
        born, calls = restored(client, name)
        assert calls == "x"
        payload, answer = call(client, name, "die", Qualifier="1")
        assert payload["errorType"] == "Runtime.ExitError", answer
        assert restored(client, name) == [born, "xxx"], "restored anew, and /tmp is as it was"

    def test_the_event_loop_and_child_processes_work(self, client: Any) -> None:
        code = """
import asyncio, ctypes, signal, subprocess, sys, threading
loop = asyncio.new_event_loop()
signal.signal(signal.SIGUSR1, lambda *_: caught.append(1))
caught = []
def deep(n):
    return 0 if n == 0 else 1 + deep(n - 1)
def handler(event, context):
    signal.raise_signal(signal.SIGUSR1)
    sys.setrecursionlimit(20_000)
    found = []
    thread = threading.Thread(target=lambda: found.append(loop.run_until_complete(asyncio.sleep(0, "slept"))))
    thread.start()
    thread.join()
    child = subprocess.run(["/bin/echo", "child"], capture_output=True, text=True)
    return [caught, found, child.stdout, deep(9_000), threading.main_thread().native_id == threading.get_native_id()]
"""
        name = publish(client, code)
        assert restored(client, name) == [[1], ["slept"], "child\n", 9000, True]

    def test_large_memory(self, client: Any) -> None:
        """More than half of what the function may have."""
        code = """
import mmap, random
generator = random.Random(1)
BLOCKS = [generator.randbytes(1 << 20) for _ in range(70)]
SPARSE = mmap.mmap(-1, 500 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
SPARSE[400 << 20] = 7
def handler(event, context):
    again = random.Random(1)
    return [all(block == again.randbytes(1 << 20) for block in BLOCKS), SPARSE[400 << 20], sum(SPARSE[:1 << 16])]
"""
        name = publish(client, code, MemorySize=128)
        assert restored(client, name) == [True, 7, 0]

    def test_nobody_is_initialised_again(self, client: Any) -> None:
        code = "import time\ntime.sleep(1.5)\ndef handler(event, context):\n    return 1\n"
        name = publish(client, code)
        _, answer = call(client, name, Qualifier="1", LogType="Tail")
        report = re.search(r"Restore Duration: ([\d.]+) ms\tBilled Restore Duration: (\d+) ms", tail(answer))
        assert report is not None, tail(answer)
        assert float(report[1]) < 1500

    def test_connections_of_initialisation_are_dead(self, client: Any) -> None:
        code = """
import os, socket
host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
connection = socket.create_connection((host, int(port)))
def handler(event, context):
    try:
        connection.sendall(b"GET / HTTP/1.1\\r\\n\\r\\n")
        return "sent"
    except OSError as error:
        return type(error).__name__
"""
        assert restored(client, publish(client, code)) == "BrokenPipeError"

    def test_lines(self, server: Server, client: Any) -> None:
        name = publish(client, "print('born')\ndef handler(event, context):\n    print('called')\n")
        restored(client, name)
        text = "\n".join(server.function_log(name))
        version = r"Runtime Version: python:3\.12\.v\d+\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:\w+"
        assert re.search(rf"INIT_START {version}\nborn\nINIT_REPORT Init Duration: [\d.]+ ms\tPhase: init\n", text), (
            text
        )
        assert re.search(rf"RESTORE_START {version}\nRESTORE_REPORT Restore Duration: [\d.]+ ms\nSTART ", text), text
        assert re.search(r"MB\tRestore Duration: [\d.]+ ms\tBilled Restore Duration: \d+ ms\t$", text, re.MULTILINE), (
            text
        )


@pytest.mark.parametrize("kind", ["text", "json"])
def test_an_after_restore_hook_that_fails(client: Any, kind: str) -> None:
    code = """
from snapshot_restore_py import register_after_restore
@register_after_restore
def hook():
    raise ValueError("not today")
def handler(event, context):
    return 1
"""
    settings = {"LoggingConfig": {"LogFormat": "JSON"}} if kind == "json" else {}
    name = publish(client, code, **settings)
    with pytest.raises(client.exceptions.SnapStartException) as caught:
        client.invoke(FunctionName=name, Qualifier="1")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_before_snapshot_hook_that_fails(client: Any) -> None:
    code = """
from snapshot_restore_py import register_before_snapshot
@register_before_snapshot
def hook():
    raise ValueError("not today")
def handler(event, context):
    return 1
"""
    name = publish(client, code)
    found = settled(client, name)
    assert (found["State"], found["StateReasonCode"]) == ("Failed", "FunctionError")
    assert found["StateReason"] == "Runtime.BeforeSnapshotError: not today"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import nothing_of_that_name\n", "No module named 'nothing_of_that_name'"),
        ("import os\nos._exit(7)\n", "exit status 7"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", "signal: killed"),
    ],
)
def test_a_version_that_cannot_be_initialised(client: Any, code: str, reason: str) -> None:
    name = publish(client, code)
    found = settled(client, name)
    assert (found["State"], found["StateReasonCode"]) == ("Failed", "FunctionError")
    assert reason in found["StateReason"]
    with pytest.raises(client.exceptions.ResourceConflictException):
        client.invoke(FunctionName=name, Qualifier="1")


def test_states(server: Server, client: Any) -> None:
    gate = Gate(server)
    code = "gate()\ndef handler(event, context):\n    return context.function_version\n"
    name = create(client, gate.code + code, runtime="python3.12", SnapStart=ON)
    latest = client.get_function_configuration(FunctionName=name)
    assert latest["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"}
    published = client.publish_version(FunctionName=name)
    assert (published["State"], published["StateReasonCode"]) == ("Pending", "Creating")
    assert published["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}
    with pytest.raises(client.exceptions.SnapStartNotReadyException) as caught:
        client.invoke(FunctionName=name, Qualifier="1")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    gate.open()
    client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1", WaiterConfig=PROMPT)
    assert call(client, name, Qualifier="1")[0] == "1"
    assert call(client, name)[0] == "$LATEST"
    assert settled(client, name)["SnapStart"]["OptimizationStatus"] == "On"


def test_what_waits_for_nothing(client: Any) -> None:
    """$LATEST can be changed and invoked while a snapshot is taken."""
    code = "import os, time\nif os.environ['AWS_LAMBDA_INITIALIZATION_TYPE'] == 'snap-start':\n    time.sleep(60)\n"
    name = create(client, code + "def handler(event, context):\n    return 1\n", runtime="python3.12", SnapStart=ON)
    client.publish_version(FunctionName=name)
    client.update_function_configuration(FunctionName=name, Description="changed")
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
    assert call(client, name)[0] == 1
    assert client.get_function_configuration(FunctionName=name, Qualifier="1")["State"] == "Pending"
    client.delete_function(FunctionName=name)


def test_provisioned_concurrency_is_refused(client: Any) -> None:
    name = publish(client, "def handler(event, context):\n    return 1\n")
    with pytest.raises(client.exceptions.InvalidParameterValueException):
        client.put_provisioned_concurrency_config(FunctionName=name, Qualifier="1", ProvisionedConcurrentExecutions=1)


def test_events_wait_until_it_is_active(client: Any, server: Server) -> None:
    code = "import time\ntime.sleep(1)\ndef handler(event, context):\n    print('got', event)\n"
    name = create(client, code, runtime="python3.12", SnapStart=ON)
    client.publish_version(FunctionName=name)
    client.invoke(FunctionName=name, Qualifier="1", InvocationType="Event", Payload=b'"it"')
    wait_for(lambda: any("got it" in line for line in server.function_log(name)))


@pytest.mark.usefixtures("isolated")
def test_a_restart(own_server: Server) -> None:
    own_server.start()
    client = own_server.client()
    code = "import uuid\nBORN = uuid.uuid4().hex\ndef handler(event, context):\n    return BORN\n"
    name = publish(client, code)
    before = restored(client, name)
    own_server.wait_for_log(name, "INIT_START")
    own_server.kill()
    own_server.start()
    client = own_server.client()
    assert settled(client, name)["State"] == "Active"
    assert restored(client, name) != before, "snapshots end with their server"
    started = [line for line in own_server.function_log(name) if line.startswith("INIT_START")]
    assert len(started) >= 2


@pytest.mark.usefixtures("isolated")
def test_nothing_of_a_deleted_one_is_left(own_server: Server) -> None:
    own_server.start()
    client = own_server.client()
    name = create(client, "import time\nprint('begun')\ntime.sleep(60)\n", runtime="python3.12", SnapStart=ON)
    client.publish_version(FunctionName=name)
    wait_for(lambda: any("begun" in line for line in own_server.function_log(name)))
    client.delete_function(FunctionName=name)
    wait_for(lambda: not _open_snapshots(own_server.pid))
    kept = publish(client, "def handler(event, context):\n    return 1\n")
    assert _open_snapshots(own_server.pid)
    client.delete_function(FunctionName=kept)
    wait_for(lambda: not _open_snapshots(own_server.pid))


@pytest.mark.usefixtures("isolated")
def test_there_is_room_for_so_many(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", "--max-snapshots-mb", "1").start()
    try:
        client = server.client()
        code = "def handler(event, context):\n    return context.function_name\n"
        first, second = publish(client, code), publish(client, code)
        assert len(_open_snapshots(server.pid)) == 1, "the one that was asked for last"
        assert restored(client, second) == second
        assert restored(client, first) == first
    finally:
        assert server.stop() == 0


def _open_snapshots(pid: int) -> list[str]:
    """Files without a name that the server has open in the directory of its snapshots."""
    found = []
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{name}")
        except FileNotFoundError:
            continue
        if "/run/snapshots/" in target:
            found.append(target)
    return found


def test_a_restore_that_takes_too_long(client: Any) -> None:
    code = """
import time
from snapshot_restore_py import register_after_restore
register_after_restore(time.sleep, 30)
def handler(event, context):
    return 1
"""
    name = publish(client, code)
    with pytest.raises(ClientError) as caught:
        client.invoke(FunctionName=name, Qualifier="1")
    assert caught.value.response["Error"]["Code"] == "SnapStartTimeoutException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 408


def test_with_the_process_driver(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", "--sandbox", "process").start()
    try:
        client = server.client()
        code = """
import os, time, uuid
from snapshot_restore_py import register_after_restore, register_before_snapshot
BORN, HOOKS = uuid.uuid4().hex, []
register_before_snapshot(HOOKS.append, "before")
register_after_restore(HOOKS.append, "after")
def handler(event, context):
    gate()
    return [BORN, HOOKS, os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]]
"""
        answers = together(server, client, code, 2)
        assert answers[0][0] != answers[1][0]
        assert all(one[1:] == [["before", "after"], "snap-start"] for one in answers)
        broken = publish(client, "raise ValueError('never')\n")
        assert settled(client, broken)["StateReasonCode"] == "FunctionError"
    finally:
        assert server.stop() == 0


@pytest.mark.usefixtures("isolated")
def test_the_lines_in_json(server: Server, client: Any) -> None:
    code = "def handler(event, context):\n    return 1\n"
    name = publish(client, code, LoggingConfig={"LogFormat": "JSON", "SystemLogLevel": "DEBUG"})
    restored(client, name)
    server.wait_for_log(name, '"platform.report"')
    events = [json.loads(line) for line in server.function_log(name) if line]
    kinds = [one["type"] for one in events]
    expected = ["initStart", "initRuntimeDone", "initReport", "restoreStart", "restoreRuntimeDone", "restoreReport"]
    expected += ["start", "runtimeDone", "report"]
    assert kinds == [f"platform.{kind}" for kind in expected]
    by_kind = {one["type"].removeprefix("platform."): one["record"] for one in events}
    assert by_kind["initStart"]["initializationType"] == "snap-start"
    assert by_kind["restoreReport"]["status"] == "success"
    assert by_kind["restoreReport"]["metrics"]["durationMs"] > 0
    assert set(by_kind["report"]["metrics"]) >= {"restoreDurationMs", "billedRestoreDurationMs"}
    assert "initDurationMs" not in by_kind["report"]["metrics"]


@pytest.mark.usefixtures("isolated")
def test_a_snapshot_that_belongs_to_a_zygote_that_is_gone(own_server: Server) -> None:
    own_server.start()
    client = own_server.client()
    code = "import uuid\nBORN = uuid.uuid4().hex\ndef handler(event, context):\n    return BORN\n"
    name = publish(client, code, Timeout=5)
    before = restored(client, name)
    for zygote in zygotes(own_server.pid):
        os.kill(zygote, signal.SIGKILL)

    def again() -> bool:
        payload, answer = call(client, name, Qualifier="1")
        return "FunctionError" not in answer and payload != before

    wait_for(lambda: not zygotes(own_server.pid))
    wait_for(lambda: answers(again))
    wait_for(lambda: _open_snapshots(own_server.pid))


def answers(ask: Callable[[], bool]) -> bool:
    """As long as sandboxes of the dead zygote are found out the server has none to give."""
    try:
        return ask()
    except ClientError:
        return False


def zygotes(server: int) -> list[int]:
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            command, status = Path(f"/proc/{name}/cmdline").read_bytes(), Path(f"/proc/{name}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if b"zygote.py" in command and f"PPid:\t{server}\n" in status:
            found.append(int(name))
    return found
