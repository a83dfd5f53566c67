"""The process driver: each sandbox is a process group of the server's user. For macOS, and Linux without privileges.

It keeps what functions need to run, not what keeps them apart. A function here can read every file its user can read, sees
the host's processes and network, and can connect to the Runtime API of others (a port of 127.0.0.1 that is not told to it).
Its code is at a path of its own instead of /var/task, the directory for temporary files is $TMPDIR instead of /tmp and has no
size limit, layers are at a path of their own instead of /opt (the usual path variables are adapted), CPU is not limited, and
memory is looked at four times a second instead of being limited by the kernel.
"""

import asyncio
import contextlib
import errno
import hashlib
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from lambdad.sandbox.driver import Exit, SandboxError, SandboxSpec, Template, Usage
from lambdad.sandbox.process_extensions import ProcessExtensions
from lambdad.sandbox.process_groups import END_SECONDS, gone, kill_group, limit_files, signal_main_thread, when_ended
from lambdad.sandbox.process_table import GroupUsage, kill_marked, peak_memory, usage_by_group

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.25
_PATH_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "NODE_PATH", "PYTHONPATH", "RUBYLIB", "GEM_PATH", "CLASSPATH")


class ProcessSandbox:
    """One sandbox. `driver.py` says what each method promises, the docstring above what this driver cannot."""

    def __init__(self, number: int, template: Template, driver: "ProcessDriver", directory: Path) -> None:
        self.id = str(number)
        self.template = template
        self.runtime_api = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.runtime_api.setblocking(False)
        self.runtime_api_address = f"127.0.0.1:{self.runtime_api.getsockname()[1]}"
        self.trace_daemon = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.trace_daemon.bind(("127.0.0.1", 0))
        self.trace_daemon.setblocking(False)
        self.trace_daemon_address = f"127.0.0.1:{self.trace_daemon.getsockname()[1]}"
        self.front_door: socket.socket | None = None
        port = driver.front_door_port
        self.front_door_address: str | None = f"127.0.0.1:{port}" if port else None
        self.output, self._output_end = os.pipe()
        os.set_blocking(self.output, False)
        self.on_exit: Callable[[Exit], None] | None = None
        self.extensions = ProcessExtensions(self._start_held, self._signal_runtime, driver.watch, driver.unwatch)
        self._held: SandboxSpec | None = None
        self._driver = driver
        self._directory = directory
        self.task_root = str(directory / "task")
        (directory / "tmp").mkdir(parents=True)
        self._process: subprocess.Popen[bytes] | None = None
        self._last_group: int | None = None
        self._limit = 0
        self._usage = GroupUsage(0, 0.0)
        self._peak = 0
        self._oom_kills = 0
        self._oom = False
        self._frozen = False
        self._starting: asyncio.Task[None] | None = None
        self._mark: bytes | None = None
        self._destroyed: asyncio.Task[None] | None = None

    # --- Running ----------------------------------------------------------------------------------------------------

    def start(self, spec: SandboxSpec) -> None:
        self._limit = spec.memory_mb * 1024 * 1024
        self._usage, self._oom = GroupUsage(0, 0.0), False
        if spec.extensions:
            self.extensions.open_output()
        self._starting = asyncio.create_task(self._start(spec))

    async def _start(self, spec: SandboxSpec) -> None:
        """Each sandbox has a copy of the code: what a function writes there is its own loss."""
        task = self._directory / "task"
        try:
            await asyncio.to_thread(shutil.rmtree, task, ignore_errors=True)
            await asyncio.to_thread(shutil.copytree, spec.code, task, symlinks=True)
            if self._destroyed is not None:
                return
            _link(self._driver.merged(spec.layers), self._directory / "opt")
            if spec.extensions:
                self._held = spec
                programs = self._directory / "opt" / "extensions"
                self.extensions.start(spec.extensions, programs, self._environment(spec.extension_environment))
                return
            how = self._execute(spec)
        except OSError as error:
            how = Exit(setup_error=f"start: {error}")
        if how is not None:
            self._report(how)

    def _start_held(self) -> None:
        """The extensions have registered."""
        spec, self._held = self._held, None
        try:
            how = self._execute(spec) if spec is not None and self._destroyed is None else None
        except OSError as error:
            how = Exit(setup_error=f"start: {error}")
        if how is not None:
            asyncio.get_running_loop().call_soon(self._report, how)

    def _signal_runtime(self, number: int) -> None:
        if self._process is not None:
            signal_main_thread(self._process.pid, number)

    def _execute(self, spec: SandboxSpec) -> Exit | None:
        """None: it runs. Raises OSError."""
        if spec.argv is None:
            return Exit(
                setup_error=f"the process driver executes runtimes; {self.template.name} gives nothing to execute"
            )
        try:
            self._process = subprocess.Popen(
                [self._place(argument) for argument in spec.argv],
                cwd=self.task_root,
                env=self._environment(spec.environment),
                stdin=subprocess.DEVNULL,
                stdout=self._output_end,
                stderr=self._output_end,
                start_new_session=True,
            )
        except OSError as error:
            if error.filename in (self.task_root, None):
                raise
            return Exit(exec_errno=errno.errorcode.get(error.errno or 0, "EIO"))
        self._last_group = self._process.pid
        self._mark = _mark_of(spec.environment)
        when_ended(self._process, self._ended)
        limit_files(self._process.pid)
        self._driver.watch(self._process.pid)
        return None

    def _environment(self, given: Mapping[str, str]) -> dict[str, str]:
        """With the directories that are elsewhere here."""
        environment = {**given, "TMPDIR": str(self._directory / "tmp")}
        for name in _PATH_VARIABLES:
            if name in environment:
                entries = (self._place(entry) for entry in environment[name].split(":"))
                environment[name] = ":".join(entries)
        return environment

    def _place(self, entry: str) -> str:
        return str(self._directory) + entry if entry == "/opt" or entry.startswith("/opt/") else entry

    def _ended(self, process: "subprocess.Popen[bytes]") -> None:
        """Called before anyone has waited for it: its number is still its own, so the group can be killed safely."""
        kill_group(process.pid, signal.SIGKILL)
        status = process.wait()
        if process is not self._process:
            return  # reset has ended it, and waits for its group
        self._process = None
        if status >= 0:
            self._report(Exit(code=status))
        else:
            self._report(Exit(signal=-status, oom=self._oom))

    def _report(self, how: Exit) -> None:
        if self.on_exit is not None and self._destroyed is None:
            self.on_exit(how)

    # --- Limits -----------------------------------------------------------------------------------------------------

    @property
    def group(self) -> int | None:
        """What to look at: None when nothing runs, or is frozen."""
        return self._process.pid if self._process is not None and not self._frozen else None

    def observe(self, usage: GroupUsage) -> None:
        """A new reading; over the limit everything inside is killed."""
        self._usage = usage
        self._peak = max(self._peak, usage.memory)
        if usage.memory > self._limit and self._process is not None and not self._oom:
            self._oom = True
            self._oom_kills += 1
            kill_group(self._process.pid, signal.SIGKILL)

    def throttle(self) -> None:
        """CPU is not limited here."""

    def freeze(self) -> None:
        self._frozen = True
        self.extensions.signal(signal.SIGSTOP)
        if self._process is not None:
            kill_group(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        self._frozen = False
        self.extensions.signal(signal.SIGCONT)
        if self._process is not None:
            kill_group(self._process.pid, signal.SIGCONT)

    def memory_peak(self) -> int:
        if self._process is not None:
            self._peak = max(self._peak, peak_memory(self._process.pid))
        return self._peak

    def usage(self) -> Usage:
        return Usage(self.memory_peak(), self._usage.memory, self._oom_kills, self._usage.cpu_seconds)

    # --- Ending -----------------------------------------------------------------------------------------------------

    async def reset(self) -> None:
        if self._starting is not None:
            await asyncio.wait({self._starting})
        process, self._process = self._process, None
        group, self._last_group = self._last_group, None
        self._frozen = False
        self._held = None
        if process is not None:
            kill_group(process.pid, signal.SIGKILL)
        if self.extensions.output >= 0:
            await self.extensions.end(f"AWS_LAMBDA_RUNTIME_API={self.runtime_api_address}".encode())
        if group is not None:  # what the runtime process left was killed when it ended, a moment ago perhaps
            await gone(group)
            self._driver.unwatch(group)
            if self._mark is not None:
                await asyncio.to_thread(kill_marked, self._mark)

    async def destroy(self) -> None:
        if self._destroyed is None:
            self._destroyed = asyncio.create_task(self._destroy())
        await asyncio.shield(self._destroyed)

    async def _destroy(self) -> None:
        await self.reset()
        self.runtime_api.close()
        self.trace_daemon.close()
        for end in (self.output, self._output_end):
            os.close(end)
        self.extensions.close()
        await asyncio.to_thread(shutil.rmtree, self._directory, ignore_errors=True)
        self._driver.forget(self)


class ProcessDriver:
    """`front_door_port`: the server's own, to be set before the first `prepare`."""

    name = "process"

    def __init__(self, data_dir: Path) -> None:
        self.front_door_port = 0
        self._root = data_dir / "run" / "process"
        self._layers = data_dir / "run" / "layers"
        self._sandboxes: dict[str, ProcessSandbox] = {}
        self._made = 0
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._looking: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """The processes of a killed server were ended by its watchdog; its directories are removed here."""
        await asyncio.to_thread(shutil.rmtree, self._root, ignore_errors=True)
        self._root.mkdir(parents=True)
        self._watchdog = await asyncio.to_thread(_start_watchdog)
        self._looking = asyncio.create_task(self._look())

    async def prepare(self, template: Template) -> ProcessSandbox:
        self._made += 1
        try:
            sandbox = ProcessSandbox(self._made, template, self, self._root / str(self._made))
        except OSError as error:
            raise SandboxError(f"no sandbox for {template.name}: {error}") from error
        self._sandboxes[sandbox.id] = sandbox
        return sandbox

    async def close(self) -> None:
        await asyncio.gather(*(sandbox.destroy() for sandbox in list(self._sandboxes.values())))
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        if self._watchdog is not None and self._watchdog.stdin is not None:
            self._watchdog.stdin.close()
            await asyncio.to_thread(self._watchdog.wait, END_SECONDS)
        await asyncio.to_thread(shutil.rmtree, self._root, ignore_errors=True)

    # --- For its sandboxes --------------------------------------------------------------------------------------------

    def watch(self, group: int) -> None:
        """From now on it dies when the server does. Raises OSError."""
        self._tell(f"+{group}\n")

    def unwatch(self, group: int) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._tell(f"-{group}\n")

    def _tell(self, line: str) -> None:
        assert self._watchdog is not None
        assert self._watchdog.stdin is not None
        self._watchdog.stdin.write(line.encode())

    def forget(self, sandbox: ProcessSandbox) -> None:
        self._sandboxes.pop(sandbox.id, None)

    def merged(self, layers: tuple[str, ...]) -> str:
        """One directory with what is in all of these, the last one on top."""
        if len(layers) == 1:
            return layers[0]
        target = self._layers / hashlib.sha256("\n".join(layers).encode()).hexdigest()
        if not target.exists():
            building = target.with_suffix(".new")
            shutil.rmtree(building, ignore_errors=True)
            building.mkdir(parents=True)
            for layer in layers:
                _lay(Path(layer), building)
            building.rename(target)
        return str(target)

    async def _look(self) -> None:
        """Memory limits are kept by looking. Nothing is looked at while nothing runs."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if not any(sandbox.group is not None for sandbox in self._sandboxes.values()):
                continue
            try:
                usage = await asyncio.to_thread(usage_by_group)
            except (OSError, subprocess.SubprocessError) as error:
                log.warning("memory could not be read: %s", error)
                continue
            for sandbox in list(self._sandboxes.values()):
                group = sandbox.group
                if group is not None and group in usage:
                    sandbox.observe(usage[group])


def _start_watchdog() -> "subprocess.Popen[bytes]":
    program = str(Path(__file__).parent / "watchdog.py")
    return subprocess.Popen(
        [sys.executable, "-I", "-S", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        bufsize=0,
        cwd="/",
    )


def _mark_of(environment: Mapping[str, str]) -> bytes | None:
    """What no other sandbox's processes have among their variables."""
    stream = environment.get("AWS_LAMBDA_LOG_STREAM_NAME")
    return f"AWS_LAMBDA_LOG_STREAM_NAME={stream}".encode() if stream else None


def _link(target: str, path: Path) -> None:
    """A symbolic link, replacing one that is there."""
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def _lay(layer: Path, target: Path) -> None:
    """Directories are made, files are links to the layer's, over those of layers before."""
    for parent, directories, files in os.walk(layer):
        place = target / Path(parent).relative_to(layer)
        for name in directories:
            (place / name).mkdir(exist_ok=True)
        for name in files:
            _link(str(Path(parent) / name), place / name)
