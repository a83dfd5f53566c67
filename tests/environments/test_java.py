"""Java functions, end to end, with each driver. AWS: docs.aws.amazon.com/lambda/latest/dg/lambda-java.html"""

import base64
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import java_functions
from functions import PROMPT, call, create, new_name, zip_of
from interpreters import JAVA, JAVAS, NO_JAVA
from server import Server
from wait import wait_for

pytestmark = NO_JAVA

ON = {"ApplyOn": "PublishedVersions"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return java_functions.shared(tmp_path_factory)


@pytest.fixture(scope="module")
def classes(shared: Path) -> Path:
    return java_functions.compiled(JAVA, shared)


def running(shared: Path, data_dir: Path, *arguments: str) -> Server:
    java_functions.runtime_directory(JAVA, shared)
    return Server(data_dir, *arguments).start()


@pytest.fixture(scope="module", params=["auto", "process"])
def either(request: pytest.FixtureRequest, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of a server with the host's best driver, and of one with the process driver."""
    server = running(shared, tmp_path_factory.mktemp("java") / "data", "--sandbox", request.param)
    yield server.client()
    assert server.stop() == 0


@pytest.fixture(scope="module")
def server(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = running(shared, tmp_path_factory.mktemp("java") / "data")
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def client(server: Server) -> Any:
    return server.client()


def make(client: Any, classes: Path, *names: str, **more: Any) -> str:
    files = {**java_functions.package(classes, *names or ("Function",)), **more.pop("files", {})}
    more.setdefault("handler", "functions.Function")
    more.setdefault("MemorySize", 256)
    return create(client, runtime=more.pop("runtime", JAVA), files=files, **more)


def jar_of(files: dict[str, str | bytes], manifest: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        if manifest:
            archive.writestr("META-INF/MANIFEST.MF", manifest)
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def layer(client: Any, files: dict[str, str | bytes], executable: tuple[str, ...] = ()) -> str:
    content = {"ZipFile": zip_of(files, executable)}
    arn: str = client.publish_layer_version(LayerName=new_name("layer"), Content=content)["LayerVersionArn"]
    return arn


def told(answer: dict[str, Any]) -> str:
    return base64.b64decode(answer["LogResult"]).decode()


def test_what_it_sees_and_says(either: Any, classes: Path) -> None:
    """One function: its context, its variables, its log, its errors, the ends of its process."""
    files = {"filé.txt": ""}
    name = make(either, classes, files=files, Environment={"Variables": {"MINE": "yes ü"}})
    client_context = {"client": {"app_title": "title"}, "custom": {"foo": "bar"}, "env": {"locale": "de"}}
    encoded = base64.b64encode(json.dumps(client_context).encode()).decode()
    seen, answer = call(either, name, {"do": "see"}, ClientContext=encoded)
    assert (seen["function"], seen["version"], seen["memory"]) == (name, "$LATEST", 256)
    assert seen["arn"].endswith(f":function:{name}")
    assert seen["request"] == answer["ResponseMetadata"]["RequestId"]
    assert 0 < seen["left"] <= 60000
    assert (seen["group"], "identity" in seen) == (f"/aws/lambda/{name}", False)
    assert seen["stream"] == seen["variables"]["AWS_LAMBDA_LOG_STREAM_NAME"]
    assert seen["trace"] == seen["traceProperty"]
    assert seen["trace"].startswith("Root=1-")
    assert (seen["client"], seen["custom"], seen["environment"]) == ("title", {"foo": "bar"}, {"locale": "de"})
    assert seen["variables"]["MINE"] == "yes ü"
    assert seen["variables"]["AWS_EXECUTION_ENV"] == f"AWS_Lambda_{JAVA}"
    assert seen["variables"]["_HANDLER"] == "functions.Function"
    assert seen["directory"] == seen["variables"]["LAMBDA_TASK_ROOT"]
    assert (seen["charset"], seen["files"]) == ("UTF-8", True)
    assert seen["crac"] == "com.amazonaws.services.lambda.crac"
    assert 180 < seen["heap"] >> 20 <= 218, "85 % of the memory"

    _, answer = call(either, name, {"do": "log"}, LogType="Tail")
    lines = "printed ü\nto stderr\ntwo\nlines\n[DEBUG] a debug[ERROR] an errorbytes\n"
    assert lines.replace("\n", "") in told(answer).replace("\n", "")

    error, answer = call(either, name, {"do": "fail"}, LogType="Tail")
    assert answer["FunctionError"] == "Unhandled"
    assert (error["errorType"], error["errorMessage"]) == ("java.lang.IllegalStateException", "oh nö")
    assert all(frame.startswith("functions.Function.handleRequest(Function.java:") for frame in error["stackTrace"])
    assert error["cause"]["errorMessage"] == "why"
    report = "oh nö: java.lang.IllegalStateException\njava.lang.IllegalStateException: oh nö\n\tat functions.Function."
    assert report in told(answer)
    assert "Caused by: java.lang.RuntimeException: why\n\t... 2 more\n" in told(answer)

    assert [call(either, name, {"do": "count"})[0] for _ in range(2)] == [1, 2]
    assert call(either, name, {"do": "interrupt"})[0] == "interrupted"
    event = {"text": "ü" * 600_000}
    assert call(either, name, event)[0] == event
    assert call(either, name, {"do": "large"})[0]["errorType"] == "Function.ResponseSizeTooLarge"
    assert call(either, name, {"do": "count"})[0] == 3, "none of it ended the process"


@pytest.mark.parametrize(
    ("what", "error_type"),
    [
        ("recurse", "java.lang.StackOverflowError"),
        ("fill", "java.lang.OutOfMemoryError"),
        ("exit", "Runtime.ExitError"),
    ],
)
def test_ends_of_the_process(either: Any, classes: Path, what: str, error_type: str) -> None:
    name = make(either, classes)
    assert call(either, name, {"do": "count"})[0] == 1
    error, answer = call(either, name, {"do": what})
    assert (answer["FunctionError"], error["errorType"]) == ("Unhandled", error_type)
    assert call(either, name, {"do": "count"})[0] == 1, "the next is served by a new process"


@pytest.mark.parametrize("runtime", JAVAS)
def test_each_installed(server: Server, classes: Path, runtime: str) -> None:
    name = make(server.client(), classes, runtime=runtime)
    seen, _ = call(server.client(), name, {"do": "see"})
    assert seen["java"].removeprefix("1.") == runtime.removeprefix("java").partition(".")[0]
    if seen["home"] == "/var/lang":
        assert seen["archive"] is (runtime not in ("java8.al2", "java11")), (
            "it starts from the archive where there is one"
        )
    log = "\n".join(server.function_log(name))
    version = re.escape(runtime.replace("java", "java:"))
    assert re.search(rf"INIT_START Runtime Version: {version}\.v1\tRuntime Version ARN: ", log)


def test_faults_of_the_code(client: Any, server: Server, classes: Path) -> None:
    """Those that AWS tells to the invocation, and those that are failures of initialisation."""
    missing = make(client, classes, handler="functions.Missing::handle")
    for _ in range(2):
        error, answer = call(client, missing, {}, LogType="Tail")
        expected = {
            "errorMessage": "Class not found: functions.Missing",
            "errorType": "java.lang.ClassNotFoundException",
        }
        assert error == expected
        first = "Class not found: functions.Missing: java.lang.ClassNotFoundException\n"
        assert f"{first}java.lang.ClassNotFoundException: functions.Missing\n\tat " in told(answer)
    thrown = make(client, classes, "Interfaces", handler="functions.Interfaces$Throwing")
    error, _ = call(client, thrown, {})
    assert error == {"errorMessage": "not born", "errorType": "java.lang.IllegalStateException"}
    orphan = make(client, classes, "Orphan", handler="functions.Orphan::handle")
    for _ in range(2):
        error, _ = call(client, orphan, "x")
        message = "Error loading class functions.Orphan: functions/Parent"
        assert error == {"errorMessage": message, "errorType": "java.lang.NoClassDefFoundError"}
    log = "\n".join(server.function_log(thrown))
    assert (
        "not born: java.lang.IllegalStateException\njava.lang.IllegalStateException: not born\n\tat functions." in log
    )
    assert re.search(r"INIT_REPORT Init Duration: [\d.]+ ms\tPhase: init\tStatus: error", log)


def test_a_json_log(client: Any, server: Server, classes: Path) -> None:
    logging = {"LogFormat": "JSON", "ApplicationLogLevel": "INFO"}
    name = make(client, classes, LoggingConfig=logging)
    _, answer = call(client, name, {"do": "log"})
    call(client, name, {"do": "fail"})
    lines = [json.loads(line) for line in server.wait_for_log(name, "oh n") if line.startswith('{"timestamp"')]
    own = [line for line in lines if "level" in line]
    request = answer["ResponseMetadata"]["RequestId"]
    assert [(line["level"], line["message"]) for line in own[:2]] == [
        ("UNDEFINED", "two\nlines\n"),
        ("ERROR", "an error"),
    ], "no debug"
    assert {line["AWSRequestId"] for line in own[:2]} == {request}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", own[0]["timestamp"])
    assert own[2]["level"] == "ERROR"
    assert own[2]["message"].startswith(
        "oh nö: java.lang.IllegalStateException\njava.lang.IllegalStateException: oh nö"
    )


def test_jars_layers_and_options(either: Any, classes: Path) -> None:
    """Jars of the package and of a layer, an agent and a property by JAVA_TOOL_OPTIONS, a program that starts the JVM."""
    log4j = "org/apache/logging/log4j/ThreadContext.class"
    in_package = jar_of({"in-package.txt": "", "in-both.txt": "", log4j: (classes / log4j).read_bytes()})
    agent = java_functions.package(classes, "Agent")
    wrapper = '#!/bin/sh\njava=$1; shift; exec "$java" -Dof.the.function=wrapped "$@"\n'
    more = layer(
        either,
        {
            "java/lib/library.jar": jar_of({"in-layer.txt": "", "in-both.txt": ""}),
            "agent.jar": jar_of(agent, "Manifest-Version: 1.0\nPremain-Class: functions.Agent\n"),
            "wrapper": wrapper,
        },
        ("wrapper",),
    )
    name = make(either, classes, Layers=[more], files={"lib/own.jar": in_package})
    assert call(either, name, {"do": "library"})[0] == ["own.jar", "library.jar", "own.jar"]
    seen, _ = call(either, name, {"do": "see"})
    assert call(either, name, {"do": "log4j"})[0] is None
    request_id, answer = call(either, name, {"do": "log4j"})
    assert request_id == answer["ResponseMetadata"]["RequestId"], "for patterns of log4j"
    isolated = seen["directory"] == "/var/task"  # else /opt is elsewhere, in a new place each time
    variables = {"JAVA_TOOL_OPTIONS": "-Dof.the.agent=ours -Xmx100m"}
    if isolated:
        agent_option = "-javaagent:/opt/agent.jar=ours -Xmx100m"
        variables = {"JAVA_TOOL_OPTIONS": agent_option, "AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"}
    either.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
    either.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
    seen, _ = call(either, name, {"do": "see"})
    assert (seen["agent"], seen["heap"] >> 20 <= 100) == ("ours", True)
    assert seen.get("property") == ("wrapped" if isolated else None)


def test_a_jar_is_a_package(client: Any, classes: Path) -> None:
    name = make(client, classes)
    jar = jar_of(java_functions.package(classes, "Function"), "Manifest-Version: 1.0\n")
    client.update_function_code(FunctionName=name, ZipFile=jar)
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
    assert call(client, name, {"do": "count"})[0] == 1


def published(client: Any, classes: Path, **variables: str) -> tuple[str, dict[str, Any]]:
    """A function with SnapStart, and its version 1 once it is settled."""
    environment = {"Variables": variables}
    name = make(
        client, classes, "Snapshot", handler="functions.Snapshot::handle", Environment=environment, SnapStart=ON
    )
    client.publish_version(FunctionName=name)
    found: dict[str, Any] = {}

    def look() -> bool:
        found.update(client.get_function_configuration(FunctionName=name, Qualifier="1"))
        return bool(found["State"] != "Pending")

    wait_for(look)
    return name, found


def test_hooks_of_snapshots(client: Any, server: Server, classes: Path) -> None:
    name, version = published(client, classes)
    assert (version["State"], version["SnapStart"]["OptimizationStatus"]) == ("Active", "On")
    hooks, answer = call(client, name, {}, Qualifier="1", LogType="Tail")
    assert "FunctionError" not in answer
    assert b"Restore Duration" in base64.b64decode(answer["LogResult"]), "it was initialised ahead"
    assert hooks == ["before second", "before first", "after first", "after second"]
    assert call(client, name, {})[0] == [], "$LATEST knows no snapshots"

    _, version = published(client, classes, THROW="before")
    assert (version["State"], version["StateReasonCode"]) == ("Failed", "FunctionError")
    words = "com.amazonaws.services.lambda.crac.CheckpointException"
    assert version["StateReason"] == f"Runtime.BeforeCheckpointError: {words}"

    name, version = published(client, classes, THROW="after")
    with pytest.raises(client.exceptions.SnapStartException):
        client.invoke(FunctionName=name, Qualifier="1")
    log = "\n".join(server.function_log(name))
    assert "crac.RestoreException" in log
    for hook in ("first", "second"):
        assert f"Suppressed: java.lang.IllegalStateException: not today, {hook}" in log, "each was called"
