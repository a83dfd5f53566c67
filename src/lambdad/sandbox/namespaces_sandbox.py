"""One sandbox of the namespaces driver, as the server sees it: its first process, its control group, its sockets.

Dead stays dead: when the first process has ended, by whatever cause, that is told once (`on_exit`), `reset` fails, and
what needs a living process does nothing.
"""

import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
from collections.abc import Callable

from lambdad.sandbox.cgroups.descendants import Descendants
from lambdad.sandbox.cgroups.driver import Cgroup
from lambdad.sandbox.channel import Channel, Message
from lambdad.sandbox.driver import Exit, SandboxError, SandboxSpec, Template, Usage
from lambdad.sandbox.ephemeral_storage import DEFAULT_MB, EphemeralStorage
from lambdad.sandbox.extension_processes import NamespacesExtensions
from lambdad.sandbox.first_process import entrances_of, prepare_message, start_message
from lambdad.sandbox.network import TRACE_DAEMON, Network
from lambdad.sandbox.process_table import doing
from lambdad.sandbox.user_network import UserNetwork, UserNetworks
from lambdad.sandbox.zygotes import Zygote, listening

log = logging.getLogger(__name__)

USER_INSIDE = 993
"""AWS's own number for it; used where every sandbox has a user namespace."""
LIMIT = 30.0
"""Seconds that any step of a sandbox's life may take."""
_RUNTIME_API = "127.0.0.1:9001"


class NamespacesSandbox:
    """One sandbox. `driver.py` says what each method promises."""

    task_root = "/var/task"
    runtime_api_address = _RUNTIME_API
    trace_daemon_address = f"{TRACE_DAEMON[0]}:{TRACE_DAEMON[1]}"

    def __init__(
        self,
        number: int,
        template: Template,
        cgroup: Cgroup | None,
        storage: EphemeralStorage | None,
        user_networks: UserNetworks | None,
        gone: Callable[[], None],
    ) -> None:
        self.id = str(number)
        self.template = template
        self.runtime_api: socket.socket
        self.front_door: socket.socket | None = None
        self.front_door_address: str | None = None
        self.trace_daemon: socket.socket
        self.output = -1
        self.on_exit: Callable[[Exit], None] | None = None
        self.extensions = NamespacesExtensions(self._send)
        self._cgroup = cgroup
        self._storage = storage
        self._user_networks = user_networks
        self._user_network: UserNetwork | None = None
        self._gone = gone
        self._channel: Channel | None = None
        self._user: int | None = None
        self._pidfd = -1
        self._ended = asyncio.Event()
        self._ready: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
        self._reset: asyncio.Future[None] | None = None
        self._not_executed: str | None = None
        self._memory_mb = 0
        self._oom_kills = 0
        self._started = False
        self._usage = Usage(0, 0, 0, 0.0)
        self._destroyed: asyncio.Task[None] | None = None
        self._enlarging: asyncio.Task[None] | None = None

    # --- Preparing --------------------------------------------------------------------------------------------------

    async def prepare(self, zygote: Zygote, user: int, front_door_port: int, network: Network | None) -> None:
        """Raises SandboxError."""
        try:
            with contextlib.ExitStack() as theirs:
                tmp = await self._volume(DEFAULT_MB, theirs)
                message, fds = self._opened(theirs, user, front_door_port, network, tmp)
                pid = await zygote.fork(message, fds)
                self._watch(pid)
                listeners = await self._made(pid)
            if self._user_networks is not None:
                self._user_network = await self._user_networks.attach(pid)
        except (TimeoutError, OSError) as error:
            raise SandboxError(f"a sandbox of {self.template.name} did not become ready: {error!r}") from error
        self._take_listeners(listeners, front_door_port, network)

    async def _made(self, pid: int) -> list[int]:
        """What it says when it is ready. Raises SandboxError."""
        try:
            return await asyncio.wait_for(self._ready, LIMIT)
        except TimeoutError:
            raise SandboxError(f"a sandbox of {self.template.name} hangs: {doing(pid)}") from None

    async def _volume(self, size_mb: int, opened: contextlib.ExitStack) -> int | None:
        if self._storage is None:
            return None
        volume = await asyncio.to_thread(self._storage.make, size_mb)
        opened.callback(os.close, volume)
        return volume

    def _opened(
        self, theirs: contextlib.ExitStack, user: int, front_door_port: int, network: Network | None, tmp: int | None
    ) -> tuple[Message, list[int]]:
        """What is told to the first process, and its ends of the channel and the output, which are closed here then."""
        own, channel = Channel.pair()
        theirs.callback(channel.close)
        self._channel = Channel(own, self._received)
        self.output, writable = os.pipe()
        theirs.callback(os.close, writable)
        os.set_blocking(self.output, False)
        if user != USER_INSIDE:
            self._user = user
            os.fchown(writable, user, user)  # or it could not open its own /dev/stdout
        entrances = entrances_of(self._cgroup, theirs)
        routes = self._user_networks.forbidding_routes() if self._user_networks is not None else []
        return prepare_message(channel.fileno(), writable, user, front_door_port, network, routes, tmp, entrances)

    def _watch(self, pid: int) -> None:
        self._pidfd = os.pidfd_open(pid)
        if self._cgroup is None:
            self._cgroup = Descendants(pid)
        asyncio.get_running_loop().add_reader(self._pidfd, self._first_process_ended)

    def _take_listeners(self, fds: list[int], port: int, network: Network | None) -> None:
        if network is not None:
            self.runtime_api, self.front_door = network.runtime_api, network.front_door
            self.front_door_address = network.front_door_address
            self.trace_daemon = network.trace_daemon
            return
        *others, daemon = fds
        self.runtime_api, self.trace_daemon = listening(others[0]), listening(daemon)
        if len(others) > 1:
            self.front_door = listening(others[1])
            self.front_door_address = f"127.0.0.1:{port}"

    # --- Running ----------------------------------------------------------------------------------------------------

    def start(self, spec: SandboxSpec) -> None:
        assert self._channel is not None
        self._not_executed = None
        try:
            if spec.extensions:
                self.extensions.open_output(self._user)
            if not self._started:
                self._started = True
                self._memory_mb = spec.memory_mb
                if self._cgroup is not None:
                    self._cgroup.limit_memory(spec.memory_mb)
                if self._storage is not None and spec.ephemeral_mb != DEFAULT_MB:
                    self._enlarging = asyncio.create_task(self._start_with_other_volume(spec))
                    return
            self._channel.send(*self._start_message(spec))
        except OSError as error:
            asyncio.get_running_loop().call_soon(self._report, Exit(setup_error=f"start: {error}"))

    async def _start_with_other_volume(self, spec: SandboxSpec) -> None:
        assert self._channel is not None
        try:
            with contextlib.ExitStack() as theirs:
                volume = await self._volume(spec.ephemeral_mb, theirs)
                if self._destroyed is None:
                    self._channel.send(*self._start_message(spec, volume))
        except OSError as error:
            self._report(Exit(setup_error=f"start: {error}"))

    def _start_message(self, spec: SandboxSpec, volume: int | None = None) -> tuple[Message, list[int]]:
        """Raises OSError."""
        output = self.extensions.open_output(self._user) if spec.extensions else None
        return start_message(spec, volume, output)

    def _send(self, message: Message) -> None:
        if self._channel is None or self._ended.is_set():
            raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        self._channel.send(message)

    def throttle(self) -> None:
        if self._cgroup is not None and not self._ended.is_set():
            with contextlib.suppress(FileNotFoundError):
                self._cgroup.limit_cpu(self._memory_mb)

    async def reset(self) -> None:
        assert self._channel is not None
        if self._enlarging is not None:  # its message must not come after this one
            await asyncio.wait({self._enlarging})
        self.thaw()
        self._reset = asyncio.get_running_loop().create_future()
        try:
            self._channel.send({"op": "reset"})
            await asyncio.wait_for(self._reset, LIMIT)
        finally:
            self._reset = None
        self._new_oom_kills()

    def freeze(self) -> None:
        if self._cgroup is not None and self._destroyed is None:
            self._cgroup.freeze()

    def thaw(self) -> None:
        if self._cgroup is not None and self._destroyed is None:
            self._cgroup.thaw()

    def memory_peak(self) -> int:
        if self._cgroup is None or self._destroyed is not None:
            return self._usage.memory_peak
        return self._cgroup.memory_peak()

    def usage(self) -> Usage:
        group = self._cgroup
        if group is not None and self._destroyed is None:
            current, cpu_seconds = group.memory_current(), group.cpu_seconds()
            self._usage = Usage(group.memory_peak(), current, group.oom_kills(), cpu_seconds)
        return self._usage

    # --- What the first process says --------------------------------------------------------------------------------

    def _received(self, message: Message | None, fds: list[int]) -> None:
        """Untrusted, in form and in time."""
        if message is not None and message["op"] == "ready" and not self._ready.done():
            self._ready.set_result(fds)
            return
        heard = self._reset is None and self._destroyed is None
        if message is not None and self.extensions.received(message, fds, heard):
            return
        for fd in fds:
            os.close(fd)
        if message is None:
            return  # its end is seen by `_first_process_ended`
        if message["op"] == "exit":
            self._report(self._exit_of(message))
        elif message["op"] == "not executed":
            number = message.get("errno")
            self._not_executed = errno.errorcode.get(number, "EIO") if isinstance(number, int) else "EIO"
        elif message["op"] == "reset" and self._reset is not None and not self._reset.done():
            self._reset.set_result(None)
        elif message["op"] == "failed":
            self._fail(str(message.get("text")))

    def _exit_of(self, message: Message) -> Exit:
        if self._not_executed is not None:
            return Exit(exec_errno=self._not_executed)
        number = message.get("signal")
        if isinstance(number, int):
            return Exit(signal=number, oom=self._new_oom_kills() and number == signal.SIGKILL)
        code = message.get("code")
        return Exit(code=code if isinstance(code, int) else 1)

    def _new_oom_kills(self) -> bool:
        """Since it was last asked."""
        kills = self._cgroup.oom_kills() if self._cgroup is not None else 0
        more, self._oom_kills = kills > self._oom_kills, kills
        return more

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
        if self._new_oom_kills() and self._started:  # where nothing protects it, the kernel may have chosen it
            self._report(Exit(signal=signal.SIGKILL, oom=True))
        else:
            self._fail("its first process ended")

    # --- Ending -----------------------------------------------------------------------------------------------------

    async def destroy(self) -> None:
        if self._destroyed is None:
            self._destroyed = asyncio.create_task(self._destroy())
        await asyncio.shield(self._destroyed)

    async def _destroy(self) -> None:
        if self._pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            if self._cgroup is not None:
                self._cgroup.thaw()  # only now: no instruction of the function's is executed any more
            await asyncio.wait_for(self._ended.wait(), LIMIT)
        elif self._channel is not None:
            self._channel.close()
        if self.output >= 0:
            os.close(self.output)
            self.output = -1
        self.extensions.close()
        if self._user_network is not None:
            await self._user_network.close()
        if self._cgroup is not None:
            await gone(self._cgroup.remove)
        self._gone()


async def gone(remove: Callable[[], bool]) -> None:
    """A control group goes a moment after its last process: the kernel says no until then."""
    wait = 0.0005
    for _ in range(12):
        if remove():
            return
        await asyncio.sleep(wait)
        wait *= 2
    log.warning("a control group could not be removed")
