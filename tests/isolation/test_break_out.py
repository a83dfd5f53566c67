"""Functions that try to get out, through the whole product. What they must not reach is in SECURITY.md."""

import threading
import time
from typing import Any

import pytest

from functions import call, create
from gates import Gate
from server import Server

pytestmark = pytest.mark.usefixtures("isolated")

LOOK = """
import os, subprocess
def attempt(what):
    try:
        return str(what())
    except Exception as error:
        return "refused: " + type(error).__name__
"""


def run(client: Any, body: str, **more: Any) -> Any:
    """Create a function whose handler has this body (it sees `attempt`), and call it once."""
    code = LOOK + "def handler(event, context):\n" + "".join(f"    {line}\n" for line in body.splitlines())
    payload, answer = call(client, create(client, code, **{"Timeout": 60, **more}))
    assert "FunctionError" not in answer, payload
    return payload


def test_the_hosts_files(server: Server, client: Any) -> None:
    paths = ["/root", "/home", "/etc/shadow", str(server.data_dir), "/.lambdad", "/proc/1/root/etc/shadow"]
    seen = run(
        client, f"return [attempt(lambda: os.listdir(p) if os.path.isdir(p) else open(p).read()) for p in {paths}]"
    )
    assert all(answer.startswith("refused") or answer == "[]" for answer in seen), seen


def test_another_functions_code(client: Any) -> None:
    secret = create(client, "SECRET = 'xyzzy-4711'\ndef handler(event, context):\n    return 1\n")
    call(client, secret)
    found = run(
        client,
        "command = ['grep', '-rls', '--exclude-dir=proc', '--exclude-dir=sys', 'xyzzy-' + '4711', '/var', '/opt', '/tmp', '/mnt']\n"
        "return subprocess.run(command, capture_output=True, text=True).stdout",
        MemorySize=1769,  # a whole CPU: it reads all there is
    )
    assert found == ""


def test_the_hosts_processes(server: Server, client: Any) -> None:
    seen = run(
        client,
        "pids = [int(p) for p in os.listdir('/proc') if p.isdigit()]\n"
        f"return [len(pids), attempt(lambda: os.kill({server.pid}, 0))]",
    )
    assert seen[0] <= 4
    assert seen[1] == "refused: ProcessLookupError"


def test_killing_pid_one(client: Any) -> None:
    code = "import os\ndef handler(event, context):\n    for s in (15, 9, 2, 19):\n        try:\n            os.kill(1, s)\n"
    code += "        except OSError:\n            pass\n    return 'alive'\n"
    name = create(client, code)
    for _ in range(3):
        assert call(client, name)[0] == "alive"


def test_looking_into_pid_one(client: Any) -> None:
    body = """
paths = ["/proc/1/environ", "/proc/1/mem", "/proc/1/maps"]
answers = [attempt(lambda: open(p, "rb").read(1)) for p in paths]
return answers + [attempt(lambda: os.listdir("/proc/1/fd"))]
"""
    assert all(answer.startswith("refused") for answer in run(client, body.strip()))


def test_open_descriptors(client: Any) -> None:
    """Standard streams, the log, the Runtime API connection, and the directory being listed: nothing else."""
    seen = run(
        client, "return {f: attempt(lambda: os.readlink('/proc/self/fd/' + f)) for f in os.listdir('/proc/self/fd')}"
    )
    others = [
        t
        for t in seen.values()
        if not t.startswith(("pipe:", "socket:", "/dev/null", "/proc/", "refused", "anon_inode"))
    ]
    assert others == []
    assert len([t for t in seen.values() if t.startswith("socket:")]) <= 1


def test_capabilities_and_privileges(client: Any) -> None:
    body = """
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
return {k: status[k].strip() for k in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Uid", "Groups")}
"""
    seen = run(client, body.strip())
    assert all(int(seen[name], 16) == 0 for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"))
    assert seen["NoNewPrivs"] == "1"
    assert seen["Seccomp"] == "2"
    assert "0" not in seen["Uid"].split()


def test_environments_have_users_of_their_own(server: Server, client: Any) -> None:
    gate = Gate(server)
    name = create(client, gate.code + "def handler(event, context):\n    gate()\n    return os.getuid()\n")
    uids = gate.together([lambda: call(client, name)[0]] * 3)
    assert len(set(uids)) == 3


def test_forbidden_system_calls(client: Any) -> None:
    body = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *args):
    ctypes.set_errno(0)
    answer = libc.syscall(number, *args)
    return [answer, ctypes.get_errno()]
numbers = {"mount": 165, "umount2": 166, "ptrace": 101, "unshare": 272, "setns": 308, "bpf": 321, "reboot": 169,
           "kexec_load": 246, "init_module": 175, "keyctl": 250, "add_key": 248, "userfaultfd": 323, "swapon": 167,
           "pivot_root": 155, "open_by_handle_at": 304, "io_uring_setup": 425, "perf_event_open": 298}
return {name: call(number, 0, 0, 0, 0, 0) for name, number in numbers.items()}
"""
    import platform

    if platform.machine() != "x86_64":
        pytest.skip("system call numbers of x86_64")
    for name, (answer, error) in run(client, body.strip()).items():
        assert answer == -1, name
        assert error in (1, 38), (name, error)  # EPERM, ENOSYS


def test_a_fork_bomb_is_contained(client: Any) -> None:
    body = """
import time
children = 0
try:
    while children < 5000:
        pid = os.fork()
        if pid == 0:
            time.sleep(30)
            os._exit(0)
        children += 1
except OSError as error:
    return [children, error.errno]
return [children, 0]
"""
    code = LOOK + "def handler(event, context):\n" + "".join(f"    {line}\n" for line in body.strip().splitlines())
    name = create(client, code, MemorySize=1769, Timeout=20)
    payload, answer = call(client, name)
    assert "FunctionError" in answer or (payload[0] < 1100 and payload[1] == 11)
    assert run(client, "return 'others go on'") == "others go on"


def test_filling_tmp(client: Any) -> None:
    body = """
written = 0
block = b"x" * (1 << 20)
try:
    with open("/tmp/fill", "wb") as file:
        while written < 2000:
            file.write(block)
            file.flush()
            written += 1
except OSError as error:
    return [written, error.errno]
return [written, 0]
"""
    written, error = run(client, body.strip(), MemorySize=1024, Timeout=60)
    assert error == 28
    assert 512 <= written <= 540


def test_the_runtime_api_of_another_environment(client: Any) -> None:
    """Two environments at once: each reaches only its own Runtime API, where the other's request id is unknown."""
    waiter = create(
        client, "import time\ndef handler(event, context):\n    time.sleep(3)\n    return 'mine'\n", Timeout=20
    )
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(call(client, waiter)))
    thread.start()
    body = """
import http.client
connection = http.client.HTTPConnection("127.0.0.1:9001", timeout=120)
connection.request("POST", "/2018-06-01/runtime/invocation/00000000-0000-0000-0000-000000000000/response", b'"forged"')
return connection.getresponse().status
"""
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        assert run(client, body.strip()) == 400
    thread.join()
    assert answers[0][0] == "mine"


def test_forging_ones_own_runtime_api(client: Any) -> None:
    """A function may answer for itself early; it must not break anything for others."""
    body = """
import http.client
connection = http.client.HTTPConnection("127.0.0.1:9001", timeout=120)
statuses = []
api = "/2018-06-01/runtime/"
for method, path in (("GET", api + "invocation/next"), ("POST", api + "init/error"), ("GET", "/nothing")):
    connection.request(method, path, b"{}")
    answer = connection.getresponse()
    answer.read()
    statuses.append(answer.status)
return statuses
"""
    assert run(client, body.strip()) == [403, 403, 404]


def test_the_network_of_the_host(server: Server, client: Any) -> None:
    port = int(server.url.rsplit(":", 1)[1])
    body = f"""
import socket, time
addresses = ["169.254.169.254"]
def reach(address, port):
    began = time.monotonic()
    with socket.create_connection((address, port), timeout=1):
        return "connected"
answers = [attempt(lambda: reach(a, 80)) for a in addresses]
answers.append(attempt(lambda: reach("127.0.0.1", {port + 1 if port < 65000 else port - 1})))
return answers
"""
    assert all(answer.startswith("refused") for answer in run(client, body.strip()))


def test_background_processes_end_with_the_environment(client: Any) -> None:
    name = create(
        client, LOOK + "def handler(event, context):\n    subprocess.Popen(['sleep', '1000'])\n    return os.getuid()\n"
    )
    uid = call(client, name)[0]
    client.delete_function(FunctionName=name)
    from wait import wait_for

    wait_for(lambda: not processes_of_user(uid))


def processes_of_user(uid: int) -> list[str]:
    import os
    from pathlib import Path

    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.stat(entry).st_uid == uid:
                    found.append(entry.name)
            except FileNotFoundError:
                continue
    return found


def test_connections_to_the_runtime_api_are_few(client: Any) -> None:
    """Each may hold a body that the server keeps until it is whole."""
    body = """
import socket
host, port = os.environ['AWS_LAMBDA_RUNTIME_API'].split(':')
def ask():
    made = socket.create_connection((host, int(port)), timeout=120)
    kept.append(made)
    made.sendall(b'GET /nothing HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n')
    return made.recv(12).decode() or 'closed'
kept = []
return [attempt(ask) for _ in range(100)]
"""
    answers = run(client, body)
    assert 1 <= answers.count("HTTP/1.1 404") <= 32
    refused = [answer for answer in answers if answer != "HTTP/1.1 404"]
    assert set(refused) <= {"closed", "refused: ConnectionResetError", "refused: BrokenPipeError"}
