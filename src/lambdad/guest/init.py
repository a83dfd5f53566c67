"""The first process of a sandbox: makes it, starts extensions and the runtime process, reaps, resets, reports.

It is pid 1 of its namespace: when it ends, the kernel ends everything inside. It outlives runtime processes, so that a reset
keeps the sandbox and its /tmp. It obeys one descriptor that nothing else inside has.
"""

import json
import os
import select
import signal
import socket
from collections.abc import Sequence
from typing import Any, Optional

from lambdad.guest import enter, extension_processes, kernel, protocol, runtime_process
from lambdad.guest.extension_processes import ExtensionProcesses
from lambdad.guest.runtime_process import Inside, Snapshot

_SHARED = "/.lambdad"
_RUNTIME_API_PORT = 9001
_TMP_MB = 512
"""AWS's default for /tmp; another size is set when the function is known."""
_PRIVATE = kernel.MS_NOSUID | kernel.MS_NODEV
_TEMPLATES_PID = 30000
"""A template's processes have numbers that its environments' never have: libraries tell by their process's number that
they were copied, and must not draw the same random numbers twice."""


def main(message: Any, fds: list[int], settings: dict[str, Any], module: Any) -> None:
    """`fds`: what `message` says is where: at 0 the control channel, at 1 the output."""
    kernel.die_with_parent()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    # Pid 1 gets only signals that it handles, and Python handles this one: by ending.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.setsid()
    channel, output = socket.socket(fileno=fds[0]), fds[1]
    network, group, tmp = (
        fds[message[name]] if message[name] is not None else None for name in ("network", "group", "tmp")
    )
    try:
        join_groups([fds[index] for index in message["tasks"]], group)
        listeners = make(message, network, tmp)
        uid, own_user_namespace = message["uid"], settings["user_namespace"]
        inside = Inside(channel, output, uid, bytes.fromhex(settings["seccomp"]), own_user_namespace, module)
        sandbox = First(inside, settings["prestart"])
        sandbox.prepare()
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


def make(message: Any, network: Optional[int], tmp: Optional[int]) -> list[socket.socket]:
    """Namespaces and private mounts; the sockets that a new network namespace is reached by."""
    flags = kernel.CLONE_NEWNS | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS | kernel.CLONE_NEWCGROUP
    listeners = []
    if network is not None:
        kernel.setns(network, kernel.CLONE_NEWNET)
        os.close(network)
        kernel.unshare(flags)
    else:
        kernel.unshare(flags | kernel.CLONE_NEWNET)
        kernel.loopback_up()
        kernel.route_requests([bytes.fromhex(request) for request in message["routes"]])
        listeners = [listen(port) for port in (_RUNTIME_API_PORT, message["front_door_port"]) if port]
        listeners.append(receive_datagrams(*message["trace_daemon"]))
    socket.sethostname(message["hostname"])
    kernel.mount("proc", "/proc", "proc", _PRIVATE | kernel.MS_NOEXEC)
    kernel.mount("tmpfs", "/dev/shm", "tmpfs", _PRIVATE | kernel.MS_NOEXEC, "mode=1777,size=64m")
    if tmp is not None:
        kernel.move_mount(tmp, "/tmp")
        os.close(tmp)
    else:
        kernel.mount("tmpfs", "/tmp", "tmpfs", _PRIVATE, "mode=1777,size={}m".format(_TMP_MB))
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


def receive_datagrams(host: str, port: int) -> socket.socket:
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind((host, port))
    return receiver


class First:
    """The state of pid 1."""

    def __init__(self, inside: Inside, interpreter: Optional[Sequence[str]]) -> None:
        self.inside = inside
        self.channel = inside.channel
        self.interpreter = interpreter  # one that is started before its function is known
        self.runtime: Optional[int] = None  # pid of the runtime process, while there is one
        self.waiting: Optional[socket.socket] = None  # by which it learns what to become, until it has
        self.closed = False  # the function is mounted and the privileges are gone
        self.extensions = ExtensionProcesses(inside)
        self.held: Optional[tuple[Any, Optional[Snapshot]]] = None  # the start of a runtime that waits for extensions

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
                message, fds = protocol.receive(self.channel)
                if message is None:
                    return
                self.obey(message, fds)

    def obey(self, message: Any, fds: list[int]) -> None:
        operation = message["op"]
        if operation == "start":
            self.start(message, fds)
        elif operation == "start runtime":
            self.start_held()
        elif operation == "reset":
            self.reset()
        elif operation == "terminate runtime" and self.runtime is not None:
            os.kill(self.runtime, message["signal"])
        elif operation == "kill extension":
            self.extensions.kill(message["name"])
        elif operation == "connect":
            extension_processes.connect(self.channel, message)

    # --- Starting ---------------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """All that can be done before the function is known."""
        protect_from_oom()
        kernel.drop_bounding_set()  # that of a mount tree's owner, who still has what it needs to mount
        kind = socket.SOCK_STREAM if self.interpreter is not None else socket.SOCK_SEQPACKET
        theirs, self.waiting = socket.socketpair(socket.AF_UNIX, kind)
        self.runtime = os.fork()
        if self.runtime == 0:
            if self.interpreter is not None:
                runtime_process.prestart(self.inside, theirs.detach(), self.interpreter)
            runtime_process.wait(self.inside, theirs.detach())
        theirs.close()

    def start(self, message: Any, fds: list[int]) -> None:
        """Mount the function, let its runtime process begin, and then give up everything here too.

        In this order because the filter alone takes a quarter of a millisecond, and none is needed against the runtime
        process: it gave up everything long ago, and this one listens to nothing of it.
        """
        named = {name: fds[index] for name, index in message["places"].items()}
        snapshot = Snapshot(named["snapshot"], message["snapshot_limit"]) if "snapshot" in named else None
        try:
            if not self.closed:
                self.mount(message, named.get("tmp"))
            if "extensions" in named:
                self.start_extensions(message, named["extensions"])
                self.held = message, snapshot
                return
            self.start_runtime(message, snapshot)
        except OSError as error:
            protocol.send(self.channel, {"op": "failed", "text": str(error)})

    def start_extensions(self, message: Any, output: int) -> None:
        if not self.closed:
            self.close()
        self.extensions.start(message["extensions"], message["extension_environment"], output)
        os.close(output)

    def start_held(self) -> None:
        """The extensions have registered."""
        held, self.held = self.held, None
        if held is None:
            return
        try:
            self.start_runtime(*held)
        except OSError as error:
            protocol.send(self.channel, {"op": "failed", "text": str(error)})

    def start_runtime(self, message: Any, snapshot: Optional[Snapshot]) -> None:
        environment, argv = message["environment"], message["argv"]
        told = self.waiting is not None and self.tell_waiting(argv, environment, snapshot)
        if not self.closed:
            if snapshot is not None and snapshot.limit is not None:
                continue_numbers_at(_TEMPLATES_PID)
            self.close()
        if not told:
            self.fork_runtime(argv, environment, snapshot)
        if snapshot is not None:
            os.close(snapshot.descriptor)

    def fork_runtime(
        self, argv: Optional[Sequence[str]], environment: dict[str, str], snapshot: Optional[Snapshot]
    ) -> None:
        self.runtime = os.fork()
        if self.runtime == 0:
            runtime_process.begin(self.inside, argv or self.interpreter, environment, snapshot)

    def tell_waiting(
        self, argv: Optional[Sequence[str]], environment: dict[str, str], snapshot: Optional[Snapshot]
    ) -> bool:
        """The runtime process that waits takes the function; False if it is not the one for it, or has ended."""
        assert self.waiting is not None
        with self.waiting as waiting:
            self.waiting = None
            wanted = argv is None if self.interpreter is not None else snapshot is None or snapshot.limit is None
            try:
                if wanted and self.interpreter is not None:
                    waiting.sendall(json.dumps(environment).encode())
                elif wanted:
                    fds = [snapshot.descriptor] if snapshot is not None else []
                    protocol.send(waiting, {"argv": argv, "environment": environment}, fds)
            except BrokenPipeError:
                wanted = False
        if not wanted:
            self.forget_runtime()
        return wanted

    def mount(self, message: Any, tmp: Optional[int]) -> None:
        if tmp is not None:
            kernel.unmount("/tmp")
            kernel.move_mount(tmp, "/tmp")
            os.close(tmp)
        elif message["tmp_mb"] != _TMP_MB:
            size = "size={}m".format(message["tmp_mb"])
            kernel.mount(None, "/tmp", None, kernel.MS_REMOUNT | _PRIVATE, size)
        kernel.mount(_SHARED + "/unpacked/" + message["code"], "/var/task", None, kernel.MS_BIND)
        layers = [_SHARED + "/unpacked/" + layer for layer in message["layers"]]
        if len(layers) == 1:
            kernel.mount(layers[0], "/opt", None, kernel.MS_BIND)
        elif layers:
            lower = ":".join(reversed(layers))
            kernel.mount("overlay", "/opt", "overlay", _PRIVATE | kernel.MS_RDONLY, "lowerdir=" + lower)
        kernel.unmount(_SHARED + "/unpacked")
        kernel.unmount(_SHARED + "/lambdad/guest")

    def close(self) -> None:
        enter.become_unprivileged(self.inside.uid, self.inside.uid, self.inside.seccomp, self.inside.user_namespace)
        # What holds the control channel must not be looked into by what it starts.
        kernel.set_dumpable(0)
        self.closed = True

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
            else:
                self.extensions.ended(pid, status)

    def forget_runtime(self) -> None:
        pid, self.runtime = self.runtime, None
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def reset(self) -> None:
        """End every process but this one."""
        self.runtime = None
        self.extensions.names.clear()
        if self.held is not None and self.held[1] is not None:
            os.close(self.held[1].descriptor)
        self.held = None
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
            self.waiting.close()
            self.waiting = None
        protocol.send(self.channel, {"op": "reset"})


def continue_numbers_at(number: int) -> None:
    """The next process that is started here has the one after it; where the kernel does not let us choose, the next."""
    try:
        with open("/proc/sys/kernel/ns_last_pid", "w") as file:
            file.write(str(number))
    except OSError:
        return


def protect_from_oom() -> None:
    """By the old name of the file: the new one would allow every child to do it too. Only root may protect a process."""
    try:
        with open("/proc/self/oom_adj", "w") as file:
            file.write("-17")
    except OSError:
        return
