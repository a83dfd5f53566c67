"""Environments of one version with SnapStart begin with the same memory. What they must not have in common all the same."""

import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from functions import PROMPT, call, create
from gates import Gate
from server import Server

ON = {"ApplyOn": "PublishedVersions"}
CODE = """
import ctypes, os

def attempt(what):
    try:
        return str(what())
    except Exception as error:
        return "refused: " + type(error).__name__

def rights():
    names = ("CapEff", "CapPrm", "CapBnd", "NoNewPrivs", "Seccomp")
    with open("/proc/self/status") as file:
        return {line.split(":")[0]: line.split()[1] for line in file if line.split(":")[0] in names}

TEMPLATE, IN_TEMPLATE = os.getpid(), rights()
SEEN = []
LARGE = bytearray(8 << 20)

def handler(event, context):
    SEEN.append(event)
    LARGE[:] = bytes([event]) * len(LARGE)
    with open(f"/tmp/{event}", "w") as file:
        file.write("x")
    gate()
    ptrace = ctypes.CDLL(None, use_errno=True)
    return {
        "seen": SEEN, "large": sorted(set(LARGE)), "tmp": sorted(os.listdir("/tmp")),
        "in template": IN_TEMPLATE, "here": rights(),
        "template": [attempt(lambda: os.kill(TEMPLATE, 9)), ptrace.ptrace(16, TEMPLATE, 0, 0)],
        "processes": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
        "pid 1": attempt(lambda: os.listdir("/proc/1/fd")),
        "snapshots": [
            name for name in os.listdir("/proc/self/fd")
            if "snapshots" in attempt(lambda: os.readlink("/proc/self/fd/" + name))
        ],
        "pages": attempt(lambda: [
            os.open("/proc/self/map_files/" + name, os.O_RDWR) for name in os.listdir("/proc/self/map_files")
        ]),
        "users": os.getuid(), "network": os.readlink("/proc/self/ns/net"), "mounts": os.readlink("/proc/self/ns/mnt"),
    }
"""


def published(client: Any, code: str) -> str:
    name = create(client, code, runtime="python3.12", SnapStart=ON)
    client.publish_version(FunctionName=name)
    client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1", WaiterConfig=PROMPT)
    return name


@pytest.mark.usefixtures("isolated")
def test_environments_of_one_version(server: Server, client: Any) -> None:
    gate = Gate(server)
    name = published(client, gate.code + CODE)
    calls = [partial(call, client, name, number, Qualifier="1") for number in (1, 2, 3)]
    answers = [answer for answer, _ in gate.together(calls)]
    for number, one in enumerate(answers, 1):
        assert one["seen"] == [number]
        assert one["large"] == [number]
        assert one["tmp"] == [str(number)]
        for rights in (one["here"], one["in template"]):
            assert {rights[name] for name in ("CapEff", "CapPrm", "CapBnd")} == {"0" * 16}
            assert (rights["NoNewPrivs"], rights["Seccomp"]) == ("1", "2")
        assert one["template"] == ["refused: ProcessLookupError", -1]
        assert len(one["processes"]) <= 3
        assert one["pid 1"].startswith("refused")
        assert one["snapshots"] == [], "nobody has a descriptor of it"
        assert one["pages"].startswith("refused") or one["pages"] == "[]"
    for name_of_own in ("users", "network", "mounts"):
        assert len({one[name_of_own] for one in answers}) == 3


@pytest.mark.usefixtures("isolated")
@pytest.mark.parametrize("after", ["", "os._exit(0)"])
def test_a_template_that_spoils_its_snapshot(client: Any, after: str) -> None:
    """It is its own version's loss: environments are initialised then, or the version fails."""
    code = f"""
import os, threading
from snapshot_restore_py import register_before_snapshot

def spoil():
    for name in os.listdir("/proc/self/fd"):
        try:
            if "snapshots" in os.readlink("/proc/self/fd/" + name):
                os.pwrite(int(name), b"lambdad1" + b"\\xff" * 4000, 0)
                os.close(int(name))
        except OSError:
            pass
    {after}

register_before_snapshot(spoil)
def handler(event, context):
    return os.getpid()
"""
    name = create(client, code, runtime="python3.12", SnapStart=ON)
    client.publish_version(FunctionName=name)
    waiter = client.get_waiter("published_version_active")
    if after:
        with pytest.raises(Exception, match="Failed"):
            waiter.wait(FunctionName=name, Qualifier="1", WaiterConfig=PROMPT)
        return
    waiter.wait(FunctionName=name, Qualifier="1", WaiterConfig=PROMPT)
    assert isinstance(call(client, name, Qualifier="1")[0], int)


def test_without_root(open_place: Path) -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("needs root, to be rid of it")
    server = Server(open_place / "data", unprivileged=True).start()
    try:
        client = server.client()
        gate = Gate(server)
        code = "import uuid\nBORN = uuid.uuid4().hex\ndef handler(event, context):\n    gate()\n    return BORN\n"
        name = published(client, gate.code + code)
        born = gate.together([lambda: call(client, name, Qualifier="1")[0]] * 2)
        assert born[0] == born[1]
    finally:
        assert server.stop() == 0
