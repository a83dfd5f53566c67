"""What every sandbox driver keeps, as a suite: a driver's test file makes a class of it and says how the driver is made.

    class TestMyDriver(SandboxConformance):
        def make_driver(self, data_dir: Path) -> Driver: ...

`data_dir/unpacked` is where functions and layers lie, as in a server's data directory.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lambdad.sandbox.driver import Driver, Exit, Sandbox, SandboxSpec, Template

SECONDS = 20.0
TEMPLATE = Template(name="provided.al2023")
PATH = "/usr/local/bin:/usr/bin:/bin:/opt/bin"


class Observed:
    """A sandbox with what came out of it."""

    def __init__(self, sandbox: Sandbox, unpacked: Path) -> None:
        self.sandbox = sandbox
        self.text = ""
        self.exits: list[Exit] = []
        self._unpacked = unpacked
        self._changed = asyncio.Event()
        sandbox.on_exit = self._exited
        asyncio.get_running_loop().add_reader(sandbox.output, self._readable)

    def _exited(self, how: Exit) -> None:
        self.exits.append(how)
        self._changed.set()

    def _readable(self) -> None:
        self.text += os.read(self.sandbox.output, 65536).decode(errors="replace")
        self._changed.set()

    def task_root(self) -> str:
        """The path that a process inside sees as its working directory."""
        return os.path.realpath(self.sandbox.task_root)

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(SECONDS):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def exit(self) -> Exit:
        await self.until(lambda: self.exits)
        assert len(self.exits) == 1
        return self.exits[0]

    async def says(self, text: str) -> None:
        await self.until(lambda: text in self.text)

    def run(self, script: str, **settings: object) -> None:
        """Start a bash script as the function's bootstrap."""
        self.start(self.file("function", "bootstrap", f"#!/bin/bash\n{script}\n"), **settings)

    def start(
        self,
        code: Path,
        layers: tuple[Path, ...] = (),
        memory_mb: int = 256,
        environment: Mapping[str, str] | None = None,
        argv: tuple[str, ...] | None = None,
    ) -> None:
        task_root = self.sandbox.task_root
        spec = SandboxSpec(
            str(code),
            tuple(map(str, layers)),
            memory_mb,
            512,
            {"PATH": PATH, "LAMBDA_TASK_ROOT": task_root, **(environment or {})},
            argv or (f"{task_root}/bootstrap",),
        )
        self.sandbox.start(spec)

    def file(self, package: str, name: str, content: str, mode: int = 0o755) -> Path:
        """Write a file of a package (a function's code, a layer); the package's directory."""
        directory = self._unpacked / package
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(mode)
        for parent in (path.parent, directory):
            parent.chmod(0o755)
        return directory


Check = Callable[[Observed], Awaitable[None]]


class SandboxConformance:
    def make_driver(self, data_dir: Path) -> Driver:
        raise NotImplementedError

    @asynccontextmanager
    async def observed(self, data_dir: Path) -> AsyncIterator[Observed]:
        unpacked = data_dir / "unpacked"
        unpacked.mkdir()
        driver = self.make_driver(data_dir)
        await driver.open()
        try:
            sandbox = await driver.prepare(TEMPLATE)
            seen = Observed(sandbox, unpacked)
            yield seen
            if sandbox.output >= 0:
                asyncio.get_running_loop().remove_reader(sandbox.output)
            await sandbox.destroy()
        finally:
            await driver.close()

    def check(self, data_dir: Path, check: Check) -> None:
        async def main() -> None:
            async with self.observed(data_dir) as seen:
                await check(seen)

        asyncio.run(main())

    # --- Starting ---------------------------------------------------------------------------------------------------

    def test_the_bootstrap_runs_in_the_task_root_with_its_environment(self, tmp_path: Path) -> None:
        async def check(seen: Observed) -> None:
            seen.run('echo "at $PWD with $GREETING"; cat; echo end', environment={"GREETING": "a b\nc"})
            assert await seen.exit() == Exit(code=0)
            await seen.says("end")
            assert seen.text == f"at {seen.task_root()} with a b\nc\nend\n"

        self.check(tmp_path, check)

    def test_the_environment_is_whole(self, tmp_path: Path) -> None:
        async def check(seen: Observed) -> None:
            os.environ["LAMBDAD_TEST_OF_THE_HOST"] = "secret"
            try:
                seen.run("exec /usr/bin/env")
                await seen.exit()
            finally:
                del os.environ["LAMBDAD_TEST_OF_THE_HOST"]
            await seen.says("LAMBDA_TASK_ROOT")
            assert "secret" not in seen.text

        self.check(tmp_path, check)

    def test_both_outputs_are_one_pipe_in_order(self, tmp_path: Path) -> None:
        async def check(seen: Observed) -> None:
            seen.run("for n in 1 2 3; do echo out $n; echo err $n >&2; done")
            await seen.says("err 3")
            assert seen.text == "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n"

        self.check(tmp_path, check)

    def test_layers_are_merged_and_the_last_one_wins(self, tmp_path: Path) -> None:
        async def check(seen: Observed) -> None:
            below = seen.file("below", "bin/first-tool", "#!/bin/sh\necho one\n")
            seen.file("below", "bin/both-tool", "#!/bin/sh\necho below\n")
            above = seen.file("above", "bin/both-tool", "#!/bin/sh\necho above\n")
            code = seen.file("function", "bootstrap", "#!/bin/sh\nfirst-tool; both-tool; echo end\n")
            seen.start(code, (below, above))
            await seen.says("end")
            assert seen.text == "one\nabove\nend\n"

        self.check(tmp_path, check)

    def test_one_layer(self, tmp_path: Path) -> None:
        async def check(seen: Observed) -> None:
            layer = seen.file("layer", "bin/only-tool", "#!/bin/sh\necho only\n")
            seen.start(seen.file("function", "bootstrap", "#!/bin/sh\nexec only-tool\n"), (layer,))
            await seen.says("only")

        self.check(tmp_path, check)

    def test_the_runtime_api_is_reached_from_inside(self, tmp_path: Path) -> None:
        async def check(seen: Observed) -> None:
            host, port = seen.sandbox.runtime_api_address.split(":")
            seen.run(f"exec 3<>/dev/tcp/{host}/{port}; echo hello >&3; read answer <&3; echo got $answer")
            connection, _ = await accept(seen.sandbox)
            with connection:
                await asyncio.get_running_loop().sock_sendall(connection, b"world\n")
                assert await asyncio.get_running_loop().sock_recv(connection, 100) == b"hello\n"
                await seen.says("got world")

        async def accept(sandbox: Sandbox) -> tuple[object, object]:
            async with asyncio.timeout(SECONDS):
                connection, peer = await asyncio.get_running_loop().sock_accept(sandbox.runtime_api)
            connection.setblocking(False)
            return connection, peer

        self.check(tmp_path, check)

    # --- Ending -----------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("script", "how"),
        [
            ("exit 0", Exit(code=0)),
            ("exit 42", Exit(code=42)),
            ("kill -SEGV $BASHPID", Exit(signal=signal.SIGSEGV)),
            ("kill -KILL $BASHPID", Exit(signal=signal.SIGKILL)),
        ],
    )
    def test_how_the_runtime_process_ended_is_told(self, tmp_path: Path, script: str, how: Exit) -> None:
        async def check(seen: Observed) -> None:
            # The first process of a pid namespace of its own would not feel its own signals.
            seen.run(script)
            assert await seen.exit() == how

        self.check(tmp_path, check)

    @pytest.mark.parametrize(
        ("content", "mode", "name"),
        [(None, 0o755, "ENOENT"), ("#!/bin/sh\n", 0o644, "EACCES"), ("\1\2\3\4 no program", 0o755, "ENOEXEC")],
    )
    def test_what_cannot_be_executed_is_told(self, tmp_path: Path, content: str | None, mode: int, name: str) -> None:
        async def check(seen: Observed) -> None:
            code = seen.file("function", "bootstrap" if content else "other", content or "", mode)
            seen.start(code)
            assert await seen.exit() == Exit(exec_errno=name)

        self.check(tmp_path, check)

    def test_reset_ends_everything_keeps_temporary_files_and_is_silent(self, tmp_path: Path) -> None:
        async def check(seen: Observed) -> None:
            script = "T=${TMPDIR:-/tmp}; if [ -e $T/kept ]; then echo kept; exec sleep 600; fi; echo > $T/kept; "
            seen.run(script + "(while :; do echo background; sleep 0.01; done) & echo started; wait")
            await seen.says("background")
            await seen.sandbox.reset()
            drained(seen)
            assert seen.exits == []
            seen.text = ""
            seen.run(script)
            await seen.says("kept")
            assert "background" not in seen.text
            assert seen.exits == []

        def drained(seen: Observed) -> None:
            """What was in the pipe when the writers died."""
            while True:
                try:
                    seen.text += os.read(seen.sandbox.output, 65536).decode()
                except BlockingIOError:
                    return

        self.check(tmp_path, check)

    def test_start_after_the_runtime_process_ended(self, tmp_path: Path) -> None:
        async def check(seen: Observed) -> None:
            seen.run("exit 1")
            await seen.exit()
            await seen.sandbox.reset()
            seen.exits.clear()
            seen.run("exit 2")
            assert await seen.exit() == Exit(code=2)

        self.check(tmp_path, check)

    def test_destroy_ends_everything_and_may_be_repeated(self, tmp_path: Path) -> None:
        marker = f"{600 + os.getpid()}.{os.urandom(3).hex().translate(str.maketrans('abcdef', '012345'))}"

        async def check(seen: Observed) -> None:
            seen.run(f"sleep {marker} & echo ready; sleep {marker}")
            await seen.says("ready")
            asyncio.get_running_loop().remove_reader(seen.sandbox.output)
            await seen.sandbox.destroy()
            await seen.sandbox.destroy()
            assert not any(marker in line for line in command_lines())
            assert seen.exits == []

        self.check(tmp_path, check)

    # --- Limits -----------------------------------------------------------------------------------------------------

    def test_frozen_it_does_nothing_and_thawed_it_goes_on(self, tmp_path: Path) -> None:
        async def check(seen: Observed) -> None:
            seen.run("while :; do echo tick; sleep 0.002; done")
            await seen.says("tick")
            seen.sandbox.freeze()
            for _ in range(20):  # what was written before; a pipe that stays empty this often has no writer
                before = seen.sandbox.usage().cpu_seconds, len(seen.text)
                await asyncio.sleep(0.05)
                if (seen.sandbox.usage().cpu_seconds, len(seen.text)) == before:
                    break
            else:
                raise AssertionError("it is not frozen")
            seen.text = ""
            seen.sandbox.thaw()
            await seen.says("tick")
            seen.sandbox.freeze()

        self.check(tmp_path, check)

    def test_over_the_memory_limit_it_is_killed(self, tmp_path: Path) -> None:
        async def check(seen: Observed) -> None:
            seen.run("exec tail /dev/zero", memory_mb=128)
            assert await seen.exit() == Exit(signal=signal.SIGKILL, oom=True)
            assert seen.sandbox.usage().oom_kills == 1

        self.check(tmp_path, check)

    def test_usage_is_measured(self, tmp_path: Path) -> None:
        async def check(seen: Observed) -> None:
            seen.run("x=$(head -c 50000000 /dev/zero | tr '\\0' x); echo ready; exec 3<> /dev/null; sleep 600")
            await seen.says("ready")
            usage = seen.sandbox.usage()
            assert 50_000_000 < usage.memory_peak < 256 * 1048576
            assert usage.oom_kills == 0

        self.check(tmp_path, check)


def command_lines() -> list[str]:
    lines = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                lines.append(Path(f"/proc/{name}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                continue
    return lines
