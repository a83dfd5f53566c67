"""What isolation is asked for and what it gives: the records and the two Protocols every driver keeps.

A sandbox is made in two steps, so that the costly one (namespaces, network, control group, first process) can be done
before anyone waits: `Driver.prepare(template)` gives a sandbox that could run any function of one runtime;
`Sandbox.start(spec)` makes it this function's and starts the runtime process in it.
"""

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Bind:
    """A host directory or file seen read-only inside, at `target` (absolute)."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Template:
    """What sandboxes of one runtime have in common, before they know their function. Hashable: one zygote each."""

    name: str
    """The runtime's identifier, e.g. `python3.12`."""
    binds: tuple[Bind, ...] = ()
    """Beyond the system's own read-only directories: the interpreter, the runtime client."""
    symlinks: tuple[tuple[str, str], ...] = ()
    """(target, path inside), e.g. `("/usr/bin/python3.11", "/var/lang/bin/python3.11")`."""
    zygote: tuple[str, ...] | None = None
    """The interpreter's argv (inside paths) when the runtime forks; None when its process is executed."""
    preload: str | None = None
    """Path inside of the module the zygote imports: `preload()` before any fork, `run(environment)` in the child. With a
    snapshot to write `run(environment, descriptor)`, with one to restore `restore(environment, descriptor)`."""
    prestart: tuple[str, ...] | None = None
    """argv of an interpreter to start before the function is known; it waits for its environment (a JSON object of
    strings, to end of file) on the descriptor named by the variable LAMBDAD_PRESTART_FD."""
    spare: int = 2
    """How many prepared sandboxes to keep ready."""


@dataclass(frozen=True, slots=True)
class SnapshotFile:
    """Where a runtime that forks is to write what it is once initialised; or what it is to become."""

    descriptor: int
    """Writable, or only readable. Whoever starts the sandbox keeps it open until `start` has returned."""
    limit: int | None = None
    """Bytes it may be long, if it is to be written; None: it is to be restored."""


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """What makes a prepared sandbox one function's. Paths are the host's."""

    code: str
    """Directory mounted read-only at /var/task."""
    layers: tuple[str, ...]
    """Directories merged read-only at /opt, the last one on top."""
    memory_mb: int
    """The control group's memory limit; CPU follows it (1,769 MB = 1 vCPU)."""
    ephemeral_mb: int
    """The size of /tmp."""
    environment: Mapping[str, str]
    """The whole environment of the runtime process."""
    argv: tuple[str, ...] | None
    """The runtime process (inside paths); None: fork the zygote and call its `run`."""
    snapshot: SnapshotFile | None = None
    """Only with a runtime that forks: `argv` is None then."""
    extensions: tuple[str, ...] = ()
    """External extensions, by the names of their files in /opt/extensions: they are started first, and the runtime process
    only when `ExtensionProcesses.start_runtime` is called."""
    extension_environment: Mapping[str, str] = field(default_factory=dict)
    """The whole environment of each."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a runtime process ended: an exit code, or the signal that ended it, or why it never ran."""

    code: int | None = None
    signal: int | None = None
    setup_error: str | None = None
    """The sandbox could not be made (a mount failed, a program is missing): not the function's fault."""
    exec_errno: str | None = None
    """The name of the error with which the kernel refused to execute argv[0], e.g. ENOENT."""
    oom: bool = False
    """The kernel ended it for going over the memory limit."""


@dataclass(frozen=True, slots=True)
class Usage:
    memory_peak: int
    """Bytes, the highest since the sandbox was specialised."""
    memory_current: int
    oom_kills: int
    cpu_seconds: float


class ExtensionProcesses(Protocol):
    """The processes of a sandbox's external extensions, and the runtime process as far as it depends on them."""

    output: int
    """Read end (non-blocking) of the pipe that is their stdout and stderr; -1 until the first is started."""
    on_exit: Callable[[str, Exit], None] | None
    """As `Sandbox.on_exit`, with the extension's name."""

    def start_runtime(self) -> None:
        """After a start with extensions, once."""

    def signal_runtime(self, number: int) -> None: ...

    def kill(self, name: str) -> None:
        """One of them, with its process group."""

    async def connect(self, port: int) -> socket.socket:
        """To the sandbox's own loopback, from inside it; non-blocking. Raises OSError, TimeoutError."""


class Sandbox(Protocol):
    """One prepared or running sandbox. `start` may be called again after `reset`."""

    id: str
    template: Template
    runtime_api: socket.socket
    """Listening, non-blocking; only this sandbox's processes can connect to it."""
    runtime_api_address: str
    """host:port as the sandbox sees it."""
    front_door: socket.socket | None
    """Listening inside, at the server's own port: the AWS endpoint as the function reaches it."""
    front_door_address: str | None
    trace_daemon: socket.socket
    """Of datagrams, bound, non-blocking: what processes inside send to the X-Ray daemon comes here. Nobody else can."""
    trace_daemon_address: str
    task_root: str
    """/var/task, or where the driver has to put it."""
    output: int
    """Read end (non-blocking) of the pipe that is stdout and stderr of every process inside."""
    on_exit: Callable[[Exit], None] | None
    """Called on the event loop when the runtime process (not a child of it) has ended; not for those `reset` ends."""

    @property
    def extensions(self) -> ExtensionProcesses: ...

    def start(self, spec: SandboxSpec) -> None:
        """Set the limits, mount the function, start its runtime process. Returns at once; failure comes by on_exit."""

    async def reset(self) -> None:
        """Every process inside but the first is dead when this returns; /tmp stays (as AWS's reset does)."""

    def throttle(self) -> None:
        """INIT is over: from now on CPU follows memory. Until then it is not limited, as AWS's is boosted."""

    def freeze(self) -> None: ...

    def thaw(self) -> None: ...

    def usage(self) -> Usage: ...

    def memory_peak(self) -> int:
        """Of `usage`, by itself: it is asked after invocations."""

    async def destroy(self) -> None:
        """Every process is dead and everything made for it is gone when this returns. Idempotent."""


class Driver(Protocol):
    name: str
    front_door_port: int
    """The server's own port, set before the first `prepare`: inside, the AWS endpoint has the same."""

    async def open(self) -> None:
        """Remove what a killed server left behind (processes, mounts, control groups, interfaces), then be ready."""

    async def prepare(self, template: Template) -> Sandbox:
        """A sandbox for any function of this runtime. Raises SandboxError in words a person can act on."""

    async def close(self) -> None:
        """Destroy every sandbox and zygote."""


class SandboxError(Exception):
    """The host refused something a sandbox needs; the text says what and what would help."""
