"""What extensions, and the telemetry that is sent to them, can and cannot reach."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from extension_layers import TIME_TO_END, layer_of
from functions import call, create
from server import Server

LOOK = """#!/usr/bin/env python3
import http.client, json, os, socket, sys

def attempt(action):
    try:
        action()
        return "done"
    except OSError as error:
        return type(error).__name__

def status():
    lines = open("/proc/self/status").read().splitlines()
    return {line.split(":")[0]: line.split()[-1] for line in lines if line.split(":")[0] in WANTED}

WANTED = ("CapEff", "CapBnd", "NoNewPrivs", "Seccomp", "Uid")
found = {
    "status": status(),
    "processes": sorted(int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()),
    "init": attempt(lambda: os.kill(1, 9)),
    "look at init": attempt(lambda: open("/proc/1/environ").read()),
    "write": attempt(lambda: open("/opt/new", "w")),
    "code": attempt(lambda: os.listdir("/.lambdad")),
    "descriptors": sorted(int(name) for name in os.listdir("/proc/self/fd")),
    "host": attempt(lambda: socket.create_connection((os.environ["HOST"], int(os.environ["PORT"])), 2)),
    "name": socket.gethostbyname("sandbox.localdomain"),
}
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
api.request("POST", "/2020-01-01/extension/register", json.dumps({"events": []}), {"Lambda-Extension-Name": "agent"})
answer = api.getresponse()
answer.read()
print("found " + json.dumps(found), flush=True)
me = {"Lambda-Extension-Identifier": answer.getheader("Lambda-Extension-Identifier")}
api.request("GET", "/2020-01-01/extension/event/next", None, me)
api.getresponse()
"""
SEND = """#!/usr/bin/env python3
import http.client, json, os, sys

def ask(method, path, body=None, **headers):
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    api.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = api.getresponse()
    return answer, answer.read()

answer, _ = ask("POST", "/2020-01-01/extension/register", '{"events": ["SHUTDOWN"]}', Lambda_Extension_Name="agent")
me = answer.getheader("Lambda-Extension-Identifier")
subscription = {
    "schemaVersion": "2022-12-13", "types": ["platform", "function"], "buffering": {"timeoutMs": 25},
    "destination": json.loads(os.environ["DESTINATION"]),
}
answer, _ = ask("PUT", "/2022-07-01/telemetry", json.dumps(subscription), Lambda_Extension_Identifier=me)
print("subscribed", answer.status, flush=True)
ask("GET", "/2020-01-01/extension/event/next", None, Lambda_Extension_Identifier=me)
print("over", flush=True)
"""
LISTEN = """
import socket
listener = socket.create_server(("0.0.0.0", 8090))
listener.setblocking(False)
def handler(event, context):
    try:
        return [listener.accept()[1]]
    except BlockingIOError:
        return []
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("isolated") / "data", "--idle-timeout", "1", *TIME_TO_END).start()
    yield server
    assert server.stop() == 0


@pytest.fixture
def host_listener() -> Iterator[socket.socket]:
    with socket.create_server(("0.0.0.0", 0)) as listener:
        listener.setblocking(False)
        yield listener


def test_an_extension_has_no_more_than_its_function(
    running: Server, isolated: None, host_listener: socket.socket
) -> None:
    client = running.client()
    port = host_listener.getsockname()[1]
    code = """
def handler(event, context):
    wanted = ("CapEff", "CapBnd", "NoNewPrivs", "Seccomp", "Uid")
    lines = open("/proc/self/status").read().splitlines()
    return {line.split(":")[0]: line.split()[-1] for line in lines if line.split(":")[0] in wanted}
"""
    variables = {"HOST": "127.0.0.1", "PORT": str(port)}
    layer = layer_of(client, "agent", program=LOOK)
    name = create(client, code, Layers=[layer], Environment={"Variables": variables})
    of_the_function, _ = call(client, name)
    line = next(line for line in running.wait_for_log(name, "found ") if "found " in line)
    found = json.loads(line[line.index("{") :])
    assert found["status"] == of_the_function
    assert found["status"]["CapEff"] == found["status"]["CapBnd"] == "0000000000000000"
    assert found["status"]["Seccomp"] == "2"
    assert found["status"]["Uid"] != "0"
    assert len(found["processes"]) <= 2  # pid 1, and the runtime process that waits
    assert found["init"] in (
        "done",
        "PermissionError",
    )  # a signal that pid 1 does not get: it lives, as the answer shows
    assert found["look at init"] == "PermissionError"
    assert found["write"] == "OSError"
    assert found["code"] == "PermissionError"
    assert max(found["descriptors"]) < 5
    assert found["host"] in ("ConnectionRefusedError", "TimeoutError")
    assert found["name"] == "127.0.0.1"


@pytest.mark.parametrize("protocol", ["HTTP", "TCP"])
def test_telemetry_reaches_its_own_loopback_only(
    running: Server, isolated: None, host_listener: socket.socket, protocol: str
) -> None:
    """Neither the host's, where the server lives, nor another function's with the same port."""
    client = running.client()
    other = create(client, LISTEN)
    assert call(client, other)[0] == []
    for port in (8090, host_listener.getsockname()[1]):
        to: dict[str, Any] = {"protocol": protocol, "port": port, "URI": f"http://sandbox.localdomain:{port}/"}
        variables = {"DESTINATION": json.dumps(to)}
        layer = layer_of(client, "agent", program=SEND)
        code = "def handler(event, context):\n    print(event)\n"
        name = create(client, code, Layers=[layer], Environment={"Variables": variables})
        call(client, name, "secret")
        lines = running.wait_for_log(name, "over")
        assert [line for line in lines if line.endswith("subscribed 200")]
    assert call(client, other)[0] == []
    with pytest.raises(BlockingIOError):
        host_listener.accept()


def test_the_server_believes_no_subscriber(running: Server, isolated: None) -> None:
    """Endless and senseless answers: the subscriber has its batches lost, and nobody else notices."""
    client = running.client()
    program = SEND.replace(
        "import http.client, json, os, sys\n",
        """import http.client, json, os, socket, sys, threading
listener = socket.create_server(("127.0.0.1", 8091))
def serve():
    while True:
        connection, _ = listener.accept()
        try:
            while True:
                connection.sendall(os.urandom(65536))
        except OSError:
            continue
threading.Thread(target=serve, daemon=True).start()
""",
    )
    to = {"protocol": "HTTP", "URI": "http://sandbox.localdomain:8091/"}
    name = create(
        client,
        "def handler(event, context):\n    print(event)\n    return event\n",
        Layers=[layer_of(client, "agent", program=program)],
        Environment={"Variables": {"DESTINATION": json.dumps(to)}},
    )
    for number in range(5):
        assert call(client, name, number)[0] == number
    running.wait_for_log(name, "over")
    assert running.get("/_lambdad/health")[0] == 200
