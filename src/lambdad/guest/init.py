"""The first process of a sandbox: makes it, starts the runtime process, reaps, resets, reports.

It is pid 1 of its namespace: when it ends, the kernel ends everything inside. It outlives runtime processes, so that a reset
keeps the sandbox and its /tmp. It obeys one descriptor that nothing else inside has.
"""

import json
import os
import select
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Any, NoReturn, Optional

from lambdad.guest import enter, kernel, protocol

_SHARED = "/.lambdad"
_RUNTIME_API_PORT = 9001
_MOST_FILES = 1024
_OOM_SCORE = 500
"""oom_score_adj of what runs a function's code: when memory is short it goes, not pid 1, and no process of the host."""
_REPORT = 1000
"""The descriptor by which a child that cannot execute its program says so; closed when it can."""


def main(message: Any, fds: list[int], settings: dict[str, Any], module: Any) -> None:
    """`fds`: what `message` says is where: at 0 the control channel, at 1 the output."""
    kernel.die_with_parent()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    # Pid 1 gets only signals that it handles, and Python handles this one: by ending.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.setsid()
    channel, output = socket.socket(fileno=fds[0]), fds[1]
    network, group = (fds[message[name]] if message[name] is not None else None for name in ("network", "group"))
    try:
        join_groups([fds[index] for index in message["tasks"]], group)
        listeners = make(message, network)
        sandbox = First(channel, output, message, settings, module)
        sandbox.prestart()
        protocol.send(channel, {"op": "ready"}, [listener.fileno() for listener in listeners])
        for listener in listeners:
            listener.close()
        sandbox.serve()
    except OSError as error:
        protocol.send(channel, {"op": "failed", "text": str(error)})


def join_groups(tasks: list[int], group: "int | None") -> None:
    """Before anything is started that would be left out. A process that moves itself, alone, makes nobody wait."""
    for fd in tasks:
        os.write(fd, b"0")
        os.close(fd)
    if group is not None:
        procs = os.open("cgroup.procs", os.O_WRONLY, dir_fd=group)
        os.write(procs, b"0")
        os.close(procs)
        os.close(group)


def make(message: Any, network: Optional[int]) -> list[socket.socket]:
    """Namespaces and private mounts; the sockets that a new network namespace is reached by."""
    flags = kernel.CLONE_NEWNS | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS
    listeners = []
    if network is not None:
        kernel.setns(network, kernel.CLONE_NEWNET)
        os.close(network)
        kernel.unshare(flags)
    else:
        kernel.unshare(flags | kernel.CLONE_NEWNET)
        kernel.loopback_up()
        listeners = [listen(port) for port in (_RUNTIME_API_PORT, message["front_door_port"]) if port]
    socket.sethostname(message["hostname"])
    private = kernel.MS_NOSUID | kernel.MS_NODEV
    kernel.mount("proc", "/proc", "proc", private | kernel.MS_NOEXEC)
    kernel.mount("tmpfs", "/dev/shm", "tmpfs", private | kernel.MS_NOEXEC, "mode=1777,size=64m")
    for path, content in message["files"].items():
        own_file(path, content)
    return listeners


def own_file(path: str, content: str) -> None:
    """A file of the shared root replaced in this sandbox only. Its place is a file system of ours, and then it is nowhere."""
    source = "/dev/shm/own"
    with open(source, "w") as file:
        file.write(content)
    os.chmod(source, 0o644)
    kernel.bind(source, path, kernel.MS_RDONLY | kernel.MS_NOSUID | kernel.MS_NODEV)
    os.unlink(source)


def listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)
    return listener


class First:
    """The state of pid 1."""

    def __init__(
        self, channel: socket.socket, output: int, message: Any, settings: dict[str, Any], module: Any
    ) -> None:
        self.channel = channel
        self.output = output
        self.uid = message["uid"]
        self.settings = settings
        self.seccomp = bytes.fromhex(settings["seccomp"])
        self.module = module
        self.runtime: Optional[int] = None  # pid of the runtime process, while there is one
        self.waiting: Optional[int] = None  # pipe to a prestarted interpreter
        self.closed = False  # the function is mounted, the privileges are gone

    def serve(self) -> None:
        readable, writable = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        while True:
            watched: list[Any] = [self.channel, readable]
            ready = select.select(watched, [], [])[0]
            if readable in ready:
                os.read(readable, 512)
                self.reap()
            if self.channel in ready:
                message, _ = protocol.receive(self.channel)
                if message is None:
                    return
                if message["op"] == "start":
                    self.start(message)
                elif message["op"] == "reset":
                    self.reset()

    # --- Starting ---------------------------------------------------------------------------------------------------

    def prestart(self) -> None:
        """An interpreter that is up before its function is known."""
        argv = self.settings["prestart"]
        if argv is None:
            return
        readable, self.waiting = os.pipe()
        environment = {"LAMBDAD_PRESTART_FD": "3", "PATH": "/usr/bin:/bin"}
        pid = os.fork()
        if pid == 0:
            kernel.set_oom_score(_OOM_SCORE)
            os.dup2(readable, 3)
            os.set_inheritable(3, True)  # which the call before does not do if it was 3 already
            enter.become_unprivileged(self.uid, self.uid, self.seccomp, self.settings["user_namespace"])
            self.execute(argv, environment, keep=4)
        os.close(readable)
        self.runtime = pid

    def start(self, message: Any) -> None:
        try:
            if not self.closed:
                self.close(message)
            environment, argv = message["environment"], message["argv"]
            if self.waiting is not None and self.tell_waiting(argv, environment):
                return
            self.runtime = self.fork_runtime(argv or self.settings["prestart"], environment)
        except OSError as error:
            protocol.send(self.channel, {"op": "failed", "text": str(error)})

    def tell_waiting(self, argv: "list[str] | None", environment: dict[str, str]) -> bool:
        """The prestarted interpreter takes the function; False if it is not the one that is wanted, or has ended."""
        assert self.waiting is not None
        waiting, self.waiting = self.waiting, None
        self.reap()
        wanted = argv is None and self.runtime is not None
        try:
            if wanted:
                os.write(waiting, json.dumps(environment).encode())
        except BrokenPipeError:
            wanted = False
        finally:
            os.close(waiting)
        if not wanted:
            self.forget_runtime()
        return wanted

    def close(self, message: Any) -> None:
        """Mount the function; give up everything."""
        private = kernel.MS_NOSUID | kernel.MS_NODEV
        options = "mode=1777,size={}m".format(message["tmp_mb"])
        kernel.mount("tmpfs", "/tmp", "tmpfs", private, options)
        kernel.mount(_SHARED + "/unpacked/" + message["code"], "/var/task", None, kernel.MS_BIND)
        layers = [_SHARED + "/unpacked/" + layer for layer in message["layers"]]
        if len(layers) == 1:
            kernel.mount(layers[0], "/opt", None, kernel.MS_BIND)
        elif layers:
            lower = ":".join(reversed(layers))
            kernel.mount("overlay", "/opt", "overlay", private | kernel.MS_RDONLY, "lowerdir=" + lower)
        kernel.unmount(_SHARED + "/unpacked")
        kernel.unmount(_SHARED + "/lambdad/guest")
        kernel.unshare(kernel.CLONE_NEWCGROUP)
        protect_from_oom()
        enter.become_unprivileged(self.uid, self.uid, self.seccomp, self.settings["user_namespace"])
        # What holds the control channel must not be looked into by what it starts.
        kernel.set_dumpable(0)
        self.closed = True

    def fork_runtime(self, argv: Optional[Sequence[str]], environment: dict[str, str]) -> int:
        pid = os.fork()
        if pid:
            return pid
        status = 1
        try:
            kernel.set_dumpable(1)
            kernel.set_oom_score(_OOM_SCORE)
            if argv is not None:
                os.chdir(environment.get("LAMBDA_TASK_ROOT", "/"))
                self.execute(argv, environment, keep=3)
            self.stand_alone(3, _MOST_FILES)
            os.chdir(environment["LAMBDA_TASK_ROOT"])
            self.module.run(environment)
            status = 0
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def stand_alone(self, keep: int, end: int) -> None:
        """In a child: a session, standard streams, and none of pid 1's descriptors from `keep` to `end`."""
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        null = os.open("/dev/null", os.O_RDONLY)
        for source, target in ((null, 0), (self.output, 1), (self.output, 2)):
            os.dup2(source, target)
        self.channel.detach()
        os.closerange(keep, end)

    def execute(self, argv: Sequence[str], environment: dict[str, str], keep: int) -> NoReturn:
        """In a child: become the program. If that cannot be, say why and end."""
        os.dup2(self.channel.fileno(), _REPORT, inheritable=False)
        self.stand_alone(keep, _REPORT)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and that would be inherited
        try:
            os.execve(argv[0], list(argv), environment)
        except OSError as error:
            protocol.send(socket.socket(fileno=_REPORT), {"op": "not executed", "errno": error.errno})
        finally:
            os._exit(127)

    # --- Ending -----------------------------------------------------------------------------------------------------

    def reap(self) -> None:
        """Everything that has ended; of the runtime process the server is told."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.runtime:
                self.runtime = None
                if self.waiting is not None:  # it never was a function's: `start` takes another
                    continue
                if os.WIFSIGNALED(status):
                    protocol.send(self.channel, {"op": "exit", "signal": os.WTERMSIG(status)})
                else:
                    protocol.send(self.channel, {"op": "exit", "code": os.WEXITSTATUS(status)})

    def forget_runtime(self) -> None:
        pid, self.runtime = self.runtime, None
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def reset(self) -> None:
        """End every process but this one."""
        self.runtime = None
        while True:
            try:
                os.kill(-1, signal.SIGKILL)
            except ProcessLookupError:
                pass
            try:
                os.waitpid(-1, 0)
            except ChildProcessError:
                break
        if self.waiting is not None:
            os.close(self.waiting)
            self.waiting = None
        protocol.send(self.channel, {"op": "reset"})


def protect_from_oom() -> None:
    """By the old name of the file: the new one would allow every child to do it too. Only root may protect a process."""
    try:
        with open("/proc/self/oom_adj", "w") as file:
            file.write("-17")
    except OSError:
        return
