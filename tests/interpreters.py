"""Which managed runtimes this machine has: tests run on all of them, and say which ones they had to leave out."""

import os
import sys
from pathlib import Path

import pytest

from lambdad.runtimes.catalogue import RUNTIMES
from lambdad.runtimes.interpreters import Interpreter, Interpreters

_NODES = Path(sys.prefix, "node")
"""Where `make test` installs those Node.js versions that are npm packages."""

GIVEN = {
    name: str(program)
    for name in RUNTIMES
    if (program := _NODES / name.removeprefix("nodejs").removesuffix(".x") / "node_modules/node/bin/node").exists()
}
SERVE_ARGUMENTS = [f"--interpreter={name}={program}" for name, program in GIVEN.items()]

_interpreters = Interpreters(GIVEN, os.environ)


def is_installed(runtime: str) -> bool:
    return isinstance(_interpreters.find(RUNTIMES[runtime]), Interpreter)


def all_of(*runtimes: str) -> list[object]:
    """For `parametrize`: each of them, skipped with the reason where it is not installed."""
    return [
        pytest.param(name, marks=[] if is_installed(name) else pytest.mark.skip(reason=f"{name} is not installed"))
        for name in runtimes
    ]


PYTHON = next(filter(is_installed, ("python3.12", "python3.13", "python3.14", "python3.11", "python3.10")))
"""For tests that need any Python."""
NODE = next(filter(is_installed, ("nodejs24.x", "nodejs22.x", "nodejs20.x")), "")
"""For tests that need any Node.js; nothing: there is none."""
NODES = all_of("nodejs20.x", "nodejs22.x", "nodejs24.x")
PYTHONS = all_of("python3.10", "python3.11", "python3.12", "python3.13", "python3.14", "python3.15")
JAVA = next(filter(is_installed, ("java17", "java21", "java25", "java11", "java8.al2")), "")
"""For tests that need any JDK; nothing: there is none."""
JAVAS = all_of("java8.al2", "java11", "java17", "java21", "java25")
NO_JAVA = pytest.mark.skipif(not JAVA, reason="no JDK is installed")


def interpreter_of(runtime: str) -> Interpreter:
    found = _interpreters.find(RUNTIMES[runtime])
    assert isinstance(found, Interpreter), found
    return found
