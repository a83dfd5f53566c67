"""The Telemetry API and the older Logs API: what subscribers are sent, how it is buffered, and what becomes of slow ones.

AWS: docs.aws.amazon.com/lambda/latest/dg/telemetry-api.html, …/telemetry-schema-reference.html, …/runtimes-logs-api.html
"""

import asyncio
import json
import re
import socket
import sys
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from extension_layers import TIME_TO_END, layer_of, told
from functions import call, create
from lambdad.environments.telemetry_buffer import TelemetryBuffer
from lambdad.environments.telemetry_subscription import read_subscription
from server import Server
from wait import wait_for

SUBSCRIBER = """#!/usr/bin/env python3
import http.client, http.server, json, os, socketserver, sys, threading, time

NAME = os.path.basename(__file__)
PLAN = json.loads(os.environ["PLAN"])
BODY, PORT, API = PLAN["body"], PLAN.get("port", 8080), PLAN.get("api", "2022-07-01/telemetry")


def say(*words):
    sys.stdout.write(" ".join([NAME, *(word if isinstance(word, str) else json.dumps(word) for word in words)]) + "\\n")
    sys.stdout.flush()


class Receiver(http.server.BaseHTTPRequestHandler):
    refused = 0

    def do_GET(self):
        # whoever must not begin before the subscription waits for it here
        subscribed.wait()
        self.send_response(200)
        self.end_headers()

    def do_POST(self):
        batch = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if PLAN.get("hang"):
            time.sleep(PLAN["hang"])
        refuse = Receiver.refused < PLAN.get("refuse", 0)
        Receiver.refused += refuse
        say("post", {"path": self.path, "type": self.headers["Content-Type"], "host": self.headers["Host"], "refused": refuse})
        if not refuse:
            for event in batch:
                if PLAN.get("quiet"):
                    if event["type"].startswith(PLAN["quiet"]):
                        say("received", event)
                elif event["type"] != "extension":
                    say("received", event)
        self.send_response(503 if refuse else 200)
        self.end_headers()

    def log_message(self, *arguments):
        pass


class Lines(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            event = json.loads(line)
            if event["type"] != "extension":
                say("received", event)


def serve():
    if BODY.get("destination", {}).get("protocol") == "TCP":
        socketserver.TCPServer(("sandbox.localdomain" if PLAN.get("by-name") else "127.0.0.1", PORT), Lines).serve_forever()
    http.server.ThreadingHTTPServer(("sandbox.localdomain" if PLAN.get("by-name") else "127.0.0.1", PORT), Receiver).serve_forever()


def ask(method, path, body=None, **headers):
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    api.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = api.getresponse()
    return answer, answer.read().decode()


subscribed = threading.Event()
if PLAN.get("listen", True):
    threading.Thread(target=serve, daemon=True).start()
events = json.dumps({"events": ["INVOKE", "SHUTDOWN"]})
answer, _ = ask("POST", "/2020-01-01/extension/register", events, Lambda_Extension_Name=NAME)
me = answer.getheader("Lambda-Extension-Identifier")
answer, body = ask("PUT", f"/{API}", json.dumps(BODY), Lambda_Extension_Identifier=me)
say("subscribed", [answer.status, body])
subscribed.set()
for more in PLAN.get("then", []):
    answer, body = ask("PUT", more["path"], more["body"], Lambda_Extension_Identifier=me)
    say("subscribed", [answer.status, body])
while True:
    _, event = ask("GET", "/2020-01-01/extension/event/next", Lambda_Extension_Identifier=me)
    if json.loads(event)["eventType"] == "SHUTDOWN":
        time.sleep(0.5)
        say("over")
        sys.exit(0)
"""
ALL = ["platform", "function", "extension"]
STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def body(types: list[str], schema: str = "2022-12-13", **more: Any) -> dict[str, Any]:
    buffering = {"maxItems": 1000, "maxBytes": 262144, "timeoutMs": 25}
    destination = {"protocol": "HTTP", "URI": "http://sandbox.localdomain:8080/telemetry"}
    return {"schemaVersion": schema, "types": types, "buffering": buffering, "destination": destination, **more}


@pytest.fixture(scope="module", params=["auto", "process"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp(request.param) / "data"
    server = Server(
        data_dir, "--sandbox", request.param, "--idle-timeout", "1", *TIME_TO_END, "--freeze-after", "0.05"
    ).start()
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def client(running: Server) -> Any:
    return running.client()


HELLO = "def handler(event, context):\n    print('hello', event)\n    return event\n"


def free_port() -> int:
    """The process driver's sandboxes share the host's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def subscribed_function(client: Any, plan: dict[str, Any], code: str = HELLO, **more: Any) -> str:
    """It listens at a port of its own, where `body` says 8080."""
    port = free_port()
    plan = {**json.loads(json.dumps(plan).replace("8080", str(port))), "port": port}
    settings = {"Variables": {"PLAN": json.dumps(plan)}}
    return create(client, code, Layers=[layer_of(client, "agent", program=SUBSCRIBER)], Environment=settings, **more)


def received(lines: list[str], kind: str) -> list[dict[str, Any]]:
    return [event for event in told(lines, "agent", "received") if event["type"] == kind]


def test_the_telemetry_of_an_environment(running: Server, client: Any) -> None:
    name = subscribed_function(client, {"body": body(["platform", "function"])})
    assert call(client, name, 1)[0] == 1
    assert call(client, name, "zwei")[0] == "zwei"
    lines = running.wait_for_log(name, "agent over")
    assert told(lines, "agent", "subscribed") == [[200, '"OK"']]
    assert "TELEMETRY\tName: agent\tState: Subscribed\tTypes: [Platform, Function]" in "\n".join(lines)
    events = told(lines, "agent", "received")
    assert all(re.fullmatch(STAMP, event["time"]) for event in events)
    kinds = [event["type"] for event in events]
    assert (
        kinds.index("platform.initStart") < kinds.index("platform.initRuntimeDone") < kinds.index("platform.initReport")
    )
    invocations = [
        kind for kind in kinds if kind in ("platform.start", "function", "platform.runtimeDone", "platform.report")
    ]
    assert invocations == ["platform.start", "function", "platform.runtimeDone", "platform.report"] * 2
    assert {"platform.extension", "platform.telemetrySubscription"} <= set(kinds)
    posts = told(lines, "agent", "post")
    assert {(post["path"], post["type"], post["host"].split(":")[0]) for post in posts} == {
        ("/telemetry", "application/json", "sandbox.localdomain")
    }


def test_the_records_have_aws_s_schema(running: Server, client: Any) -> None:
    name = subscribed_function(client, {"body": body(["platform", "function"])}, MemorySize=256)
    call(client, name, 1)
    lines = running.wait_for_log(name, "agent over")

    def record(kind: str) -> Any:
        [event] = received(lines, kind)
        return event["record"]

    init = record("platform.initStart")
    assert init["initializationType"] == "on-demand"
    assert init["phase"] == "init"
    assert init["functionName"] == name
    assert init["functionVersion"] == "$LATEST"
    assert init["instanceMaxMemory"] == 256 * 1024 * 1024
    assert init["runtimeVersionArn"].startswith("arn:aws:lambda:us-east-1::runtime:")
    done = {"initializationType": "on-demand", "phase": "init", "status": "success"}
    assert record("platform.initRuntimeDone") == done
    report = record("platform.initReport")
    assert report == {**done, "metrics": {"durationMs": report["metrics"]["durationMs"]}}
    start = record("platform.start")
    request_id = next(line.split()[2] for line in lines if "START RequestId" in line)
    assert start == {"requestId": request_id, "version": "$LATEST", "tracing": start["tracing"]}
    assert start["tracing"]["type"] == "X-Amzn-Trace-Id"
    assert record("function") == "hello 1\n"
    done = record("platform.runtimeDone")
    assert done["requestId"] == request_id
    assert done["status"] == "success"
    assert done["metrics"]["producedBytes"] == 1
    assert done["tracing"] == start["tracing"]
    assert [span["name"] for span in done["spans"]] == ["responseLatency", "runtimeOverhead"]
    assert all(re.fullmatch(STAMP, span["start"]) and span["durationMs"] >= 0 for span in done["spans"])
    report = record("platform.report")
    assert report["requestId"] == request_id
    assert report["status"] == "success"
    assert set(report["metrics"]) == {
        *("durationMs", "billedDurationMs", "memorySizeMB", "maxMemoryUsedMB", "initDurationMs")
    }
    assert [span["name"] for span in report["spans"]] == ["extensionOverhead"]
    assert record("platform.extension") == {"name": "agent", "state": "Ready", "events": ["INVOKE", "SHUTDOWN"]}
    subscription = {"name": "agent", "state": "Subscribed", "types": ["platform", "function"]}
    assert record("platform.telemetrySubscription") == subscription


def test_what_is_told_of_a_tenants_invocation_names_the_tenant(running: Server, client: Any) -> None:
    isolated = {"TenancyConfig": {"TenantIsolationMode": "PER_TENANT"}}
    name = subscribed_function(client, {"body": body(["platform"])}, **isolated)
    call(client, name, TenantId="blue")
    lines = running.wait_for_log(name, "agent over")
    named = {event["type"] for event in told(lines, "agent", "received") if event["record"].get("tenantId") == "blue"}
    assert named == {"platform.start", "platform.runtimeDone", "platform.report"}


def test_failures_are_told(running: Server, client: Any) -> None:
    code = "import os, time\ndef handler(event, context):\n    os._exit(3) if event else time.sleep(30)\n"
    name = subscribed_function(client, {"body": body(["platform"])}, code)
    call(client, name, True)
    lines = running.wait_for_log(name, "agent over")
    [done], [report] = received(lines, "platform.runtimeDone"), received(lines, "platform.report")
    assert done["record"]["status"] == report["record"]["status"] == "error"
    assert done["record"]["errorType"] == report["record"]["errorType"] == "Runtime.ExitError"
    assert not received(lines, "function")
    slow = subscribed_function(client, {"body": body(["platform"])}, code, Timeout=1)
    call(client, slow, False)
    lines = running.wait_for_log(slow, "agent over")
    assert received(lines, "platform.runtimeDone")[0]["record"]["status"] == "timeout"


def test_a_failed_init_is_told_as_such(running: Server, client: Any) -> None:
    code = """
import json, os, time, urllib.request
while True:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{json.loads(os.environ['PLAN'])['port']}").read()
        break
    except OSError:
        time.sleep(0.01)  # it does not listen yet
raise ValueError('no')
"""
    name = subscribed_function(client, {"body": body(["platform"])}, code)
    call(client, name)
    lines = running.wait_for_log(name, "agent over")
    report = received(lines, "platform.initReport")[0]["record"]
    assert report["status"] == "error"
    assert report["phase"] == "init"
    assert report["errorType"]


def test_tcp_gets_a_line_for_each_event(running: Server, client: Any) -> None:
    plan = {"body": body(["platform", "function"], destination={"protocol": "TCP", "port": 8080})}
    name = subscribed_function(client, plan)
    call(client, name, 1)
    call(client, name, 2)
    lines = running.wait_for_log(name, "agent over")
    assert [event["record"] for event in received(lines, "function")] == ["hello 1\n", "hello 2\n"]
    assert len(received(lines, "platform.report")) == 2


def test_what_extensions_print_is_a_type_of_its_own(running: Server, client: Any) -> None:
    plan = {"body": body(["extension"]), "quiet": "platform"}
    plan["body"]["destination"]["URI"] = "http://sandbox:8080"
    code = "def handler(event, context):\n    print('never sent')\n"
    name = subscribed_function(client, plan, code)
    call(client, name)
    lines = running.wait_for_log(name, "agent over")
    assert told(lines, "agent", "post")
    assert not told(lines, "agent", "received")


@pytest.mark.parametrize(("schema", "wanted"), [("2022-07-01", str), ("2022-12-13", dict), ("2025-01-29", dict)])
def test_lines_in_json_are_objects_in_newer_schemas(running: Server, client: Any, schema: str, wanted: type) -> None:
    code = "import json\ndef handler(event, context):\n    print(json.dumps({'mine': event}))\n"
    plan = {"body": body(["function"], schema)}
    name = subscribed_function(client, plan, code, LoggingConfig={"LogFormat": "JSON"})
    call(client, name, 1)
    lines = running.wait_for_log(name, "agent over")
    [event] = [event for event in received(lines, "function") if "mine" in event["record"]]
    assert isinstance(event["record"], wanted)


def test_the_logs_api(running: Server, client: Any) -> None:
    plan = {"body": body(["platform", "function"], "2020-08-15"), "api": "2020-08-15/logs"}
    code = "import os\ndef handler(event, context):\n    print('hello', event)\n    os._exit(3) if event else None\n"
    name = subscribed_function(client, plan, code)
    call(client, name, 0)
    call(client, name, 1)
    lines = running.wait_for_log(name, "agent over")
    assert "LOGS\tName: agent\tState: Subscribed\tTypes: [Platform, Function]" in "\n".join(lines)
    requests = [line.split()[2] for line in lines if "START RequestId" in line]
    start, failed = received(lines, "platform.start")
    assert start["record"] == {"requestId": requests[0], "version": "$LATEST"}
    assert failed["record"]["requestId"] == requests[1]
    assert received(lines, "platform.end")[0]["record"] == {"requestId": requests[0]}
    report = received(lines, "platform.report")[0]["record"]
    assert set(report) == {"requestId", "metrics"}
    assert received(lines, "platform.runtimeDone")[0]["record"] == {"requestId": requests[0], "status": "success"}
    [fault] = received(lines, "platform.fault")
    assert fault["record"].startswith(f"RequestId: {requests[1]} Error: Runtime exited with error: exit status 3")
    [subscription] = received(lines, "platform.logsSubscription")
    assert subscription["record"] == {"name": "agent", "state": "Subscribed", "types": ["platform", "function"]}
    assert not received(lines, "platform.initStart")
    assert [event["record"] for event in received(lines, "function")] == ["hello 0\n", "hello 1\n"]


def test_what_cannot_be_subscribed_to(running: Server, client: Any) -> None:
    good = body(["platform"])
    bad = ["no json", json.dumps({**good, "types": []}), json.dumps({**good, "schemaVersion": "2020-01-01"})]
    plan: dict[str, Any] = {"body": good}
    plan["then"] = [{"path": "/2022-07-01/telemetry", "body": wrong} for wrong in bad]
    plan["then"].append({"path": "/2020-08-15/logs", "body": json.dumps(body(["platform"], "2020-08-15"))})
    plan["then"].append({"path": "/2022-07-01/telemetry", "body": json.dumps(good)})
    name = subscribed_function(client, plan)
    call(client, name)
    answers = told(running.wait_for_log(name, "agent over"), "agent", "subscribed")
    assert answers[0] == answers[-1] == [200, '"OK"']
    assert [status for status, _ in answers[1:-1]] == [400] * (len(bad) + 1)
    assert {json.loads(text)["errorType"] for _, text in answers[1:-1]} == {"ValidationError"}


def test_subscriptions_end_with_init(running: Server, client: Any) -> None:
    code = """
import http.client, json, os
identifiers = []
def ask(method, path, body, **headers):
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    api.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = api.getresponse()
    return answer, json.loads(answer.read())
answer, _ = ask("POST", "/2020-01-01/extension/register", "{}", Lambda_Extension_Name="inner")
inner = answer.getheader("Lambda-Extension-Identifier")
import threading
def wait():
    ask("GET", "/2020-01-01/extension/event/next", None, Lambda_Extension_Identifier=inner)
threading.Thread(target=wait, daemon=True).start()
def handler(event, context):
    found = []
    for path in ("/2022-07-01/telemetry", "/2020-08-15/logs"):
        for headers in ({"Lambda_Extension_Identifier": inner}, {}):
            answer, body = ask("PUT", path, json.dumps(event[path]), **headers)
            found.append([answer.status, body["errorType"]])
    return found
"""
    name = create(client, code)
    event = {"/2022-07-01/telemetry": body(["platform"]), "/2020-08-15/logs": body(["platform"], "2020-08-15")}
    assert call(client, name, event)[0] == [
        [403, "Telemetry.SubscriptionClosed"],
        [403, "Extension.MissingExtensionIdentifier"],
        [403, "Logs.SubscriptionClosed"],
        [403, "Extension.MissingExtensionIdentifier"],
    ]


def test_a_batch_that_is_refused_is_sent_again(running: Server, client: Any) -> None:
    name = subscribed_function(client, {"body": body(["function"]), "refuse": 1})
    call(client, name, "once")
    records: list[str] = []

    def sent_again() -> bool:
        call(client, name, "more")  # between invocations it is frozen
        records[:] = [event["record"] for event in received(running.function_log(name), "function")]
        return bool(records)

    wait_for(sent_again)
    assert records.count("hello once\n") == 1
    assert [post["refused"] for post in told(running.function_log(name), "agent", "post")][:2] == [True, False]


FLOOD = """
def handler(event, context):
    for number in range(event):
        print("x" * 1000)
    return event
"""


def test_a_subscriber_that_takes_nothing_holds_up_nobody(running: Server, client: Any) -> None:
    """It never answers its first batch, and invocations go on."""
    name = subscribed_function(client, {"body": body(["function"]), "hang": 600}, FLOOD, MemorySize=1769)
    for _ in range(8):
        assert call(client, name, 5000)[0] == 5000
    assert not told(running.wait_for_log(name, "REPORT"), "agent", "post")


class Stuck:
    """Takes a batch and never has done."""

    async def send(self, batch: Sequence[bytes]) -> None:
        await asyncio.Event().wait()

    def close(self) -> None:
        pass


def test_what_is_kept_for_a_subscriber_is_bounded() -> None:
    """A hundred megabytes for one that takes nothing: two batches are kept."""
    settings = {**body(["function"]), "buffering": {"maxItems": 1000, "maxBytes": 262144, "timeoutMs": 30000}}
    subscription = read_subscription("telemetry", json.dumps(settings).encode())

    async def flood() -> int:
        buffer = TelemetryBuffer(subscription, Stuck(), lambda records, size, reason: None)
        tracemalloc.start()
        for number in range(100_000):
            buffer.offer(b"%d" % number + b"x" * 1000)
        kept, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        buffer.close()
        return kept

    assert asyncio.run(flood()) < 3 * 262144


def test_who_is_too_slow_is_told_what_was_dropped(running: Server, client: Any) -> None:
    plan = {"body": body(ALL), "hang": 0.3, "quiet": "platform.logsDropped"}
    name = subscribed_function(client, plan, FLOOD, MemorySize=1769)
    assert call(client, name, 5000)[0] == 5000
    dropped: list[dict[str, Any]] = []

    def told_of_it() -> bool:
        call(client, name, 1)  # between invocations it is frozen
        dropped[:] = received(running.function_log(name), "platform.logsDropped")
        return bool(dropped)

    wait_for(told_of_it)
    record = dropped[0]["record"]
    assert record["reason"] == (
        "Some logs were dropped because the downstream consumer is slower than the logs production rate"
    )
    assert record["droppedRecords"] > 0
    assert record["droppedBytes"] >= 1000 * record["droppedRecords"]


def test_what_waits_is_sent_when_the_environment_ends(running: Server, client: Any) -> None:
    """It is frozen long before its batch is due, and thawed for its end."""
    waiting = {"maxItems": 10000, "maxBytes": 1048576, "timeoutMs": 30000}
    name = subscribed_function(client, {"body": body(["platform", "function"], buffering=waiting)})
    call(client, name, 1)
    call(client, name, 2)
    lines = running.wait_for_log(name, "agent over")
    assert [event["record"] for event in received(lines, "function")] == ["hello 1\n", "hello 2\n"]
    assert len(received(lines, "platform.report")) == 2


def test_without_root(open_place: Path, isolated: None) -> None:
    """The connection is made inside, where the server could not go."""
    server = Server(open_place / "data", "--idle-timeout", "1", *TIME_TO_END, unprivileged=True).start()
    try:
        client = server.client()
        plan = {"body": body(["function"]), "by-name": True}
        own = "python{}.{}".format(*sys.version_info)  # that user may read no other
        name = subscribed_function(client, plan, runtime=own)
        assert call(client, name, "well")[0] == "well"
        lines = server.wait_for_log(name, "agent over")
        assert [event["record"] for event in received(lines, "function")] == ["hello well\n"]
    finally:
        assert server.stop() == 0
