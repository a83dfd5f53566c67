"""Sandboxes without the rest of the product: a driver, programs to run in it, and what they said and how they ended."""

import asyncio
import os
import sys
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from lambdad.sandbox.driver import Bind, Exit, Sandbox, SandboxSpec, Template, Usage
from lambdad.sandbox.namespaces import NamespacesDriver

T = TypeVar("T")
LIMIT = 60.0
"""Seconds that any step may take on a busy machine."""
SHELL = Template("provided.al2023")
PYTHON = ("/var/lang/bin/python3", "/var/task/main.py")
_LIBRARIES = "/var/lang/lib"
_RUNTIME = """
import os

def preload():
    pass

def run(environment):
    os.environ.clear()
    os.environ.update(environment)
    exec(compile(open("/var/task/main.py").read(), "main.py", "exec"), {"__name__": "__main__"})
"""


def python(data_dir: Path, **more: Any) -> Template:
    """A template that has the tests' own interpreter; `zygote=True`: forked, with a runtime that runs main.py."""
    runtime = data_dir / "runtime"
    runtime.mkdir(exist_ok=True)
    (runtime / "bootstrap.py").write_text(_RUNTIME)
    binds = (Bind(sys.base_prefix, "/var/lang"), Bind(str(runtime), "/var/runtime"))
    if more.pop("zygote", False):
        start = ("/usr/bin/env", "-i", f"LD_LIBRARY_PATH={_LIBRARIES}", PYTHON[0], "-I", "-S")
        more |= {"zygote": start, "preload": "/var/runtime/bootstrap.py"}
    return Template("python", binds, **more)


@dataclass(slots=True)
class Running:
    """A started sandbox: everything it has printed, and how its runtime processes ended, in order."""

    sandbox: Sandbox
    output: bytes = b""
    exits: "asyncio.Queue[Exit]" = field(default_factory=asyncio.Queue)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.sandbox.on_exit = self.exits.put_nowait
        asyncio.get_running_loop().add_reader(self.sandbox.output, self._readable)

    def _readable(self) -> None:
        data = os.read(self.sandbox.output, 65536)
        self.output += data
        if not data:
            asyncio.get_running_loop().remove_reader(self.sandbox.output)
        self.changed.set()

    async def ended(self) -> Exit:
        """The runtime process's end, once everything printed before it has been read."""
        how = await asyncio.wait_for(self.exits.get(), LIMIT)
        self.drain()
        return how

    def drain(self) -> None:
        try:
            while data := os.read(self.sandbox.output, 65536):
                self.output += data
        except BlockingIOError:
            return

    async def says(self, text: str) -> None:
        async with asyncio.timeout(LIMIT):
            while text.encode() not in self.output:
                self.changed.clear()
                await self.changed.wait()

    @property
    def text(self) -> str:
        return self.output.decode(errors="replace")


class Host:
    """One driver and its data directory. Everything runs on the loop of the test's own thread."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.unpacked = data_dir / "unpacked"
        self.unpacked.mkdir(parents=True, exist_ok=True)
        self.driver = NamespacesDriver(data_dir, self.unpacked, None)
        self.driver.front_door_port = 4566
        self._loop = asyncio.new_event_loop()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(asyncio.wait_for(work, LIMIT))

    def open(self) -> "Host":
        self.run(self.driver.open())
        return self

    def close(self) -> None:
        self.run(self.driver.close())
        self._loop.close()

    def groups(self) -> list[Path]:
        """The directories that hold this driver's control groups."""
        return [Path(line) for line in (self.data_dir / "run" / "cgroups").read_text().split()]

    def package(self, files: dict[str, str]) -> str:
        """A directory as unpacked code is: readable by anyone, files executable."""
        place = self.unpacked / uuid.uuid4().hex
        for name, content in files.items():
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
            path.chmod(0o755)
        return str(place)

    def spec(self, files: dict[str, str], **more: Any) -> SandboxSpec:
        environment = {"LAMBDA_TASK_ROOT": "/var/task", "PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": _LIBRARIES}
        wanted = {"layers": (), "memory_mb": 256, "ephemeral_mb": 64, "argv": ("/var/task/bootstrap",), **more}
        wanted["environment"] = {**environment, **more.get("environment", {})}
        return SandboxSpec(code=self.package(files), **wanted)

    def shell_spec(self, script: str, **more: Any) -> SandboxSpec:
        return self.spec({"bootstrap": "#!/bin/sh\n" + script}, **more)

    def python_spec(self, program: str, **more: Any) -> SandboxSpec:
        return self.spec({"main.py": program}, **{"argv": PYTHON, **more})

    async def start(self, spec: SandboxSpec, template: Template = SHELL) -> Running:
        sandbox = await self.driver.prepare(template)
        running = Running(sandbox)
        sandbox.start(spec)
        return running

    def execute(self, spec: SandboxSpec, template: Template = SHELL) -> "Ended":
        """Run it to its end."""
        return self.run(self._execute(spec, template))

    async def _execute(self, spec: SandboxSpec, template: Template) -> "Ended":
        running = await self.start(spec, template)
        how = await running.ended()
        usage = running.sandbox.usage()
        await running.sandbox.destroy()
        return Ended(running.text, how, usage)

    def shell(self, script: str, **more: Any) -> "Ended":
        return self.execute(self.shell_spec(script, **more))

    def python(self, program: str, **more: Any) -> "Ended":
        return self.execute(self.python_spec(program, **more), python(self.data_dir))


@dataclass(frozen=True, slots=True)
class Ended:
    text: str
    exit: Exit
    usage: Usage
