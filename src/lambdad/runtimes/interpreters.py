"""Where this host has the interpreters of the managed runtimes, and what to type where it has not.

Looked for, in this order: a path given in the settings; PATH; the version managers' own directories (pyenv, uv, asdf,
mise; nvm, fnm, volta, n and the npm package `node`); the system's directories. Version managers' shims are passed over:
what they would start is looked up where they keep it. A candidate counts once it has said its version itself.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lambdad.runtimes.catalogue import Runtime

_PROBE_SECONDS = 20.0
_SYSTEM = ("/usr/local/bin", "/usr/bin", "/opt/homebrew/bin")
_SHIM_DIRECTORIES = ("/shims", "/.volta/bin")

# What a Python says of itself: is it CPython, its version, where it lives, and which shared libraries its usual
# extension modules bring along.
_PYTHON_PROBE = """
import json, sys
for name in ("ssl", "ctypes", "sqlite3", "lzma", "bz2"):
    try:
        __import__(name)
    except ImportError:
        pass
try:
    with open("/proc/self/maps") as maps:
        loaded = sorted({line.split(None, 5)[5].strip() for line in maps if ".so" in line})
except OSError:
    loaded = []
version = "%d.%d.%d" % sys.version_info[:3] if sys.implementation.name == "cpython" else "0"
print(json.dumps({"version": version, "prefix": sys.base_prefix, "loaded": loaded}))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A runtime's program on this host."""

    runtime: str
    executable: str
    version: str
    prefix: str
    """The installation the executable belongs to."""
    libraries: tuple[str, ...] = ()
    """Directories it loads shared libraries from, beyond the system's and `prefix`/lib."""


@dataclass(frozen=True, slots=True)
class Missing:
    """The host has no interpreter for this runtime."""

    runtime: str
    how: str
    """Commands that change it, as a sentence."""


@dataclass(frozen=True, slots=True)
class _Seen:
    stamp: int
    interpreter: Interpreter | None


class Interpreters:
    """Finds, once for each program and its modification time. Running a candidate takes some 50 ms."""

    def __init__(self, given: Mapping[str, str], environ: Mapping[str, str]) -> None:
        """`given`: paths by runtime identifier, from the settings. `environ`: the server's own, for PATH, HOME …"""
        self._given = given
        self._environ = environ
        self._seen: dict[tuple[str, str], _Seen] = {}

    def find(self, runtime: Runtime) -> Interpreter | Missing:
        """For a runtime with an interpreter. A path given in the settings is the only one tried."""
        for candidate in self._candidates(runtime):
            interpreter = self._checked(runtime, candidate)
            if interpreter is not None:
                return interpreter
        return Missing(runtime.identifier, how_to_install(runtime, self._home, self._given.get(runtime.identifier)))

    @property
    def _home(self) -> Path:
        return Path(self._environ.get("HOME") or "/")

    def _candidates(self, runtime: Runtime) -> Iterator[Path]:
        given = self._given.get(runtime.identifier)
        if given is not None:
            yield Path(given)
            return
        names = _names(runtime)
        on_path = [Path(entry) for entry in self._environ.get("PATH", "").split(os.pathsep) if entry]
        managed = _node_directories if runtime.family == "nodejs" else _python_directories
        directories = [
            *(entry for entry in on_path if not str(entry).endswith(_SHIM_DIRECTORIES)),
            *managed(self._home, self._environ, runtime.version),
            *(Path(entry) for entry in _SYSTEM),
        ]
        for directory in dict.fromkeys(directories):
            for name in names:
                yield directory / name

    def _checked(self, runtime: Runtime, candidate: Path) -> Interpreter | None:
        try:
            stamp = candidate.stat().st_mtime_ns
        except OSError:
            return None
        key = (runtime.identifier, str(candidate))
        seen = self._seen.get(key)
        if seen is None or seen.stamp != stamp:
            probe = _probe_node if runtime.family == "nodejs" else _probe_python
            seen = self._seen[key] = _Seen(stamp, probe(runtime, candidate))
        return seen.interpreter


def how_to_install(runtime: Runtime, home: Path, given: str | None) -> str:
    """The commands that bring the interpreter, in a sentence; `given`: the path that was set and does not do."""
    option = f"--interpreter {runtime.identifier}=PATH"
    if given is not None:
        return f"{given} is no {runtime.family.removesuffix('js')} {runtime.version}: correct {option}."
    if runtime.family == "nodejs":
        command = f"npm install --prefix {node_directory(home)}/{runtime.version} node@{runtime.version}"
        return f"Run `{command}`, or say where it is with `{option}`."
    version = runtime.version
    return f"Run `uv python install {version}` or `pyenv install {version}`, or say where it is with `{option}`."


def node_directory(home: Path) -> Path:
    """Where the npm package `node` is looked for, one directory for each major version."""
    return home / ".local/share/lambdad/node"


def _names(runtime: Runtime) -> tuple[str, ...]:
    if runtime.family == "nodejs":
        return (f"node{runtime.version}", f"node-{runtime.version}", "node", "nodejs")
    return (f"python{runtime.version}",)


def _python_directories(home: Path, environ: Mapping[str, str], version: str) -> Iterator[Path]:
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local/share")
    pyenv = Path(environ.get("PYENV_ROOT") or home / ".pyenv")
    uv = Path(environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv/python")
    asdf = Path(environ.get("ASDF_DATA_DIR") or home / ".asdf")
    mise = Path(environ.get("MISE_DATA_DIR") or data / "mise")
    yield from _newest(pyenv / "versions", f"{version}*", "bin")
    yield from _newest(uv, f"cpython-{version}*", "bin")
    yield from _newest(asdf / "installs/python", f"{version}*", "bin")
    yield from _newest(mise / "installs/python", f"{version}*", "bin")


def _node_directories(home: Path, environ: Mapping[str, str], version: str) -> Iterator[Path]:
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local/share")
    nvm = Path(environ.get("NVM_DIR") or home / ".nvm")
    fnm = Path(environ.get("FNM_DIR") or data / "fnm")
    volta = Path(environ.get("VOLTA_HOME") or home / ".volta")
    asdf = Path(environ.get("ASDF_DATA_DIR") or home / ".asdf")
    mise = Path(environ.get("MISE_DATA_DIR") or data / "mise")
    modules = node_directory(home) / version / "node_modules"
    yield modules / "node/bin"
    yield from _newest(modules, "node-linux-*", "bin")
    yield from _newest(nvm / "versions/node", f"v{version}.*", "bin")
    yield from _newest(fnm / "node-versions", f"v{version}.*", "installation/bin")
    yield from _newest(volta / "tools/image/node", f"{version}.*", "bin")
    yield from _newest(asdf / "installs/nodejs", f"{version}.*", "bin")
    yield from _newest(mise / "installs/node", f"{version}*", "bin")
    yield from _newest(Path("/usr/local/n/versions/node"), f"{version}.*", "bin")


def _newest(directory: Path, pattern: str, below: str) -> list[Path]:
    """Directories matching, the highest version first."""

    def numbers(path: Path) -> list[int]:
        return [int(number) for number in re.findall(r"\d+", path.name)]

    try:
        matching = sorted(directory.glob(pattern), key=numbers, reverse=True)
    except PermissionError:
        return []  # somebody else's, by a variable that outlived su(1)
    return [found / below for found in matching]


def _probe_python(runtime: Runtime, candidate: Path) -> Interpreter | None:
    said = _said(str(candidate), "-I", "-S", "-c", _PYTHON_PROBE)
    try:
        facts = json.loads(said or "{}")
        version, prefix, loaded = str(facts["version"]), str(facts["prefix"]), list(facts["loaded"])
    except (ValueError, KeyError):
        return None
    if not version.startswith(f"{runtime.version}."):
        return None
    own = Path(prefix, "bin", f"python{runtime.version}")  # a virtual environment's Python belongs to another one
    executable = own if own.exists() else candidate.resolve()
    return Interpreter(runtime.identifier, str(executable), version, prefix, _libraries(prefix, loaded))


def _libraries(prefix: str, loaded: list[str]) -> tuple[str, ...]:
    """Directories of shared libraries that neither the system nor `prefix`/lib explains."""
    known = ("/usr/", "/lib/", "/lib64/", f"{prefix}/lib/")
    return tuple(dict.fromkeys(os.path.dirname(path) for path in loaded if not path.startswith(known)))


def _probe_node(runtime: Runtime, candidate: Path) -> Interpreter | None:
    said = (_said(str(candidate), "--version") or "").strip()
    if not said.startswith(f"v{runtime.version}."):
        return None
    executable = candidate.resolve()
    return Interpreter(runtime.identifier, str(executable), said[1:], str(executable.parent.parent))


def _said(*argv: str) -> str | None:
    """What a program prints, or None if it will not run, fails, or takes too long."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=_PROBE_SECONDS, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return done.stdout if done.returncode == 0 else None
