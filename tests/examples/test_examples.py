"""The examples' READMEs do what they say: their commands run one after another, and print what they promise."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import java_functions
from interpreters import JAVA, PYTHON
from server import Server

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ALIAS = 'aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }'
"""The tour's; scripts have no aliases."""
_NO_JAVA = JAVA in ("", "java8.al2") or not shutil.which("javac")
_NO_REGISTRY = "No matching distribution found"


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that the READMEs begin with."""
    running = Server(tmp_path_factory.mktemp("examples") / "data").start()
    yield running
    assert running.stop() == 0


def run(server: Server, commands: str, directory: Path) -> subprocess.CompletedProcess[str]:
    variables = {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_PAGER": "",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "TMPDIR": str(directory),
    }
    script = ["bash", "-euo", "pipefail", "-c", f"{_ALIAS}\n{commands}"]
    environment = {**os.environ, **variables}
    return subprocess.run(script, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False)


def pattern_of(text: str) -> str:
    """… stands for anything."""
    return ".*".join(map(re.escape, text.split("…")))


@pytest.mark.parametrize("name", sorted(path.parent.name for path in ROOT.glob("examples/*/README.md")))
def test_the_commands_do_what_is_said(
    tour: Server, name: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    blocks = _BLOCK.findall((ROOT / "examples" / name / "README.md").read_text())
    commands = "\n".join(text for kind, text in blocks if kind == "sh").replace("python3.11", PYTHON)
    if "java17" in commands:
        if _NO_JAVA:
            pytest.skip("no JDK is installed")
        commands = commands.replace("java17", JAVA)
        shared = java_functions.shared(tmp_path_factory)
        java_functions.runtime_directory(JAVA, shared)
    done = run(tour, commands, tmp_path)
    if _NO_REGISTRY in done.stderr:
        pytest.skip("there is no registry to install packages from")
    assert done.returncode == 0, done.stdout + done.stderr + tour.log()
    promised = [text for kind, text in blocks if kind == "text"]
    assert promised
    for text in promised:
        assert re.search(pattern_of(text), done.stdout, re.DOTALL), done.stdout
