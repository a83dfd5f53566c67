"""How managed Node.js runtimes start: an interpreter started before its function is known, or one of its own.

AWS: docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from lambdad.runtimes.catalogue import FRAMED_LOG, LIBRARY_PATH, Runtime
from lambdad.runtimes.interpreters import Interpreter
from lambdad.runtimes.runtime_directory import GUEST, Source, assemble
from lambdad.sandbox.driver import Bind, Template

_NODE = "/var/lang/bin/node"
_CLIENT = "/var/runtime/index.mjs"

# Features Node.js has on by default and AWS switches off, and the first version of each line that knows the switch. A
# function switches one on again by naming it in NODE_OPTIONS.
_SWITCHED_OFF = {
    "--experimental-require-module": {20: (20, 17), 22: (22, 0), 24: (24, 0)},
    "--experimental-detect-module": {22: (22, 0)},
}

# Variables Node, V8, OpenSSL or the C library read once, when they start.
_READ_AT_START = ("LD_", "NODE_", "MALLOC_", "GLIBC_TUNABLES", "OPENSSL_CONF", "SSL_CERT_", "UV_", "LC_", "LANG")
_FOLLOWED = {"LD_LIBRARY_PATH": LIBRARY_PATH, "LANG": "en_US.UTF-8", "NODE_PATH": None, "NODE_ENV": None}


def needs_exec(environment: Mapping[str, str]) -> bool:
    """Does this environment ask for what an interpreter that runs already cannot give?"""
    if environment.get("AWS_LAMBDA_EXEC_WRAPPER"):
        return True
    for name, value in environment.items():
        if name.startswith(_READ_AT_START) and _FOLLOWED.get(name, "") not in (None, value):
            return True
    return False


def default_variables(runtime: Runtime, runtime_dir: str, task_root: str) -> dict[str, str]:
    """What the runtime's own start adds to a function's environment, unless the function sets it."""
    layers = f"/opt/nodejs/node{runtime.version}/node_modules:/opt/nodejs/node_modules"
    return {"NODE_PATH": f"{layers}:{runtime_dir}/node_modules:{runtime_dir}:{task_root}", **FRAMED_LOG}


def template(interpreter: Interpreter, runtime_directory: Path) -> Template:
    binds = [Bind(str(runtime_directory), "/var/runtime")]
    symlinks: tuple[tuple[str, str], ...] = ()
    if interpreter.executable.startswith("/usr/"):
        symlinks = ((interpreter.executable, _NODE),)
    else:
        binds.append(Bind(interpreter.executable, _NODE))
    # The loader reads LD_LIBRARY_PATH once: an interpreter started ahead must have it for its function.
    start = ("/usr/bin/env", f"LD_LIBRARY_PATH={LIBRARY_PATH}")
    return Template(
        name=interpreter.runtime,
        binds=tuple(binds),
        symlinks=symlinks,
        prestart=(*start, _NODE, *_switches(interpreter, ""), _CLIENT),
    )


def exec_argv(interpreter: Interpreter, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The runtime process executed inside, as AWS's own bootstrap does."""
    return (_NODE, *_switches(interpreter, environment.get("NODE_OPTIONS", "")), _CLIENT)


def host_argv(interpreter: Interpreter, directory: Path, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The runtime process where the sandbox shows the host's own paths."""
    switches = _switches(interpreter, environment.get("NODE_OPTIONS", ""))
    return (interpreter.executable, *switches, str(directory / "index.mjs"))


def _switches(interpreter: Interpreter, node_options: str) -> list[str]:
    version = tuple(int(number) for number in interpreter.version.split(".")[:2])
    return [
        feature.replace("--", "--no-", 1)
        for feature, since in _SWITCHED_OFF.items()
        if version >= since.get(version[0], (sys.maxsize,)) and feature not in node_options.split()
    ]


def runtime_directory(cache: Path, interpreter: Interpreter) -> Path:
    sources = [Source(path, path.name) for path in sorted((GUEST / "nodejs").iterdir()) if path.suffix in _SUFFIXES]
    return assemble(cache, interpreter.runtime, sources, interpreter.version, lambda _: None)


_SUFFIXES = (".mjs", ".cjs")
