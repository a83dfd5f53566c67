"""The process driver: what every driver keeps, and what this one has of its own."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from sandbox_suite import TEMPLATE, Observed, SandboxConformance, command_lines

from lambdad.sandbox.driver import Driver
from lambdad.sandbox.process import ProcessDriver
from processes import open_descriptors
from wait import wait_for


class TestProcessDriver(SandboxConformance):
    def make_driver(self, data_dir: Path) -> Driver:
        return ProcessDriver(data_dir)

    def test_the_front_door_is_the_servers_own(self, tmp_path: Path) -> None:
        async def main() -> None:
            driver = ProcessDriver(tmp_path)
            driver.front_door_port = 4566
            await driver.open()
            sandbox = await driver.prepare(TEMPLATE)
            assert (sandbox.front_door, sandbox.front_door_address) == (None, "127.0.0.1:4566")
            await driver.close()

        asyncio.run(main())

    def test_path_variables_name_the_layers_place(self, tmp_path: Path) -> None:
        async def check(seen: Observed) -> None:
            seen.run("echo $NODE_PATH; echo end", environment={"NODE_PATH": "/opt/nodejs/node_modules:/optional"})
            await seen.says("end")
            place = Path(seen.sandbox.task_root).parent
            assert seen.text.splitlines()[0] == f"{place}/opt/nodejs/node_modules:/optional"

        self.check(tmp_path, check)

    def test_nothing_of_it_is_left(self, tmp_path: Path) -> None:
        before = open_descriptors()

        async def check(seen: Observed) -> None:
            seen.run("sleep 600")

        self.check(tmp_path, check)
        assert not (tmp_path / "run" / "process").exists()
        assert open_descriptors() == before


_SERVER = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from sandbox_suite import TEMPLATE, Observed
from lambdad.sandbox.process import ProcessDriver

async def main():
    data_dir = Path(sys.argv[1])
    driver = ProcessDriver(data_dir)
    await driver.open()
    seen = Observed(await driver.prepare(TEMPLATE), data_dir / "unpacked")
    seen.run(f"sleep {sys.argv[3]} & echo ready; sleep {sys.argv[3]}")
    await seen.says("ready")
    print("ready", flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def test_when_the_server_is_killed_its_processes_end(tmp_path: Path) -> None:
    marker = f"{700 + os.getpid()}.{int.from_bytes(os.urandom(3), 'big')}"
    argv = [sys.executable, "-c", _SERVER, str(tmp_path), str(Path(__file__).parent), marker]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == "ready\n"
            # The script says so before its second sleep, and a fork is seen as sleep only after its exec.
            wait_for(lambda: sum(f"sleep {marker}" in line for line in command_lines()) == 2)
        finally:
            server.send_signal(signal.SIGKILL)
    wait_for(lambda: not any(marker in line for line in command_lines()))
