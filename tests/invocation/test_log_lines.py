"""The log of a function, read back with `lambdad logs`: streams, platform lines, order.

AWS: docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-view.html
"""

import base64
import re
from typing import Any

import pytest

from functions import call, create
from interpreters import PYTHON
from server import Server


def test_the_lines_of_two_invocations(server: Server, client: Any) -> None:
    code = "import logging\ndef handler(event, context):\n    print('a\\nb')\n    logging.getLogger().error('c\\nd')\n"
    name = create(client, code)
    ids = [call(client, name)[1]["ResponseMetadata"]["RequestId"] for _ in range(2)]
    lines = [line for line in server.wait_for_log(name, f"REPORT RequestId: {ids[1]}") if line]
    text = "\n".join(lines)
    assert text.count(f"INIT_START Runtime Version: python:{PYTHON[6:]}") == 1
    assert text.count("Init Duration:") == 1
    for request_id in ids:
        start = text.index(f"START RequestId: {request_id} Version: $LATEST")
        end = text.index(f"END RequestId: {request_id}")
        report = text.index(f"REPORT RequestId: {request_id}\t")
        assert start < end < report
        said = text[start:end]
        assert said.index("a") < said.index("[ERROR]") < said.rindex("d")


def test_init_reports_of_a_function_that_cannot_start(server: Server, client: Any) -> None:
    name = create(client, handler="nothere.handler", files={"app.py": ""})
    _, answer = call(client, name)
    request_id = answer["ResponseMetadata"]["RequestId"]
    text = "\n".join(server.wait_for_log(name, f"REPORT RequestId: {request_id}"))
    for phase in ("init", "invoke"):
        assert re.search(
            rf"INIT_REPORT Init Duration: \d+\.\d\d ms\tPhase: {phase}\tStatus: error\tError Type: "
            r"Runtime\.ImportModuleError",
            text,
        )
    assert re.search(rf"REPORT RequestId: {request_id}\t.*Status: error\tError Type: Runtime\.ImportModuleError", text)


def test_a_timeout_is_logged(server: Server, client: Any) -> None:
    name = create(client, "import time\ndef handler(event, context):\n    time.sleep(30)\n", Timeout=1)
    _, answer = call(client, name)
    request_id = answer["ResponseMetadata"]["RequestId"]
    text = "\n".join(server.wait_for_log(name, f"REPORT RequestId: {request_id}"))
    assert f"{request_id} Task timed out after 1.00 seconds" in text
    assert re.search(rf"REPORT RequestId: {request_id}\t.*Status: timeout", text)


def test_an_init_that_outlasts_the_invocation_that_pays_for_it_is_reported(server: Server, client: Any) -> None:
    code = """
import os, time
if os.path.exists("/tmp/again"):
    time.sleep(60)
open("/tmp/again", "w").close()
os._exit(1)
"""
    name = create(client, code, Timeout=1)
    _, answer = call(client, name)
    request_id = answer["ResponseMetadata"]["RequestId"]
    text = "\n".join(server.wait_for_log(name, f"REPORT RequestId: {request_id}"))
    assert re.search(r"INIT_REPORT Init Duration: \d+\.\d\d ms\tPhase: invoke\tStatus: timeout", text)
    assert re.search(rf"REPORT RequestId: {request_id}\t.*Status: timeout", text)


def test_output_is_readable_during_the_invocation(own_server: Server) -> None:
    """On a server of its own: one that stops waits for what it runs."""
    client = own_server.start().client()
    code = """
import os, time
def handler(event, context):
    print("it has begun", flush=True)
    deadline = time.time() + 60
    while not os.path.exists("/tmp/go") and time.time() < deadline:
        time.sleep(0.05)
"""
    name = create(client, code, Timeout=60)
    client.invoke(FunctionName=name, InvocationType="Event")
    lines = own_server.wait_for_log(name, "it has begun")
    assert not [line for line in lines if line.startswith("END")]
    own_server.kill()


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("raise ValueError('at import')", "at import"),
        ("import nothing_of_that_name", "nothing_of_that_name"),
        ("import sys\nprint('before the end')\nsys.exit(3)", "before the end"),
        ("def handler(:", "Syntax"),
    ],
)
def test_the_tail_of_an_init_that_fails(client: Any, code: str, text: str) -> None:
    answer = client.invoke(FunctionName=create(client, code), LogType="Tail")
    tail = base64.b64decode(answer["LogResult"]).decode()
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert text in tail
    assert f"START RequestId: {request_id}" in tail
    assert f"REPORT RequestId: {request_id}" in tail
