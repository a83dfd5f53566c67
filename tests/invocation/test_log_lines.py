"""The log of a function, read back with `lambdad logs`: streams, platform lines, order.

AWS: docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-view.html
"""

import re
from typing import Any

from functions import call, create
from server import Server


def test_the_lines_of_two_invocations(server: Server, client: Any) -> None:
    code = "import logging\ndef handler(event, context):\n    print('a\\nb')\n    logging.getLogger().error('c\\nd')\n"
    name = create(client, code)
    ids = [call(client, name)[1]["ResponseMetadata"]["RequestId"] for _ in range(2)]
    lines = [line for line in server.wait_for_log(name, f"REPORT RequestId: {ids[1]}") if line]
    text = "\n".join(lines)
    assert text.count("INIT_START Runtime Version: python:3.12") == 1
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
