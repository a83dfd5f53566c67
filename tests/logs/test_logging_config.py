"""LoggingConfig: the format of a function's log, how detailed it is, and where it goes.

AWS: docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html
"""

import base64
import json
import re
from typing import Any

import pytest

from functions import call, create, new_name
from interpreters import NODE, PYTHON
from server import Server
from wait import wait_for

PYTHON_CODE = """
import json, logging, os
log = logging.getLogger()
def handler(event, context):
    print("plain")
    print(json.dumps({"level": "debug", "msg": "own debug"}))
    print(json.dumps({"level": "fatal", "msg": "own fatal"}))
    log.debug("a debug"); log.info("an info"); log.warning("a warning"); log.error("an error")
    return {name: value for name, value in os.environ.items() if name.startswith("AWS_LAMBDA_LOG_")}
"""
NODE_CODE = """
exports.handler = async () => {
  process.stdout.write("plain\\n");
  process.stdout.write(JSON.stringify({level: "debug", msg: "own debug"}) + "\\n");
  process.stdout.write(JSON.stringify({level: "fatal", msg: "own fatal"}) + "\\n");
  console.debug("a debug"); console.info("an info"); console.warn("a warning"); console.error("an error");
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith("AWS_LAMBDA_LOG_")));
};
"""
RUNTIMES = [
    pytest.param(PYTHON, "app.py", PYTHON_CODE, id="python"),
    pytest.param(
        NODE, "app.js", NODE_CODE, id="nodejs", marks=pytest.mark.skipif(not NODE, reason="Node.js is not installed")
    ),
]


@pytest.fixture(scope="module")
def logs(server: Server) -> Any:
    return server.client("logs")


def all_of(logs: Any, group: str, last: str) -> list[str]:
    """The messages of a group once the last is there."""
    messages: list[str] = []

    def there() -> bool:
        if logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            messages[:] = [event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]]
        return any(last in message for message in messages)

    wait_for(there)
    return messages


def platform(messages: list[str]) -> dict[str, Any]:
    """The records of the platform's events, by their type."""
    found = [json.loads(message) for message in messages if '"platform.' in message]
    return {event["type"].removeprefix("platform."): event["record"] for event in found}


def said(messages: list[str]) -> set[str]:
    """What the function said, of what is there."""
    words = ("plain", "own debug", "own fatal", "a debug", "an info", "a warning", "an error")
    return {word for word in words if any(word in message for message in messages)}


@pytest.mark.parametrize(("runtime", "file", "code"), RUNTIMES)
def test_json_at_its_most_detailed(client: Any, logs: Any, runtime: str, file: str, code: str) -> None:
    config = {"LogFormat": "JSON", "ApplicationLogLevel": "TRACE", "SystemLogLevel": "DEBUG"}
    name = create(client, runtime=runtime, files={file: code}, LoggingConfig=config)
    group = f"/aws/lambda/{name}"
    variables, answer = call(client, name)
    request_id = answer["ResponseMetadata"]["RequestId"]
    stream = variables["AWS_LAMBDA_LOG_STREAM_NAME"]
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", stream)
    assert variables == {
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_LAMBDA_LOG_LEVEL": "TRACE",
        "AWS_LAMBDA_LOG_GROUP_NAME": group,
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
    }
    messages = all_of(logs, group, "platform.report")
    assert all(messages)
    records = platform(messages)
    assert list(records) == ["initStart", "initRuntimeDone", "initReport", "start", "runtimeDone", "report"]
    init = {"initializationType": "on-demand", "phase": "init"}
    about = {
        **init,
        "functionName": name,
        "functionVersion": "$LATEST",
        "instanceId": stream,
        "instanceMaxMemory": 128 * 1024 * 1024,
    }
    assert about.items() <= records["initStart"].items()
    assert set(records["initStart"]) - set(about) == {"runtimeVersion", "runtimeVersionArn"}
    assert records["initRuntimeDone"] == {**init, "status": "success"}
    assert set(records["initReport"].pop("metrics")) == {"durationMs"}
    assert records["initReport"] == {**init, "status": "success"}
    assert records["start"] == {"requestId": request_id, "version": "$LATEST"}
    done, report = records["runtimeDone"], records["report"]
    assert (done["requestId"], done["status"]) == (request_id, "success")
    assert done["metrics"] == {
        "durationMs": report["metrics"]["durationMs"],
        "producedBytes": int(answer["ResponseMetadata"]["HTTPHeaders"]["content-length"]),
    }
    assert [one["name"] for one in done["spans"]] == ["responseLatency"]
    wanted = {"durationMs", "billedDurationMs", "memorySizeMB", "maxMemoryUsedMB", "initDurationMs"}
    assert set(report["metrics"]) == wanted
    assert said(messages) == {"plain", "own debug", "own fatal", "a debug", "an info", "a warning", "an error"}


@pytest.mark.parametrize(("runtime", "file", "code"), RUNTIMES)
def test_json_at_its_least_detailed(client: Any, logs: Any, runtime: str, file: str, code: str) -> None:
    config = {"LogFormat": "JSON", "ApplicationLogLevel": "ERROR", "SystemLogLevel": "WARN"}
    name = create(client, runtime=runtime, files={file: code}, LoggingConfig=config)
    assert call(client, name)[0]["AWS_LAMBDA_LOG_LEVEL"] == "ERROR"
    messages = all_of(logs, f"/aws/lambda/{name}", "an error")
    assert platform(messages) == {}
    assert said(messages) == {"plain", "own fatal", "an error"}


def test_failures_are_warnings(client: Any, logs: Any) -> None:
    config = {"LogFormat": "JSON", "SystemLogLevel": "WARN"}
    name = create(client, "import os\ndef handler(event, context):\n    os._exit(3)\n", LoggingConfig=config)
    call(client, name)
    records = platform(all_of(logs, f"/aws/lambda/{name}", "platform.report"))
    assert {kind: record["status"] for kind, record in records.items()} == {"runtimeDone": "error", "report": "error"}
    assert records["report"]["errorType"] == "Runtime.ExitError"


def test_a_group_that_several_functions_share(server: Server, client: Any, logs: Any) -> None:
    group = f"shared/{new_name()}"
    code = "def handler(event, context):\n    print('this is', event)\n    return context.log_stream_name\n"
    one, other = (create(client, code, LoggingConfig={"LogGroup": group}) for _ in range(2))
    streams = {}
    for name in (one, other):
        streams[name], _ = call(client, name, name)
        assert re.fullmatch(rf"\d{{4}}/\d\d/\d\d/{name}\[\$LATEST\][0-9a-f]{{32}}", streams[name])
        all_of(logs, group, f"this is {name}")
    found = logs.filter_log_events(logGroupName=group, filterPattern='"this is"')["events"]
    assert {event["logStreamName"]: event["message"] for event in found} == {
        streams[name]: f"this is {name}\n" for name in (one, other)
    }
    assert logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{one}")["logGroups"] == []
    shown = server.function_log(one)
    assert f"this is {one}" in shown
    assert f"this is {other}" not in shown


def test_a_group_that_nobody_may_create(client: Any, logs: Any) -> None:
    """Names that begin with aws/ are AWS's: such a function's log is sent nowhere."""
    code = "def handler(event, context):\n    print('nowhere')\n    return context.log_group_name\n"
    reserved, other = f"aws/{new_name()}", new_name("other")
    name = create(client, code, LoggingConfig={"LogGroup": reserved})
    answer = client.invoke(FunctionName=name, LogType="Tail")
    assert json.load(answer["Payload"]) == reserved
    assert "nowhere" in base64.b64decode(answer["LogResult"]).decode()
    client.update_function_configuration(FunctionName=name, LoggingConfig={"LogGroup": other})
    client.get_waiter("function_updated_v2").wait(FunctionName=name)
    call(client, name)
    all_of(logs, other, "nowhere")
    assert logs.describe_log_groups(logGroupNamePrefix=reserved)["logGroups"] == []
