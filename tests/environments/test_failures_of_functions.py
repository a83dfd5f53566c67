"""What happens when a function times out, crashes or cannot start, and that its environment is as new afterwards.

AWS: docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html (failures during init and invoke)
"""

import re
from pathlib import Path
from typing import Any

import pytest

from functions import call, call_in_time, create
from gates import Gate
from server import Server
from wait import wait_for


def test_a_timeout_resets_the_environment_and_keeps_tmp(client: Any) -> None:
    code = """
import os, time
number = 0
def handler(event, context):
    global number
    if event == "set":
        number = 42
        open("/tmp/file", "w").write("kept")
    if event == "hang":
        time.sleep(60)
    return [number, os.path.exists("/tmp/file")]
"""
    name = create(client, code, Timeout=1)
    assert call(client, name, "set")[0] == [42, True]
    assert call(client, name, "get")[0] == [42, True]
    payload, answer = call(client, name, "hang")
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert answer["FunctionError"] == "Unhandled"
    assert set(payload) == {"errorMessage"}
    assert re.fullmatch(
        rf"\d{{4}}-\d\d-\d\dT[\d:.]+Z {request_id} Task timed out after 1\.00 seconds", payload["errorMessage"]
    )
    assert call_in_time(client, name, "get") == [0, True]


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("os._exit(0)", "Runtime exited without providing a reason"),
        ("os._exit(3)", "Runtime exited with error: exit status 3"),
        ("os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
        ("os.kill(os.getpid(), 11)", "Runtime exited with error: signal: segmentation fault"),
        ("os.abort()", "Runtime exited with error: signal: aborted"),
    ],
)
def test_a_crash(client: Any, statement: str, reason: str) -> None:
    code = f"""
import os
calls = 0
def handler(event, context):
    global calls
    calls += 1
    if event:
        {statement}
    return calls
"""
    name = create(client, code)
    assert call(client, name)[0] == 1
    assert call(client, name)[0] == 2
    payload, answer = call(client, name, True)
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert answer["FunctionError"] == "Unhandled"
    assert payload == {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: {request_id} Error: {reason}"}
    assert call(client, name)[0] == 1


def test_out_of_memory(client: Any, isolated: None) -> None:
    code = "def handler(event, context):\n    return len(bytearray(event * 1024 * 1024))\n"
    name = create(client, code, MemorySize=128, Timeout=30)
    assert call(client, name, 10)[0] == 10 * 1024 * 1024
    payload, answer = call(client, name, 400)
    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "Runtime.OutOfMemory"
    assert payload["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    assert call(client, name, 10)[0] == 10 * 1024 * 1024


def test_a_missing_module(client: Any) -> None:
    name = create(client, handler="nothere.handler", files={"app.py": ""})
    for _ in range(2):
        payload, answer = call(client, name)
        assert answer["FunctionError"] == "Unhandled"
        assert payload["errorType"] == "Runtime.ImportModuleError"
        assert payload["errorMessage"] == "Unable to import module 'nothere': No module named 'nothere'"


def test_a_missing_handler(client: Any) -> None:
    name = create(client, "x = 1\n", handler="app.nope")
    payload, _ = call(client, name)
    assert payload["errorType"] == "Runtime.HandlerNotFound"
    assert payload["errorMessage"] == "Handler 'nope' missing on module 'app'"


def test_a_syntax_error(client: Any) -> None:
    name = create(client, "def handler(event, context)\n    pass\n")
    payload, _ = call(client, name)
    assert payload["errorType"] == "Runtime.UserCodeSyntaxError"


def test_an_exception_during_init(client: Any) -> None:
    name = create(client, "raise Exception('Runtime startup fails')\n")
    payload, answer = call(client, name)
    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "Exception"
    assert payload["errorMessage"] == "Runtime startup fails"
    assert payload["requestId"] == ""
    assert payload["stackTrace"][-1].startswith('  File "/var/task/app.py", line 1, in <module>')


def test_an_exit_during_init(client: Any) -> None:
    name = create(client, "import os\nos._exit(7)\n")
    payload, _ = call(client, name)
    assert payload["errorType"] == "Runtime.ExitError"
    assert payload["errorMessage"].endswith("Error: Runtime exited with error: exit status 7")


def test_a_failed_init_is_repeated_and_can_succeed(client: Any) -> None:
    """The first init fails; the one within the invocation finds what the first left in /tmp, and succeeds."""
    code = """
import os
if not os.path.exists("/tmp/tried"):
    open("/tmp/tried", "w").close()
    raise RuntimeError("first time")
def handler(event, context):
    return "well"
"""
    assert call(client, create(client, code))[0] == "well"


def test_who_answers_twice_harms_no_other_invocation(tmp_path: Path) -> None:
    """Its runtime learns at once that its own answer was refused, and ends: not when the next event comes.

    With room for one environment: the next invocation waits for that one.
    """
    code = """
import os, urllib.request
calls = 0
def handler(event, context):
    global calls
    calls += 1
    if event == "twice":
        path = f"/2018-06-01/runtime/invocation/{context.aws_request_id}/response"
        urllib.request.urlopen("http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + path, b'"early"').close()
    return calls
"""
    server = Server(tmp_path / "data", "--max-environments", "1").start()
    try:
        client = server.client()
        name = create(client, code)
        assert [call(client, name, what)[0] for what in ("once", "twice", "once", "once")] == [1, "early", 1, 2]
    finally:
        assert server.stop() == 0


def test_processes_left_behind_do_not_survive_a_timeout(client: Any) -> None:
    code = """
import subprocess, time
def handler(event, context):
    if event == "hang":
        subprocess.Popen(["/bin/sleep", "1000"])
        time.sleep(60)
    return subprocess.run("grep -l sleep /proc/[0-9]*/comm", shell=True, capture_output=True).returncode
"""
    name = create(client, code, Timeout=2)
    call(client, name, "hang")
    assert call_in_time(client, name, "look") == 1


def test_a_runtime_that_ends_while_idle_is_started_again_for_one_invocation_only(tmp_path: Path) -> None:
    code = """
import threading, uuid
ID = uuid.uuid4().hex
def handler(event, context):
    if event == "leave":
        threading.Timer(0.05, os._exit, (0,)).start()
    else:
        gate()
    return ID
"""
    server = Server(tmp_path / "data", "--freeze-after", "30").start()
    try:
        client, gate = server.client(), Gate(server)
        name = create(client, gate.code + code)
        first = call(client, name, "leave")[0]
        wait_for(lambda: b'state="down"} 1' in server.get("/_lambdad/metrics")[1])
        answers = gate.together([lambda: call(client, name, "work")[0]] * 2)
        assert len({first, *answers}) == 3
    finally:
        server.stop()
