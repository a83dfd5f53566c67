"""External and internal extensions, as real processes: registering, events, the log, crashes, the shutdown phase.

AWS: docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html, …/lambda-runtime-environment.html
"""

import json
import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from extension_layers import TIME_TO_END, layer_of, plan, told
from functions import PROMPT, call, call_in_time, create
from interpreters import all_of
from metric_reading import Reading
from server import Server
from wait import wait_for

HELLO = "def handler(event, context):\n    print('function', event)\n    return event\n"
SNAP_STARTED = all_of("python3.12", "python3.13", "python3.14", "python3.15")
IDENTIFIER = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@pytest.fixture(scope="module", params=["auto", "process"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With each driver; environments that are idle for a second are given up."""
    data_dir = tmp_path_factory.mktemp(request.param) / "data"
    server = Server(
        data_dir, "--sandbox", request.param, "--idle-timeout", "1", *TIME_TO_END, "--freeze-after", "0.05"
    ).start()
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def client(running: Server) -> Any:
    return running.client()


def test_an_extension_registers_and_is_told_of_invocations_and_of_the_end(running: Server, client: Any) -> None:
    layer = layer_of(client, "agent")
    name = create(client, HELLO, Layers=[layer])
    assert call(client, name, "one")[0] == "one"
    assert call(client, name, "two")[0] == "two"
    lines = running.wait_for_log(name, "agent bye")
    assert told(lines, "agent", "registered") == [
        {"functionName": name, "functionVersion": "$LATEST", "handler": "app.handler", "accountId": "000000000000"}
    ]
    first, second, last = told(lines, "agent", "event")
    requests = [line.split()[2] for line in lines if "START RequestId" in line]
    for event, request_id in zip((first, second), requests, strict=True):
        assert event["eventType"] == "INVOKE"
        assert event["requestId"] == request_id
        assert event["invokedFunctionArn"].endswith(f":function:{name}")
        assert event["tracing"]["type"] == "X-Amzn-Trace-Id"
        assert event["tracing"]["value"].startswith("Root=1-")
    assert last == {"eventType": "SHUTDOWN", "shutdownReason": "spindown", "deadlineMs": last["deadlineMs"]}
    assert last["deadlineMs"] < second["deadlineMs"]
    text = "\n".join(lines)
    assert text.index("agent registered") < text.index(
        "EXTENSION\tName: agent\tState: Ready\tEvents: [INVOKE,SHUTDOWN]"
    )
    assert text.index("EXTENSION\tName: agent") < text.index("START RequestId")


def test_the_runtime_starts_when_all_have_registered(running: Server, client: Any) -> None:
    plans = plan(slow={"start": {"sleep": 0.3, "say": "starts"}}, quick={"start": {"say": "starts"}})
    layers = [layer_of(client, "slow"), layer_of(client, "quick")]
    name = create(client, "print('module')\n" + HELLO, Layers=layers, Environment=plans)
    call(client, name)
    lines = running.wait_for_log(name, "REPORT")
    wanted = ("quick starts", "slow starts", "module", "START Req")
    assert [part for line in lines for part in wanted if part in line] == list(wanted)


def test_init_takes_until_all_of_them_ask_for_an_event(running: Server, client: Any) -> None:
    name = create(
        client, HELLO, Layers=[layer_of(client, "agent")], Environment=plan(agent={"registered": {"sleep": 0.5}})
    )
    _, answer = call(client, name, LogType="None")
    report = next(line for line in running.wait_for_log(name, "REPORT") if "REPORT" in line)
    assert answer["StatusCode"] == 200
    duration = re.search(r"Init Duration: ([\d.]+) ms", report)
    assert duration is not None
    assert float(duration[1]) >= 500


def test_an_answer_does_not_wait_for_extensions_but_the_next_invocation_does(running: Server, client: Any) -> None:
    """The same environment takes the next event only when its extension has done; REPORT and a metric count that time."""
    code = """
import os
def handler(event, context):
    return os.getpid(), context.log_stream_name
"""
    name = create(client, code, Layers=[layer_of(client, "agent")], Environment=plan(agent={"invoke": {"sleep": 1}}))
    first, _ = call(client, name)
    other, _ = call(client, name)
    assert other[1] != first[1]
    wait_for(lambda: sum("REPORT" in line for line in running.function_log(name)) == 2)
    durations = [float(found) for found in re.findall(r"\tDuration: ([\d.]+) ms", "".join(running.function_log(name)))]
    assert min(durations) >= 1000
    metric, reading = "PostRuntimeExtensionsDuration", Reading(running.client("cloudwatch"))
    assert reading.count(metric, FunctionName=name, Resource=name) == 2
    whole = reading.sum("Duration", FunctionName=name) + reading.sum(metric, FunctionName=name)
    assert whole == pytest.approx(sum(durations), abs=5)
    quick = create(client, code, Layers=[layer_of(client, "agent")], Environment=plan(agent={"events": ["SHUTDOWN"]}))
    call(client, quick)
    running.wait_for_log(quick, "REPORT")
    assert reading.values(metric, FunctionName=quick) == []


def test_what_extensions_see_of_the_environment(running: Server, client: Any) -> None:
    settings = plan(agent={"start": {"environment": True}})
    settings["Variables"] |= {"MINE": "ü", "NODE_PATH": "/mine"}
    name = create(client, HELLO, Layers=[layer_of(client, "agent")], Environment=settings)
    call(client, name)
    [seen] = told(running.wait_for_log(name, "REPORT"), "agent", "environment")
    assert seen["MINE"] == "ü"
    assert seen["NODE_PATH"] == "/mine"
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == name
    assert {"AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "PATH"} <= set(seen)
    hidden = {
        *("AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_XRAY_CONTEXT_MISSING"),
        *("AWS_XRAY_DAEMON_ADDRESS", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT", "_HANDLER", "_AWS_XRAY_DAEMON_PORT"),
    }
    assert not hidden & set(seen)


def test_events_that_were_not_asked_for_do_not_come(running: Server, client: Any) -> None:
    layers = [layer_of(client, "last", "never")]
    plans = plan(last={"events": ["SHUTDOWN"]}, never={"events": []})
    name = create(client, HELLO, Layers=layers, Environment=plans)
    assert call(client, name, 1)[0] == 1
    assert call(client, name, 2)[0] == 2
    lines = running.wait_for_log(name, "last bye")
    assert [event["eventType"] for event in told(lines, "last", "event")] == ["SHUTDOWN"]
    assert told(lines, "never", "event") == []
    assert "EXTENSION\tName: never\tState: Ready\tEvents: []" in "\n".join(lines)


def test_extensions_have_their_time_after_a_timeout_and_no_more(running: Server, client: Any) -> None:
    code = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'awake'\n"
    plans = plan(agent={"shutdown": {"sleep": 0.2}}, endless={"shutdown": {"sleep": 60}})
    name = create(client, code, Timeout=1, Layers=[layer_of(client, "agent", "endless")], Environment=plans)
    answer, _ = call(client, name, 30)
    assert "Task timed out after 1.00 seconds" in answer["errorMessage"]
    lines = running.wait_for_log(name, "agent bye")
    shutdown = told(lines, "agent", "event")[-1]
    assert shutdown["shutdownReason"] == "timeout"
    assert call_in_time(client, name, 0) == "awake"
    assert not [line for line in running.function_log(name) if "endless bye" in line]


def test_the_function_s_time_is_the_extensions_too(running: Server, client: Any) -> None:
    plans = plan(agent={"invoke": {"sleep": 60}, "events": ["INVOKE"]})
    name = create(client, HELLO, Timeout=1, Layers=[layer_of(client, "agent")], Environment=plans)
    assert call(client, name, "quick")[0] == "quick"
    report = next(line for line in running.wait_for_log(name, "REPORT") if "REPORT" in line)
    assert "Status: timeout" in report


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ({"exit": 7}, "exit status 7"),
        ({"exit": 0}, "exit code 0"),
        ({"kill": signal.SIGSEGV}, "signal: segmentation fault"),
    ],
)
def test_an_extension_that_crashes_fails_the_invocation(
    running: Server, client: Any, step: dict[str, int], reason: str
) -> None:
    code = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'well'\n"
    name = create(client, code, Layers=[layer_of(client, "agent", "other")], Environment=plan(agent={"invoke": step}))
    answer, raw = call(client, name, 30)
    assert raw["FunctionError"] == "Unhandled"
    assert answer["errorType"] == "Extension.Crash"
    assert re.fullmatch(rf"RequestId: {IDENTIFIER} Error: {re.escape(reason)}", answer["errorMessage"])
    lines = running.wait_for_log(name, "other bye")
    assert told(lines, "other", "event")[-1]["shutdownReason"] == "failure"
    assert [line for line in lines if "Status: error\tError Type: Extension.Crash" in line]


@pytest.mark.parametrize(
    ("step", "error_type", "state"),
    [
        ({"start": {"exit": 1}}, "Extension.Crash", "Exited"),
        ({"registered": {"error": "init/error", "exit": 1}}, "Extension.InitError", "InitError"),
        ({"registered": {"error": "exit/error", "exit": 1}}, "Extension.ExitError", "ExitError"),
    ],
)
def test_an_extension_that_fails_in_init(
    running: Server, client: Any, step: dict[str, Any], error_type: str, state: str
) -> None:
    name = create(client, HELLO, Layers=[layer_of(client, "agent")], Environment=plan(agent=step))
    answer, raw = call(client, name, 1)
    assert raw["FunctionError"] == "Unhandled"
    assert answer["errorType"] == error_type
    assert answer["errorMessage"].endswith("Error: exit status 1")
    lines = running.wait_for_log(name, "REPORT RequestId")
    line = next(line for line in lines if "EXTENSION\tName: agent" in line)
    assert f"State: {state}\t" in line
    assert line.endswith("Error Type: Extension.Mine") == ("error" in step.get("registered", {}))
    assert "INIT_REPORT Init Duration: " in "\n".join(lines)
    if "registered" in step:
        assert 'agent error 202 {"status": "OK"}' in "\n".join(lines)


def test_exit_error_in_an_invocation(running: Server, client: Any) -> None:
    code = "import time\ndef handler(event, context):\n    time.sleep(30)\n"
    plans = plan(agent={"invoke": {"error": "exit/error", "exit": 2}})
    name = create(client, code, Layers=[layer_of(client, "agent")], Environment=plans)
    answer, _ = call(client, name)
    assert answer["errorType"] == "Extension.ExitError"


def test_an_extension_that_cannot_be_executed(running: Server, client: Any) -> None:
    plain = layer_of(client, "agent", executable=False)
    nonsense = layer_of(client, "broken", program="\x7fELF nonsense")
    for layer, reason, why in (
        (plain, "fork/exec /opt/extensions/agent: permission denied", "PermissionDenied"),
        (nonsense, "fork/exec /opt/extensions/broken: exec format error", "UnknownError"),
    ):
        name = create(client, HELLO, Layers=[layer])
        answer, _ = call(client, name)
        assert answer["errorType"] == "Extension.LaunchError"
        assert answer["errorMessage"].endswith(reason)
        assert f"State: LaunchError\tEvents: []\tError Type: {why}" in "\n".join(running.function_log(name))


def test_at_most_ten(running: Server, client: Any) -> None:
    ten = layer_of(client, *(f"agent{number}" for number in range(10)))
    name = create(client, HELLO, Layers=[ten])
    assert call(client, name, "all")[0] == "all"
    lines = running.wait_for_log(name, "REPORT")
    assert len([line for line in lines if "State: Ready" in line]) == 10
    more = create(client, HELLO, Layers=[ten, layer_of(client, "zzz")])
    answer, _ = call(client, more)
    assert answer["errorType"] == "Extension.LaunchError"
    assert "EXTENSION\tName: zzz\tState: LaunchError\tEvents: []\tError Type: TooManyExtensions" in "\n".join(
        running.function_log(more)
    )


@pytest.mark.parametrize("log_type", ["Tail", "None"])
def test_an_extension_that_takes_longer_than_the_function_may_is_logged(
    running: Server, client: Any, log_type: str
) -> None:
    plans = plan(slow={"invoke": {"sleep": 60}})
    name = create(client, HELLO, Timeout=1, Layers=[layer_of(client, "slow")], Environment=plans)
    answer, response = call(client, name, "at once", LogType=log_type)
    assert answer == "at once"
    request_id = response["ResponseMetadata"]["RequestId"]
    lines = running.wait_for_log(name, f"{request_id} Task timed out after 1.00 seconds")
    text = "\n".join(lines if log_type == "Tail" else running.wait_for_log(name, "REPORT RequestId"))
    assert text.count("REPORT RequestId") == 1
    assert ("Status: timeout" in text) == (log_type == "None")  # a tail has had its REPORT before that is known


def test_an_extension_that_never_registers_is_given_the_time_of_init(running: Server, client: Any) -> None:
    """Here that of an init that is part of an invocation: the function's timeout."""
    name = create(client, HELLO, Timeout=1, Layers=[layer_of(client, "mute", program="#!/bin/sh\nsleep 60\n")])
    answer, _ = call(client, name)
    assert "Task timed out after 1.00 seconds" in answer["errorMessage"]
    assert "EXTENSION\tName: mute\tState: Started\tEvents: []" in "\n".join(running.function_log(name))


def test_json_logs_have_the_extension_as_an_event(running: Server, client: Any) -> None:
    name = create(client, HELLO, Layers=[layer_of(client, "agent")], LoggingConfig={"LogFormat": "JSON"})
    call(client, name)
    lines = running.wait_for_log(name, "platform.report")
    [event] = [json.loads(line[line.index("{") :]) for line in lines if "platform.extension" in line]
    assert event["record"] == {"name": "agent", "state": "Ready", "events": ["INVOKE", "SHUTDOWN"]}


def test_an_update_ends_idle_environments_with_their_extensions(running: Server, client: Any) -> None:
    name = create(client, HELLO, Layers=[layer_of(client, "agent")])
    call(client, name)
    client.update_function_configuration(FunctionName=name, Description="another")
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
    lines = running.wait_for_log(name, "agent bye")
    assert told(lines, "agent", "event")[-1]["shutdownReason"] == "spindown"


def test_the_runtime_is_told_to_end_first(running: Server, client: Any) -> None:
    code = """
import signal, sys
def ended(number, frame):
    print("function ends", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, ended)
def handler(event, context):
    return event
"""
    name = create(client, code, Layers=[layer_of(client, "agent")])
    call(client, name)
    lines = running.wait_for_log(name, "agent bye")
    order = [
        part for line in lines for part in ("function ends", "SHUTDOWN") if part in line and "EXTENSION" not in line
    ]
    assert order == ["function ends", "SHUTDOWN"]


INTERNAL = """
import http.client, json, os, signal, sys, threading

def ask(method, path, body=None, headers={}, api="2020-01-01/extension"):
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    connection.request(method, f"/{api}/{path}", body, headers)
    answer = connection.getresponse()
    content = answer.read()
    return answer.status, json.loads(content) if content[:1] == b"{" else None, answer.getheader("Lambda-Extension-Identifier")

def register(name, events):
    return ask("POST", "register", json.dumps({"events": events}), {"Lambda-Extension-Name": name})
"""


def test_an_internal_extension(running: Server, client: Any) -> None:
    """A thread of the runtime process registers, is told of invocations; SIGTERM comes before the end."""
    code = (
        INTERNAL
        + """
status, answer, identifier = register("inner", ["INVOKE"])
seen = []
def loop():
    while True:
        seen.append(ask("GET", "event/next", headers={"Lambda-Extension-Identifier": identifier})[1])
threading.Thread(target=loop, daemon=True).start()
def ended(number, frame):
    print("inner ends", flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, ended)
def handler(event, context):
    while not seen or seen[-1]["requestId"] != context.aws_request_id:
        pass
    return status, answer, len(seen)
"""
    )
    name = create(client, code)
    answer = {"functionName": name, "functionVersion": "$LATEST", "handler": "app.handler"}
    assert call(client, name)[0] == [200, answer, 1]
    assert call(client, name)[0] == [200, answer, 2]
    lines = running.wait_for_log(name, "inner ends")
    assert [line for line in lines if "EXTENSION\tName: inner\tState: Ready\tEvents: [INVOKE]" in line]


def test_what_is_not_allowed(running: Server, client: Any) -> None:
    code = (
        INTERNAL
        + """
someone = "b6b2a4ac-6c6a-4f0e-9b6a-000000000000"
def named(identifier, **more):
    return {"Lambda-Extension-Identifier": identifier, **more}
found = [
    ask("POST", "register", "{}"),
    register("inner", ["SHUTDOWN"]),
    register("inner", ["OTHER"]),
    register("x" * 129, []),
    ask("POST", "register", "not json", {"Lambda-Extension-Name": "inner"}),
    ask("POST", "register", "[]", {"Lambda-Extension-Name": "inner"}),
    ask("POST", "register", '{"configurationKeys": ["a"]}', {"Lambda-Extension-Name": "inner"}),
    register("agent", ["INVOKE"]),
    ask("GET", "event/next"),
    ask("GET", "event/next", headers=named("none")),
    ask("GET", "event/next", headers=named(someone)),
]
_, _, identifier = register("inner", [])
found += [
    register("inner", []),
    ask("POST", "exit/error", "{}", named(identifier)),
    ask("POST", "event/next", "{}", named(identifier)),
    ask("GET", "nothing"),
]
def loop():
    ask("GET", "event/next", headers=named(identifier))
threading.Thread(target=loop, daemon=True).start()
def handler(event, context):
    late = [
        register("late", []),
        ask("GET", "event/next", headers=named(identifier)),
        ask("POST", "init/error", "{}", named(identifier, **{"Lambda-Extension-Function-Error-Type": "A.B"})),
    ]
    return [[status, (body or {}).get("errorType"), (body or {}).get("errorMessage")] for status, body, _ in found + late]
"""
    )
    name = create(client, code, Layers=[layer_of(client, "agent")])
    answers, _ = call(client, name)
    assert [answer[:2] for answer in answers] == [
        [403, "Extension.InvalidExtensionName"],
        [403, "Extension.InvalidEventType"],
        [403, "Extension.InvalidEventType"],
        [403, "Extension.InvalidExtensionName"],
        [403, "InvalidRequestFormat"],
        [403, "InvalidRequestFormat"],
        [403, "InvalidRequestFormat"],
        [403, "Extension.InvalidExtensionState"],
        [403, "Extension.MissingExtensionIdentifier"],
        [403, "Extension.InvalidExtensionIdentifier"],
        [403, "Extension.UnknownExtensionIdentifier"],
        [403, "Extension.InvalidExtensionState"],
        [403, "Extension.MissingHeader"],
        [404, "NotFound"],
        [404, "NotFound"],
        [403, "Extension.RegistrationClosed"],
        [403, "Extension.InvalidExtensionState"],
        [403, "Extension.InvalidExtensionState"],
    ]
    messages = [answer[2] for answer in answers]
    assert messages[1] == "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension"
    assert messages[2] == "OTHER: ErrorInvalidEventType"
    assert messages[7].startswith("State transition from ")
    assert messages[7].endswith(" to Registered failed for extension agent. Error: State transition is not allowed")
    assert messages[15] == "Extension registration closed already"


def test_a_server_that_ends_gives_extensions_their_time(own_server: Server) -> None:
    own_server.start()
    client = own_server.client()
    name = create(client, HELLO, Layers=[layer_of(client, "agent")])
    call(client, name)
    assert own_server.stop() == 0
    own_server.start()
    assert "agent bye" in "\n".join(own_server.function_log(name))


def test_a_frozen_environment_s_extensions_stand_still(own_server: Server, isolated: None) -> None:
    """And go on with the next event."""
    own_server.start()
    client = own_server.client()
    name = create(client, HELLO, Layers=[layer_of(client, "agent")])
    call(client, name, 1)
    wait_for(lambda: b'state="frozen"} 1' in own_server.get("/_lambdad/metrics")[1])
    assert call(client, name, 2)[0] == 2
    lines = own_server.wait_for_log(name, "agent event")
    wait_for(lambda: len(told(own_server.function_log(name), "agent", "event")) == 2)
    assert len([line for line in lines if "EXTENSION\t" in line]) == 1


@pytest.mark.parametrize("runtime", SNAP_STARTED)
def test_extensions_are_started_where_a_snapshot_is_restored(
    running: Server, client: Any, isolated: None, runtime: str
) -> None:
    """They are no part of it: each environment has its own."""
    on = {"ApplyOn": "PublishedVersions"}
    name = create(client, HELLO, runtime=runtime, Layers=[layer_of(client, "agent")], SnapStart=on)
    version = client.publish_version(FunctionName=name)["Version"]
    client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier=version, WaiterConfig=PROMPT)
    assert not [line for line in running.function_log(name) if "agent" in line]
    assert call(client, name, 1, Qualifier=version)[0] == 1
    lines = running.wait_for_log(name, "agent bye")
    assert [event["eventType"] for event in told(lines, "agent", "event")] == ["INVOKE", "SHUTDOWN"]


def test_provisioned_environments_have_theirs_before_anyone_calls(running: Server, client: Any) -> None:
    name = create(client, HELLO, Layers=[layer_of(client, "agent")])
    version = client.publish_version(FunctionName=name)["Version"]
    target = {"FunctionName": name, "Qualifier": version}
    client.put_provisioned_concurrency_config(**target, ProvisionedConcurrentExecutions=1)
    running.wait_for_log(name, "EXTENSION\tName: agent\tState: Ready")
    assert call(client, name, 1, Qualifier=version)[0] == 1
    client.delete_provisioned_concurrency_config(**target)
    assert len(told(running.wait_for_log(name, "agent bye"), "agent", "registered")) == 1
