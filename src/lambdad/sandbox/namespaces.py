"""The namespaces driver: each sandbox has its own mount, pid, ipc, uts, network and cgroup namespace, and its own user.

The processes: server → one zygote per runtime (`guest/jail.py`, `guest/zygote.py`) → the first process of each sandbox
(`guest/init.py`) → the runtime process. When the server is killed, all of them die with it.
"""

import asyncio
import contextlib
import errno
import hashlib
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from lambdad.sandbox.cgroups.driver import Cgroup, Hierarchy
from lambdad.sandbox.cgroups.host import find_hierarchy
from lambdad.sandbox.channel import Channel, Message
from lambdad.sandbox.driver import Exit, SandboxError, SandboxSpec, Template, Usage
from lambdad.sandbox.mounts import own_files
from lambdad.sandbox.network import Network, NetworkPool
from lambdad.sandbox.zygotes import Jail, Zygote, listening

log = logging.getLogger(__name__)

_FIRST_USER = 0x10000000
_USERS = 1 << 16
_SERVERS = 1 << 12
"""Servers of one host take users from different ranges: of this many, by their data directory."""
_USER_INSIDE = 993
"""AWS's own number for it; used where every sandbox has a user namespace."""
_LIMIT = 30.0
"""Seconds that any step of a sandbox's life may take."""
_RUNTIME_API = "127.0.0.1:9001"


class NamespacesSandbox:
    """One sandbox. `driver.py` says what each method promises."""

    task_root = "/var/task"
    runtime_api_address = _RUNTIME_API

    def __init__(self, number: int, template: Template, cgroup: Cgroup | None, gone: Callable[[], None]) -> None:
        self.id = str(number)
        self.template = template
        self.runtime_api: socket.socket
        self.front_door: socket.socket | None = None
        self.front_door_address: str | None = None
        self.output = -1
        self.on_exit: Callable[[Exit], None] | None = None
        self._cgroup = cgroup
        self._gone = gone
        self._channel: Channel | None = None
        self._pidfd = -1
        self._ended = asyncio.Event()
        self._ready: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
        self._reset: asyncio.Future[None] | None = None
        self._not_executed: str | None = None
        self._memory_mb = 0
        self._oom_kills = 0
        self._started = False
        self._destroyed: asyncio.Task[None] | None = None

    # --- Preparing --------------------------------------------------------------------------------------------------

    async def prepare(self, zygote: Zygote, user: int, front_door_port: int, network: Network | None) -> None:
        """Raises SandboxError."""
        own, theirs = Channel.pair()
        self._channel = Channel(own, self._received)
        self.output, writable = os.pipe()
        os.set_blocking(self.output, False)
        message = {
            "op": "prepare",
            "uid": user,
            "hostname": "169-254-100-6",
            "network": network is not None,
            "front_door_port": front_door_port,
            "files": own_files(user),
        }
        fds = [theirs.fileno(), writable, *([network.namespace_fd] if network is not None else [])]
        try:
            pid = await zygote.fork(message, fds)
            self._watch(pid)
            if self._cgroup is not None:
                # The kernel stops all forks for the moment of it, and lets its caller wait for milliseconds.
                await asyncio.to_thread(self._cgroup.add, pid)
            listeners = await asyncio.wait_for(self._ready, _LIMIT)
        except (TimeoutError, ProcessLookupError) as error:
            raise SandboxError(f"a sandbox of {self.template.name} did not become ready: {error!r}") from error
        finally:
            theirs.close()
            os.close(writable)
        self._take_listeners(listeners, front_door_port, network)

    def _watch(self, pid: int) -> None:
        self._pidfd = os.pidfd_open(pid)
        asyncio.get_running_loop().add_reader(self._pidfd, self._first_process_ended)

    def _take_listeners(self, fds: list[int], port: int, network: Network | None) -> None:
        if network is not None:
            self.runtime_api, self.front_door = network.runtime_api, network.front_door
            self.front_door_address = network.front_door_address
            return
        self.runtime_api = listening(fds[0])
        if len(fds) > 1:
            self.front_door = listening(fds[1])
            self.front_door_address = f"127.0.0.1:{port}"

    # --- Running ----------------------------------------------------------------------------------------------------

    def start(self, spec: SandboxSpec) -> None:
        assert self._channel is not None
        self._not_executed = None
        try:
            if not self._started:
                self._started = True
                self._memory_mb = spec.memory_mb
                if self._cgroup is not None:
                    self._cgroup.limit_memory(spec.memory_mb)
            self._channel.send(_start_message(spec))
        except OSError as error:
            asyncio.get_running_loop().call_soon(self._report, Exit(setup_error=f"start: {error}"))

    def throttle(self) -> None:
        if self._cgroup is not None and not self._ended.is_set():
            with contextlib.suppress(FileNotFoundError):
                self._cgroup.limit_cpu(self._memory_mb)

    async def reset(self) -> None:
        assert self._channel is not None
        self._reset = asyncio.get_running_loop().create_future()
        self._channel.send({"op": "reset"})
        await asyncio.wait_for(self._reset, _LIMIT)
        self._reset = None
        if self._cgroup is not None:
            self._oom_kills = self._cgroup.oom_kills()

    def freeze(self) -> None:
        if self._cgroup is not None:
            self._cgroup.freeze()

    def thaw(self) -> None:
        if self._cgroup is not None:
            self._cgroup.thaw()

    def usage(self) -> Usage:
        group = self._cgroup
        if group is None:
            return Usage(0, 0, 0, 0.0)
        return Usage(group.memory_peak(), group.memory_current(), group.oom_kills(), group.cpu_seconds())

    # --- What the first process says --------------------------------------------------------------------------------

    def _received(self, message: Message | None, fds: list[int]) -> None:
        """Untrusted, in form and in time."""
        if message is not None and message["op"] == "ready" and not self._ready.done():
            self._ready.set_result(fds)
            return
        for fd in fds:
            os.close(fd)
        if message is None:
            return  # its end is seen by `_first_process_ended`
        if message["op"] == "exit":
            self._report(self._exit_of(message))
        elif message["op"] == "not executed":
            self._not_executed = errno.errorcode.get(message.get("errno", 0), "EIO")
        elif message["op"] == "reset" and self._reset is not None and not self._reset.done():
            self._reset.set_result(None)
        elif message["op"] == "failed":
            self._fail(str(message.get("text")))

    def _exit_of(self, message: Message) -> Exit:
        if self._not_executed is not None:
            return Exit(exec_errno=self._not_executed)
        number = message.get("signal")
        if isinstance(number, int):
            kills = self._cgroup.oom_kills() if self._cgroup is not None else 0
            oom, self._oom_kills = kills > self._oom_kills and number == signal.SIGKILL, kills
            return Exit(signal=number, oom=oom)
        code = message.get("code")
        return Exit(code=code if isinstance(code, int) else 1)

    def _fail(self, text: str) -> None:
        if not self._ready.done():
            self._ready.set_exception(SandboxError(f"a sandbox of {self.template.name} could not be made: {text}"))
        else:
            self._report(Exit(setup_error=text))

    def _report(self, how: Exit) -> None:
        if self.on_exit is not None and self._reset is None and self._destroyed is None:
            self.on_exit(how)

    def _first_process_ended(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._pidfd = -1
        self._ended.set()
        if self._channel is not None:
            self._channel.close()
        if self._reset is not None and not self._reset.done():
            self._reset.set_exception(OSError("the sandbox ended"))
        self._fail("its first process ended")

    # --- Ending -----------------------------------------------------------------------------------------------------

    async def destroy(self) -> None:
        if self._destroyed is None:
            self._destroyed = asyncio.create_task(self._destroy())
        await asyncio.shield(self._destroyed)

    async def _destroy(self) -> None:
        if self._pidfd >= 0:
            if self._cgroup is not None:
                self._cgroup.thaw()
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            await asyncio.wait_for(self._ended.wait(), _LIMIT)
        elif self._channel is not None:
            self._channel.close()
        if self.output >= 0:
            os.close(self.output)
            self.output = -1
        if self._cgroup is not None:
            await gone(self._cgroup.remove)
        self._gone()


def _start_message(spec: SandboxSpec) -> Mapping[str, object]:
    return {
        "op": "start",
        "code": os.path.basename(spec.code),
        "layers": [os.path.basename(layer) for layer in spec.layers],
        "tmp_mb": spec.ephemeral_mb,
        "environment": dict(spec.environment),
        "argv": spec.argv,
    }


async def gone(remove: Callable[[], bool]) -> None:
    """A control group goes a moment after its last process: the kernel says no until then."""
    wait = 0.0005
    for _ in range(12):
        if remove():
            return
        await asyncio.sleep(wait)
        wait *= 2
    log.warning("a control group could not be removed")


class NamespacesDriver:
    name = "namespaces"

    def __init__(self, data_dir: Path, unpacked: Path, networks: NetworkPool | None) -> None:
        """Without `networks` a sandbox has only its own loopback, and reaches nothing but the server's two sockets."""
        self._data_dir = data_dir
        self._unpacked = unpacked
        self._networks = networks
        self.front_door_port = 0
        """Known once the server listens: the port inside is the same."""
        instance = hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]
        self._group_name = f"lambdad-{instance}"
        self._first_user = _FIRST_USER + int(instance, 16) % _SERVERS * _USERS
        self._hierarchy: Hierarchy | None = None
        self._zygotes: dict[Template, asyncio.Task[Zygote]] = {}
        self._sandboxes: dict[int, NamespacesSandbox] = {}
        self._free: list[int] = []
        self._highest = 0
        self._jail: Jail | None = None

    async def open(self) -> None:
        run = self._data_dir / "run"
        (run / "root").mkdir(parents=True, exist_ok=True)
        zygote_log = run / "zygotes.log"
        zygote_log.write_bytes(b"")
        self._jail = Jail(self._unpacked, run / "root", os.geteuid() != 0, zygote_log)
        self._hierarchy, found = find_hierarchy(self._group_name)
        log.info("sandboxes: namespaces; %s", found)
        if self._hierarchy is not None:
            for pid in self._hierarchy.leftovers():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            hierarchy = self._hierarchy
            await gone(hierarchy.remove)
            self._hierarchy, _ = find_hierarchy(self._group_name)
        if self._networks is not None:
            await self._networks.open()

    async def prepare(self, template: Template) -> NamespacesSandbox:
        zygote = await self._zygote(template)
        number = self._take_number()
        network = None
        if self._networks is not None:
            self._networks.front_door_port = self.front_door_port
            network = await self._networks.take()
        hierarchy = self._hierarchy
        cgroup = await asyncio.to_thread(hierarchy.make, str(number)) if hierarchy is not None else None
        sandbox = NamespacesSandbox(number, template, cgroup, lambda: self._forget(number, network))
        self._sandboxes[number] = sandbox
        user = _USER_INSIDE if os.geteuid() else self._first_user + number
        try:
            await sandbox.prepare(zygote, user, self.front_door_port, network)
        except BaseException:
            await sandbox.destroy()
            raise
        return sandbox

    def _take_number(self) -> int:
        """Numbers are users: none is used by two sandboxes at once."""
        if self._free:
            return self._free.pop(0)
        if self._highest >= _USERS - 1:
            raise SandboxError("too many sandboxes")
        self._highest += 1
        return self._highest

    def _forget(self, number: int, network: Network | None) -> None:
        sandbox = self._sandboxes.pop(number)
        self._free.append(number)
        if network is not None and self._networks is not None:
            self._networks.give_back(network)
        else:
            for listener in (getattr(sandbox, "runtime_api", None), sandbox.front_door):
                if listener is not None:
                    listener.close()

    async def _zygote(self, template: Template) -> Zygote:
        task = self._zygotes.get(template)
        if task is None or (task.done() and (task.exception() is not None or task.result().dead)):
            task = self._zygotes[template] = asyncio.create_task(self._start_zygote(template))
        return await asyncio.shield(task)

    async def _start_zygote(self, template: Template) -> Zygote:
        assert self._jail is not None
        zygote = Zygote(template, self._jail)
        await zygote.start()
        return zygote

    async def close(self) -> None:
        await asyncio.gather(*(sandbox.destroy() for sandbox in list(self._sandboxes.values())))
        for task in self._zygotes.values():
            zygote = (await asyncio.gather(task, return_exceptions=True))[0]
            if isinstance(zygote, Zygote):
                await zygote.stop()
        self._zygotes.clear()
        if self._hierarchy is not None:
            await gone(self._hierarchy.remove)
        if self._networks is not None:
            await self._networks.close()


def can_make_namespaces() -> bool:
    """Tried in a process of its own, which ends with what it made."""
    if sys.platform != "linux":
        return False
    flags = "0x1c000000" if os.geteuid() else "0x0c020000"  # user (where not root), ipc, uts; mount where root
    attempt = f"import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare({flags}) != 0)"
    return subprocess.run([sys.executable, "-I", "-S", "-c", attempt], timeout=_LIMIT, check=False).returncode == 0
