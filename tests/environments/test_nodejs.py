"""Node.js functions, end to end. AWS: docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html"""

import base64
import json
import re
from typing import Any

import pytest

from functions import call, create
from interpreters import NODES, is_installed

RUNTIME = next(filter(is_installed, ("nodejs24.x", "nodejs22.x", "nodejs20.x")), "")

pytestmark = pytest.mark.skipif(not RUNTIME, reason="Node.js is not installed")


def make(client: Any, code: str, file: str = "index.js", **more: Any) -> str:
    handler = more.pop("handler", "index.handler")
    files = more.pop("files", {file: code})
    return create(client, runtime=more.pop("runtime", RUNTIME), files=files, handler=handler, **{"Timeout": 20, **more})


@pytest.mark.parametrize("runtime", NODES)
@pytest.mark.parametrize(
    ("code", "file"),
    [
        ("exports.handler = async (event) => event;", "index.js"),
        ("export const handler = async (event) => event;", "index.mjs"),
        ("const x = await Promise.resolve(1); export const handler = async (event) => event;", "index.mjs"),
        ("exports.handler = (event) => Promise.resolve(event);", "index.cjs"),
    ],
)
def test_kinds_of_handlers(client: Any, code: str, file: str, runtime: str) -> None:
    name = make(client, code, file, runtime=runtime)
    for event in ({"a": "ü"}, [1], None, "text"):
        assert call(client, name, event)[0] == event


@pytest.mark.parametrize("runtime", NODES)
@pytest.mark.parametrize(
    "code",
    [
        "exports.handler = (event, context, callback) => callback(null, event);",
        "exports.handler = (event, context, callback) => { setTimeout(() => callback(null, event), 1); };",
        "exports.handler = (event, context) => { context.succeed(event); };",
        "exports.handler = (event, context) => { context.done(null, event); };",
    ],
)
def test_callbacks_until_node_22(client: Any, code: str, runtime: str) -> None:
    """docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html#nodejs-handler-callback"""
    seen, answer = call(client, make(client, code, runtime=runtime), {"a": "ü"})
    if runtime != "nodejs24.x":
        assert seen == {"a": "ü"}
    else:
        assert answer["FunctionError"] == "Unhandled"
        assert seen["errorType"] in ("Runtime.CallbackHandlerDeprecated", "TypeError")


def test_nothing_returned_is_null(client: Any) -> None:
    assert call(client, make(client, "exports.handler = async () => {};"))[0] is None


@pytest.mark.parametrize("runtime", NODES)
def test_the_context(client: Any, runtime: str) -> None:
    code = """exports.handler = async (event, context) => ({
        ...JSON.parse(JSON.stringify(context)), left: context.getRemainingTimeInMillis() });"""
    name = make(client, code, runtime=runtime)
    client_context = base64.b64encode(json.dumps({"custom": {"foo": "bar"}}).encode()).decode()
    seen, answer = call(client, name, ClientContext=client_context)
    assert seen["functionName"] == name
    assert seen["functionVersion"] == "$LATEST"
    assert seen["awsRequestId"] == answer["ResponseMetadata"]["RequestId"]
    assert seen.get("callbackWaitsForEmptyEventLoop") is (True if runtime != "nodejs24.x" else None)
    assert seen["clientContext"] == {"custom": {"foo": "bar"}}
    assert seen["memoryLimitInMB"] == "128"
    assert 0 < seen["left"] <= 20000


def test_errors(client: Any) -> None:
    name = make(client, "exports.handler = async () => { throw new TypeError('bad'); };")
    payload, answer = call(client, name)
    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "TypeError"
    assert payload["errorMessage"] == "bad"
    assert payload["trace"][0] == "TypeError: bad"
    assert "/var/task/index.js:1" in payload["trace"][1]
    assert payload["trace"][2].startswith("    at Runtime.handleOnce (file:///var/runtime/")
    assert len(payload["trace"]) == 3, "as AWS's traces: nothing of the runtime but what called the handler"


@pytest.mark.parametrize(
    ("handler", "error_type"),
    [("other.handler", "Runtime.ImportModuleError"), ("index.nope", "Runtime.HandlerNotFound")],
)
def test_handlers_that_are_not_there(client: Any, handler: str, error_type: str) -> None:
    payload, _ = call(client, make(client, "exports.handler = async () => 1;", handler=handler))
    assert payload["errorType"] == error_type


def test_console_lines_carry_time_and_request_id(client: Any) -> None:
    name = make(
        client, "exports.handler = async () => { console.log('hello', {a: 1}); console.error('two\\nlines'); };"
    )
    answer = client.invoke(FunctionName=name, LogType="Tail")
    tail = base64.b64decode(answer["LogResult"]).decode()
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert re.search(rf"^[\d-]+T[\d:.]+Z\t{request_id}\tINFO\thello {{ a: 1 }}$", tail, re.MULTILINE)
    assert re.search(rf"^[\d-]+T[\d:.]+Z\t{request_id}\tERROR\ttwo$", tail, re.MULTILINE)


def test_state_is_kept_between_invocations(client: Any) -> None:
    name = make(client, "let n = 0; exports.handler = async () => ++n;")
    assert [call(client, name)[0] for _ in range(3)] == [1, 2, 3]


def test_exit_is_a_crash(client: Any) -> None:
    name = make(client, "let n = 0; exports.handler = async (e) => { if (e) process.exit(3); return ++n; };")
    assert call(client, name)[0] == 1
    payload, _ = call(client, name, True)
    assert payload["errorType"] == "Runtime.ExitError"
    assert payload["errorMessage"].endswith("Error: Runtime exited with error: exit status 3")
    assert call(client, name)[0] == 1


def test_environment_variables(client: Any) -> None:
    name = make(client, "exports.handler = async () => process.env;", Environment={"Variables": {"MINE": "yes"}})
    seen, _ = call(client, name)
    assert seen["MINE"] == "yes"
    assert seen["AWS_EXECUTION_ENV"] == f"AWS_Lambda_{RUNTIME}"
    assert seen["_HANDLER"] == "index.handler"
    assert not [key for key in seen if "LAMBDAD" in key]
    assert "/opt/nodejs/node_modules" in seen["NODE_PATH"]


def test_modules_beside_the_handler(client: Any) -> None:
    files = {
        "src/main.js": "const {x} = require('./lib'); exports.handler = async () => [x, process.cwd(), __dirname];",
        "src/lib.js": "exports.x = 7;",
    }
    assert call(client, make(client, "", files=files, handler="src/main.handler"))[0] == [
        7,
        "/var/task",
        "/var/task/src",
    ]
