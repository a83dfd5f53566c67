"""What a function sees around itself, and how long its environment lives.

AWS: docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, …/lambda-runtime-environment.html
"""

import base64
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from functions import PROMPT, call, create, zip_of
from gates import Gate
from interpreters import PYTHON
from server import Server
from wait import wait_for


def test_environment_variables(client: Any) -> None:
    name = create(
        client,
        "import os\ndef handler(event, context):\n    return dict(os.environ)\n",
        Environment={"Variables": {"MINE": "yes", "PATH_TO": "ä"}},
        MemorySize=512,
    )
    seen, _ = call(client, name)
    stream = seen.pop("AWS_LAMBDA_LOG_STREAM_NAME")
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", stream)
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};.*", seen.pop("_X_AMZN_TRACE_ID"))
    expected = {
        "MINE": "yes",
        "PATH_TO": "ä",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{PYTHON}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "_HANDLER": "app.handler",
    }
    assert {key: seen.get(key) for key in expected} == expected
    assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} <= set(seen)
    assert seen["PATH"].startswith("/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin")
    assert not [key for key in seen if "LAMBDAD" in key.upper()]


def test_directories_and_user(client: Any, isolated: None) -> None:
    code = """
import os, pwd, stat, sys
def describe(path):
    s = os.stat(path)
    return [stat.filemode(s.st_mode), s.st_uid, s.st_gid]
def handler(event, context):
    return {
        "cwd": os.getcwd(), "task": describe("/var/task"), "tmp": describe("/tmp"), "opt": describe("/opt"),
        "user": pwd.getpwuid(os.getuid()).pw_name, "root": os.getuid() == 0, "path": sys.path, "file": __file__,
        "executable": sys.executable, "argv": len(sys.argv),
    }
"""
    seen, _ = call(client, create(client, code))
    assert seen["cwd"] == "/var/task"
    assert seen["task"] == ["drwxr-xr-x", 0, 0]
    assert seen["tmp"] == ["drwxrwxrwt", 0, 0]
    assert seen["opt"] == ["drwxr-xr-x", 0, 0]
    assert seen["user"] == "sbx_user1051"
    assert not seen["root"]
    assert seen["path"][0] == "/var/task"
    assert "/opt/python" in seen["path"]
    assert seen["file"] == "/var/task/app.py"
    assert seen["executable"] == f"/var/lang/bin/{PYTHON}"


def test_the_code_is_read_only_and_tmp_is_not(client: Any, isolated: None) -> None:
    code = """
def attempt(path):
    try:
        open(path, "w").write("x")
        return "written"
    except OSError as error:
        return error.strerror
def handler(event, context):
    return [attempt(p) for p in ("/var/task/new", "/tmp/new", "/opt/new", "/usr/new", "/etc/passwd", "/new")]
"""
    answers, _ = call(client, create(client, code))
    assert answers[1] == "written"
    assert "written" not in answers[:1] + answers[2:]


def test_tmp_has_the_configured_size(client: Any, isolated: None) -> None:
    code = """
import os
def handler(event, context):
    s = os.statvfs("/tmp")
    return [os.listdir("/tmp"), s.f_frsize * s.f_bavail / 2**20]
"""
    for size in (512, 513, 1024, 10240):
        (content, megabytes), _ = call(client, create(client, code, EphemeralStorage={"Size": size}))
        assert content == []
        assert size <= megabytes <= size * 1.04


def test_tmp_is_no_memory(client: Any, isolated: None) -> None:
    """More than the function's memory can be written there, read again, and is there in the next invocation."""
    code = """
import hashlib, os
def handler(event, context):
    if "tmpfs /tmp" in open("/proc/mounts").read():
        return None
    if event:
        block = os.urandom(1 << 20)
        with open("/tmp/large", "wb") as file:
            for _ in range(500):
                file.write(block)
    sums = set()
    with open("/tmp/large", "rb") as file:
        while block := file.read(1 << 20):
            sums.add(hashlib.sha256(block).hexdigest())
    return [os.stat("/tmp/large").st_size >> 20, len(sums)]
"""
    name = create(client, code, MemorySize=128, Timeout=60)
    first, _ = call(client, name, True)
    if first is None:
        pytest.skip("this host gives no loop devices: /tmp is memory")
    assert first == [500, 1]
    assert call(client, name, False)[0] == [500, 1]


def test_tmp_is_one_environment_s(server: Server, client: Any, isolated: None) -> None:
    gate = Gate(server)
    code = """
def handler(event, context):
    seen = os.listdir("/tmp")
    open("/tmp/mine", "w").close()
    gate()
    return seen
"""
    name = create(client, gate.code + code)
    assert gate.together([lambda: call(client, name)[0]] * 3) == [[], [], []]


def test_boto3_is_there_and_reaches_this_endpoint(client: Any, isolated: None) -> None:
    code = """
import boto3
def handler(event, context):
    name = context.function_name
    return boto3.client("lambda").get_function_configuration(FunctionName=name)["FunctionName"]
"""
    name = create(client, code, Timeout=30, MemorySize=1769)
    assert call(client, name)[0] == name


def test_an_environment_is_used_again(client: Any) -> None:
    code = "calls = 0\ndef handler(event, context):\n    global calls\n    calls += 1\n    return calls\n"
    name = create(client, code)
    assert [call(client, name)[0] for _ in range(5)] == [1, 2, 3, 4, 5]


def test_concurrent_invocations_have_environments_of_their_own(server: Server, client: Any) -> None:
    gate = Gate(server)
    name = create(client, gate.code + "def handler(event, context):\n    gate()\n    return context.log_stream_name\n")
    assert len(set(gate.together([lambda: call(client, name)[0]] * 4))) == 4


def test_a_frozen_environment_does_not_run(own_server: Server, isolated: None) -> None:
    """A thread that counts every millisecond stands still between two invocations."""
    own_server.start()
    client = own_server.client()
    code = """
import threading, time
count = 0
def run():
    global count
    while True:
        time.sleep(0.001)
        count += 1
threading.Thread(target=run, daemon=True).start()
def handler(event, context):
    return count
"""
    name = create(client, code, MemorySize=1769)
    call(client, name)
    wait_for(lambda: b'state="frozen"} 1' in own_server.get("/_lambdad/metrics")[1])
    frozen_at = own_server.get("/_lambdad/metrics")[1]
    assert b'state="frozen"} 1' in frozen_at
    assert isinstance(call(client, name)[0], int)


def test_an_idle_environment_expires(tmp_path: Any) -> None:
    server = Server(tmp_path / "data", "--idle-timeout", "1").start()
    try:
        client = server.client()
        name = create(
            client, "calls = 0\ndef handler(event, context):\n    global calls\n    calls += 1\n    return calls\n"
        )
        assert call(client, name)[0] == 1
        wait_for(lambda: b"lambdad_environments{" not in server.get("/_lambdad/metrics")[1])
        assert call(client, name)[0] == 1
    finally:
        assert server.stop() == 0


def test_an_update_replaces_the_environments(client: Any) -> None:
    name = create(client, "def handler(event, context):\n    return 'old'\n")
    assert call(client, name)[0] == "old"
    new = zip_of({"app.py": "import os\ndef handler(event, context):\n    return 'new ' + os.environ.get('AA', '')\n"})
    client.update_function_code(FunctionName=name, ZipFile=new)
    assert call(client, name)[0] == "new "
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
    client.update_function_configuration(FunctionName=name, Environment={"Variables": {"AA": "1"}})
    assert call(client, name)[0] == "new 1"


def test_a_deleted_function_is_gone(client: Any) -> None:
    name = create(client, "def handler(event, context):\n    return 1\n")
    call(client, name)
    client.delete_function(FunctionName=name)
    try:
        call(client, name)
    except client.exceptions.ResourceNotFoundException:
        return
    raise AssertionError("a deleted function answered")


def test_background_output_between_invocations_is_logged(server: Server, client: Any) -> None:
    code = """
import subprocess
def handler(event, context):
    subprocess.Popen("echo from-the-background", shell=True).wait()
"""
    name = create(client, code)
    call(client, name)
    server.wait_for_log(name, "from-the-background")


def test_a_runtime_that_is_not_installed_says_so(server: Server, client: Any) -> None:
    name = create(client, runtime="java21", handler="example.Handler", files={"x.txt": "x"})
    payload, answer = call(client, name, LogType="Tail")
    assert answer["FunctionError"] == "Unhandled"
    assert "java21" in payload["errorMessage"]
    tail = base64.b64decode(answer["LogResult"]).decode()
    assert payload["errorMessage"] in tail
    assert f"REPORT RequestId: {answer['ResponseMetadata']['RequestId']}" in tail
    assert payload["errorMessage"] in "\n".join(server.wait_for_log(name, "REPORT"))


def test_who_waits_for_room_gets_that_of_an_environment_that_becomes_idle(own_server: Server) -> None:
    server = Server(own_server.data_dir, "--max-environments", "1").start()
    try:
        client = server.client()
        first, second = (
            create(client, "import time\ndef handler(e, c):\n    time.sleep(e)\n    return e\n") for _ in "ab"
        )
        with ThreadPoolExecutor(2) as threads:
            busy = threads.submit(call, client, first, 2)
            wait_for(lambda: b'state="invoking"} 1' in server.get("/_lambdad/metrics")[1])
            assert call(client, second, 0)[0] == 0
            assert busy.result()[0] == 2
    finally:
        assert server.stop() == 0


def test_it_is_frozen_again_after_another_call(own_server: Server) -> None:
    client = own_server.start().client()
    name = create(client, "def handler(event, context):\n    return 1\n")
    for _ in range(3):
        call(client, name)
        wait_for(lambda: b'state="frozen"} 1' in own_server.get("/_lambdad/metrics")[1])
