"""Functions run by the process driver, through the whole server."""

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions import PROMPT, call, create
from interpreters import NODES, PYTHON
from processes import alive, wait_until_ended
from server import Server


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("process") / "data", "--sandbox", "process").start()
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def client(running: Server) -> Any:
    return running.client()


def test_a_python_function(client: Any) -> None:
    code = "import os\ndef handler(event, context):\n    return [event, context.function_name, os.getcwd(), __file__]\n"
    name = create(client, code, Timeout=60)
    for event in ({"ü": 1}, None):
        answer, _ = call(client, name, event)
        assert answer[:2] == [event, name]
        assert answer[3] == answer[2] + "/app.py"


@pytest.mark.parametrize("runtime", NODES)
def test_a_node_function(client: Any, runtime: str) -> None:
    files = {"index.mjs": "export const handler = async (event, context) => [event, context.functionName];"}
    name = create(client, runtime=runtime, files=files, handler="index.handler", Timeout=60)
    assert call(client, name, {"a": 1})[0] == [{"a": 1}, name]


def test_a_function_that_writes_its_code_spoils_only_its_own_copy(client: Any) -> None:
    code = """
import os
def handler(event, context):
    with open(os.path.join(os.environ["LAMBDA_TASK_ROOT"], "app.py"), "w") as file:
        file.write("spoilt")
    return os.getpid()
"""
    name = create(client, code, Timeout=60)
    first, _ = call(client, name)
    client.update_function_configuration(FunctionName=name, Description="new environments")
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
    second, _ = call(client, name)
    assert isinstance(second, int)
    assert second != first


@pytest.mark.skipif(sys.platform != "linux", reason="found by /proc")
def test_processes_that_left_the_group_end_with_the_environment(client: Any) -> None:
    seconds = str(random.randrange(10**6, 10**7))
    code = f"""
import subprocess
def handler(event, context):
    return subprocess.run(
        ["/bin/sh", "-c", "setsid sleep {seconds} >/dev/null 2>&1 & echo $!"], capture_output=True, text=True
    ).stdout.strip()
"""
    name = create(client, code, Timeout=60)
    left, _ = call(client, name)
    children = {left, *sleepers(seconds)}
    assert alive(children)
    client.delete_function(FunctionName=name)
    wait_until_ended(children)


def sleepers(seconds: str) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if entry.read_text() == f"sleep\0{seconds}\0":
                found.append(entry.parent.name)
        except OSError:
            continue
    return found


def test_errors_and_crashes(client: Any) -> None:
    code = """
import os
def handler(event, context):
    if event == "exit":
        os._exit(3)
    raise ValueError(event)
"""
    name = create(client, code, Timeout=60)
    error, answer = call(client, name, "x")
    assert (answer["FunctionError"], error["errorType"], error["errorMessage"]) == ("Unhandled", "ValueError", "x")
    error, _ = call(client, name, "exit")
    assert error["errorType"] == "Runtime.ExitError"
    assert json.dumps(call(client, name, "again")[0]).count("again") >= 1


def test_the_runtime_is_the_one_asked_for(client: Any) -> None:
    code = "import sys\ndef handler(event, context):\n    return 'python%d.%d' % sys.version_info[:2]\n"
    assert call(client, create(client, code, runtime=PYTHON, Timeout=60))[0] == PYTHON
