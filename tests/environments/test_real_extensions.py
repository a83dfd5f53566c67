"""Extensions that others wrote and published, as they are.

`@serverless/aws-lambda-otel-extension-dist` (npm) is an external extension with a wrapper script and an internal part: it
registers, subscribes to the Logs API, gathers traces and metrics in OpenTelemetry's form, and reports them. Its internal part
is of the time before Node.js 24, which takes no callbacks. `lambda-sigterm` (PyPI) is an internal one: it registers so that
its function hears SIGTERM.
"""

import importlib.metadata
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from extension_layers import TIME_TO_END
from functions import call, create, new_name
from interpreters import NODES
from server import Server
from wait import wait_for

OPEN_TELEMETRY = Path(sys.prefix, "extensions/node_modules/@serverless/aws-lambda-otel-extension-dist/extension.zip")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("real") / "data", "--idle-timeout", "1", *TIME_TO_END).start()
    yield server
    assert server.stop() == 0


def documents(lines: list[str], kind: str) -> list[dict[str, Any]]:
    """What the extension reported of that kind, as OTLP's JSON."""
    start = f'[{{"{kind}":'
    return [json.loads(line)[0] for line in lines if line.startswith(start)]


def attributes(document: Any) -> dict[str, str]:
    """All there are in it, at any depth."""
    found: dict[str, str] = {}
    if isinstance(document, dict):
        if set(document) == {"key", "value"} and isinstance(document["value"], dict):
            found[document["key"]] = str(next(iter(document["value"].values()), ""))
        for value in document.values():
            found |= attributes(value)
    elif isinstance(document, list):
        for value in document:
            found |= attributes(value)
    return found


@pytest.mark.parametrize("runtime", NODES[:2])
def test_an_open_telemetry_extension(running: Server, isolated: None, runtime: str) -> None:
    if not OPEN_TELEMETRY.exists():
        pytest.skip("the extension is not installed: `make test` does it, where the npm registry is reached")
    client = running.client()
    content = {"ZipFile": OPEN_TELEMETRY.read_bytes()}
    layer = client.publish_layer_version(LayerName=new_name("otel"), Content=content)["LayerVersionArn"]
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/otel-extension/otel-handler", "SLS_OTEL_REPORT_TYPE": "json"}
    files = {"index.js": "exports.handler = async (event) => ({ ...event, seen: true });"}
    settings = {"MemorySize": 1024, "Layers": [layer], "Environment": {"Variables": variables}}
    name = create(client, runtime=runtime, files=files, handler="index.handler", **settings)
    for number in range(2):
        assert call(client, name, {"number": number})[0] == {"number": number, "seen": True}
    lines = running.wait_for_log(name, "EXTENSION\tName: otel-extension\tState: Ready")
    requests = [line.split("START RequestId: ")[1].split()[0] for line in lines if "START RequestId" in line]

    def reported(kind: str) -> set[str]:
        found = documents(running.function_log(name), kind)
        return {attributes(document).get("faas.execution", "") for document in found}

    wait_for(lambda: set(requests) <= reported("resourceSpans") & reported("resourceMetrics"))
    spans = documents(running.function_log(name), "resourceSpans")
    assert {attributes(document)["faas.name"] for document in spans} == {name}
    assert "LOGS\tName: otel-extension\tState: Subscribed" in "\n".join(lines)


def test_an_internal_extension_from_pypi(running: Server, isolated: None) -> None:
    client = running.client()
    source = importlib.metadata.distribution("lambda-sigterm").locate_file("lambda_sigterm/__init__.py")
    code = """
import os, signal
import lambda_sigterm
lambda_sigterm.register()
def ended(number, frame):
    print("the function cleans up", flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, ended)
def handler(event, context):
    return event
"""
    files = {"app.py": code, "lambda_sigterm/__init__.py": Path(str(source)).read_text()}
    name = create(client, files=files)
    assert call(client, name, "well")[0] == "well"
    assert call(client, name, "again")[0] == "again"
    lines = running.wait_for_log(name, "the function cleans up")
    assert "EXTENSION\tName: lambda-sigterm\tState: Ready\tEvents: []" in "\n".join(lines)
