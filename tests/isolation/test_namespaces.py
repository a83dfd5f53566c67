"""Programs that try to get out of a sandbox of the namespaces driver, and what a sandbox is seen to be from inside."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lambdad.sandbox.driver import Exit, Template
from processes import open_descriptors, wait_until_ended
from sandboxes import SHELL, Host, Running, python
from wait import wait_for

FORKED = "a runtime forked from the zygote"
EXECUTED = "a program executed"
both = pytest.mark.parametrize("way", [FORKED, EXECUTED])


def run(host: Host, way: str, program: str) -> str:
    """What a Python program prints inside, run in either way; it must end well."""
    argv = {"argv": None} if way == FORKED else {}
    ended = host.execute(host.python_spec(program, **argv), python(host.data_dir, zygote=way == FORKED))
    assert ended.exit == Exit(code=0), ended.text
    return ended.text


# --- What is there --------------------------------------------------------------------------------------------------


@both
def test_only_the_standard_descriptors_are_open(host: Host, way: str) -> None:
    program = """
import os
for fd in range(4096):
    try:
        print(fd, os.readlink(f"/proc/self/fd/{fd}").split(":")[0])
    except OSError:
        pass
"""
    assert run(host, way, program).split() == ["0", "/dev/null", "1", "pipe", "2", "pipe"]


@both
def test_every_mount_is_read_only_or_its_own_and_gives_no_privilege(host: Host, way: str) -> None:
    writable = {"/proc", "/dev/shm", "/tmp", "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}
    for line in run(host, way, "print(open('/proc/self/mountinfo').read())").splitlines():
        if not line:
            continue
        place, options = line.split()[4:6]
        if place == "/proc" and "nosuid" not in options:
            continue  # the zygote's, under the sandbox's own
        assert "nosuid" in options, line
        assert place in writable or "ro" in options.split(","), line


@both
def test_nothing_of_ours_stays_mounted(host: Host, way: str) -> None:
    text = run(host, way, "print(open('/proc/self/mountinfo').read())")
    assert "/.lambdad" not in text
    assert sum("unpacked" in line for line in text.splitlines()) == 1  # its own code


def test_etc_holds_what_programs_need_and_no_more(host: Host) -> None:
    allowed = {
        *("alternatives", "ca-certificates", "group", "hosts", "ld.so.cache", "localtime", "mime.types", "passwd"),
        *("nsswitch.conf", "os-release", "pki", "protocols", "resolv.conf", "services", "ssl"),
    }
    ended = host.shell("ls /etc; echo; cat /etc/passwd")
    names, _, passwd = ended.text.partition("\n\n")
    assert set(names.split()) <= allowed
    assert [line.split(":")[0] for line in passwd.splitlines()] == ["root", "sbx_user1051"]


def test_it_is_one_known_user_with_files_of_its_own(host: Host) -> None:
    ended = host.shell(
        "id -un; touch /tmp/a /dev/shm/b; stat -c %U /tmp/a; echo to-output > /dev/stdout; echo x > /dev/stderr"
    )
    assert ended.text.split() == ["sbx_user1051", "sbx_user1051", "to-output", "x"]


def test_its_own_control_group_is_the_root_of_all_it_sees(host: Host) -> None:
    ended = host.shell("cat /proc/self/cgroup")
    groups = dict(line.split(":", 2)[1:] for line in ended.text.splitlines())
    assert groups["memory"] == groups["pids"] == groups[""] == "/"


# --- What can be done -----------------------------------------------------------------------------------------------


@both
def test_limits(host: Host, way: str) -> None:
    program = """
import resource
for name in ("NOFILE", "NPROC", "CORE", "MEMLOCK"):
    print(*resource.getrlimit(getattr(resource, "RLIMIT_" + name)))
"""
    assert run(host, way, program).splitlines() == ["1024 1024", "1024 1024", "0 0", "65536 65536"]


@both
def test_no_privilege_is_left(host: Host, way: str) -> None:
    status = run(host, way, "print(open('/proc/self/status').read())")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert {fields[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert (fields["NoNewPrivs"], fields["Seccomp"], fields["Groups"].strip()) == ("1", "2", "")
    assert len(set(fields["Uid"].split())) == 1
    assert "0" not in fields["Uid"].split() + fields["Gid"].split()


@both
def test_when_memory_is_short_it_goes_first(host: Host, way: str) -> None:
    program = """
for path, value in (("oom_score_adj", "-1"), ("oom_score_adj", "-1000"), ("oom_adj", "-17")):
    try:
        open("/proc/self/" + path, "wb", buffering=0).write(value.encode())
        print("lowered")
    except OSError:
        print(open("/proc/self/oom_score_adj").read().strip())
"""
    assert run(host, way, program).split() == ["500"] * 3


@both
def test_refused_calls(host: Host, way: str) -> None:
    program = """
import ctypes, errno, platform, socket
libc = ctypes.CDLL(None, use_errno=True)
numbers = {"x86_64": (165, 166, 272, 308, 101, 250, 321, 425, 161, 310), "aarch64": (40, 39, 97, 268, 117, 219, 280, 425, 51, 270)}
for number in numbers[platform.machine()]:
    assert libc.syscall(number, 0, 0, 0, 0, 0) == -1 and ctypes.get_errno() == errno.EPERM, number
clone = {"x86_64": 56, "aarch64": 220}[platform.machine()]
assert libc.syscall(clone, 0x10000000 | 17, 0, 0, 0, 0) == -1 and ctypes.get_errno() == errno.EPERM
assert libc.syscall(435, 0, 0) == -1 and ctypes.get_errno() == errno.ENOSYS
for family, kind, protocol in ((17, 3, 0), (38, 5, 0), (40, 1, 0), (16, 3, 12), (2, 3, 1)):
    try:
        socket.socket(family, kind, protocol)
    except OSError:
        continue
    raise AssertionError((family, protocol))
socket.socket(16, 3, 0), socket.socketpair(), socket.getaddrinfo("localhost", 80), socket.if_nameindex()
print("refused")
"""
    assert run(host, way, program) == "refused\n"


@both
def test_pid_one_cannot_be_looked_into_or_ended(host: Host, way: str) -> None:
    program = """
import os, signal
for name in ("mem", "environ", "maps", "fd", "cwd", "root", "exe", "ns/net", "task/1/mem"):
    path = "/proc/1/" + name
    for look in (lambda: open(path, "rb").read(1), lambda: os.listdir(path), lambda: os.readlink(path)):
        try:
            look()
        except OSError:
            continue
        raise AssertionError(name)
for number in set(signal.Signals) - {signal.SIGSTOP}:
    try:
        os.kill(1, number)
    except PermissionError:
        pass
print("tried")
"""
    assert run(host, way, program) == "tried\n"


def test_its_processes_are_alone(host: Host) -> None:
    """None of another sandbox is seen, and none shares memory, semaphores or sockets with it."""

    async def main() -> None:
        first = await host.start(
            host.shell_spec(
                "echo secret > /dev/shm/shared; echo secret > /tmp/shared; ipcmk -Q; sleep 600 & echo ready; wait"
            )
        )
        await first.says("ready")
        second = await host.start(
            host.shell_spec(
                "ls /dev/shm /tmp; ipcs -q | grep -c 0x; ls /proc > /tmp/seen; grep -c '^[0-9]' /tmp/seen; echo end"
            )
        )
        await second.says("end")
        assert "shared" not in second.text
        assert second.text.split()[-3:-1] == ["0", "3"]  # no queue; pid 1, the shell, and ls
        await asyncio.gather(first.sandbox.destroy(), second.sandbox.destroy())

    host.run(main())


def test_processes_are_limited(host: Host) -> None:
    program = """
import os, time
children = 0
try:
    while True:
        if os.fork() == 0:
            time.sleep(600)
        children += 1
except OSError as error:
    print(children, error.errno)
"""
    children, error = map(int, host.python(program, memory_mb=3008).text.split())
    assert (children < 1024, error) == (True, 11)


@pytest.mark.parametrize("prestart", [None, ("/bin/sleep", "600")])
def test_nothing_runs_outside_the_control_group(host: Host, prestart: tuple[str, ...] | None) -> None:
    """Made many at once: what is started ahead belongs to the sandbox's group from its beginning."""
    template = Template("started-ahead", prestart=prestart)

    async def main() -> None:
        sandboxes = await asyncio.gather(*(host.driver.prepare(template) for _ in range(20)))
        try:
            for sandbox in sandboxes:
                for root in host.groups():
                    pids = (root / sandbox.id / "cgroup.procs").read_text().split()
                    assert len(pids) == 2, root
        finally:
            await asyncio.gather(*(sandbox.destroy() for sandbox in sandboxes))

    host.run(main())


# --- Starting ahead -------------------------------------------------------------------------------------------------

READER = ("/bin/sh", "-c", 'if [ -n "$GREETING" ]; then echo "executed $GREETING"; else cat <&$LAMBDAD_PRESTART_FD; fi')


def test_an_interpreter_started_ahead_is_told_its_environment(host: Host) -> None:
    spec = host.spec({"x": ""}, argv=None, environment={"GREETING": "hello"})
    ended = host.execute(spec, Template("reader", prestart=READER))
    assert json.loads(ended.text) == dict(spec.environment)


def commands_with(text: str) -> list[str]:
    """The command lines, of processes that still run, in which it occurs."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(entry.read_bytes().decode(errors="replace"))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return [line for line in found if text in line]


def test_an_interpreter_that_ended_early_is_started_again(host: Host) -> None:
    template = Template("impatient", prestart=("/bin/sh", "-c", 'echo "${GREETING-too early}"'))

    async def main() -> str:
        sandbox = await host.driver.prepare(template)
        running = Running(sandbox)
        await running.says("too early")
        wait_for(lambda: not commands_with("GREETING-too early"))
        assert running.exits.empty()
        sandbox.start(host.spec({"x": ""}, argv=None, environment={"GREETING": "now"}))
        assert await running.ended() == Exit(code=0)
        await sandbox.destroy()
        return running.text

    assert host.run(main()).split() == ["too", "early", "now"]


def test_after_a_reset_it_is_executed_with_the_environment(host: Host) -> None:
    async def main() -> None:
        running = await host.start(
            host.spec({"x": ""}, argv=None, environment={"GREETING": "a"}), Template("r", prestart=READER)
        )
        assert await running.ended() == Exit(code=0)
        await running.sandbox.reset()
        running.sandbox.start(host.spec({"x": ""}, argv=None, environment={"GREETING": "b"}))
        assert await running.ended() == Exit(code=0)
        assert running.text.endswith("executed b\n")
        await running.sandbox.destroy()

    host.run(main())


def test_modules_of_the_zygote_do_not_shadow_the_functions(host: Host) -> None:
    spec = host.spec(
        {"main.py": "import sys; print(sorted({'init', 'kernel', 'protocol', 'zygote', 'enter'} & set(sys.modules)))"},
        argv=None,
    )
    assert host.execute(spec, python(host.data_dir, zygote=True)).text == "[]\n"


# --- Ends -----------------------------------------------------------------------------------------------------------


def test_a_killed_zygote_is_told_and_replaced(host: Host) -> None:
    template = Template("provided.killed")

    async def main() -> None:
        running = await host.start(host.shell_spec("echo ready; sleep 600"), template)
        await running.says("ready")
        os.kill(zygote_of(running), signal.SIGKILL)
        how = await running.ended()
        assert how.setup_error is not None
        await running.sandbox.destroy()
        again = await host.start(host.shell_spec("echo ready"), template)
        await again.says("ready")
        await again.sandbox.destroy()

    def zygote_of(running: Running) -> int:
        pids = (host.groups()[0] / running.sandbox.id / "cgroup.procs").read_text().split()
        parents = [int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]) for pid in pids]
        return next(parent for parent in parents if str(parent) not in pids)

    host.run(main())


SERVER = """
import asyncio, os, sys
from pathlib import Path
from sandboxes import Host

async def main(host):
    for number in range(4):
        running = await host.start(host.shell_spec("(sleep 612 &); sleep 612 & echo ready; sleep 612"))
        await running.says("ready")
        if number % 2:
            running.sandbox.freeze()
    for root in host.groups():
        for procs in root.glob("*/cgroup.procs"):
            print(*procs.read_text().split())
    print("done", flush=True)
    await asyncio.sleep(600)

host = Host(Path(sys.argv[1])).open()
host.run(main(host))
"""


def test_a_killed_server_takes_everything_with_it_frozen_or_not(tmp_path: Path, host: Host) -> None:
    pids: set[str] = set()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    argv = [sys.executable, "-c", SERVER, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout is not None
        for line in server.stdout:
            if line == "done\n":
                break
            pids |= set(line.split())
        assert len(pids) >= 4 * 3
        server.kill()
    wait_until_ended(pids)
    left = Path(tmp_path / "run" / "cgroups").read_text().split()
    assert any(Path(root).exists() for root in left)
    Host(tmp_path).open().close()
    assert not any(Path(root).exists() for root in left)
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()


def test_a_hundred_at_once_leave_nothing(host: Host) -> None:
    async def main() -> None:
        before = open_descriptors()
        sandboxes = await asyncio.gather(*(host.driver.prepare(SHELL) for _ in range(100)))
        await asyncio.gather(*(sandbox.destroy() for sandbox in sandboxes))
        assert not [path for root in host.groups() for path in root.iterdir() if path.is_dir()]
        assert open_descriptors() == before

    host.execute(host.shell_spec("exit 0"))  # the zygote is there
    host.run(main())


def test_the_dead_stay_dead(host: Host) -> None:
    """After its end a sandbox answers with what it last was, and nothing raises or begins again."""

    async def main() -> None:
        running = await host.start(
            host.shell_spec("x=$(head -c 9000000 /dev/zero | tr '\\0' x); echo ready; sleep 600")
        )
        sandbox = running.sandbox
        await running.says("ready")
        sandbox.freeze()
        before = sandbox.usage()
        await sandbox.destroy()
        sandbox.freeze()
        sandbox.thaw()
        sandbox.throttle()
        assert sandbox.usage() == before
        with pytest.raises(OSError, match=r"closed|Bad file descriptor|ended"):
            await sandbox.reset()
        sandbox.start(host.shell_spec("echo again"))
        await sandbox.destroy()
        assert running.exits.empty()

    host.run(main())
