"""Where this host has the interpreters of the managed runtimes, and what to type where it has not.

Looked for, in this order: a path given in the settings; PATH; the version managers' own directories (`candidates.py`); the
system's directories. Version managers' shims are passed over: what they would start is looked up where they keep it. A
candidate counts once it has said its version itself.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lambdad.runtimes.candidates import directories, how_to_install, names
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
        on_path = [Path(entry) for entry in self._environ.get("PATH", "").split(os.pathsep) if entry]
        places = [
            *(entry for entry in on_path if not str(entry).endswith(_SHIM_DIRECTORIES)),
            *directories(runtime, self._home, self._environ),
            *(Path(entry) for entry in _SYSTEM),
        ]
        for directory in dict.fromkeys(places):
            for name in names(runtime):
                yield directory / name

    def _checked(self, runtime: Runtime, candidate: Path) -> Interpreter | None:
        try:
            stamp = candidate.stat().st_mtime_ns
        except OSError:
            return None
        key = (runtime.identifier, str(candidate))
        seen = self._seen.get(key)
        if seen is None or seen.stamp != stamp:
            seen = self._seen[key] = _Seen(stamp, _PROBES[runtime.family](runtime, candidate))
        return seen.interpreter


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


def _probe_java(runtime: Runtime, candidate: Path) -> Interpreter | None:
    """A JDK: a JRE cannot compile the runtime's own classes."""
    said = _said(str(candidate), "-XshowSettings:properties", "-version", errors=True) or ""
    settings = dict(re.findall(r"^ +(java\.[\w.]+) = (.*)$", said, re.MULTILINE))
    if settings.get("java.specification.version", "").removeprefix("1.") != runtime.major:
        return None
    home = Path(settings.get("java.home", "/"))
    prefix = home.parent if home.name == "jre" else home  # as Java 8 is laid out
    if not (prefix / "bin/javac").exists():
        return None
    return Interpreter(runtime.identifier, str(prefix / "bin/java"), settings["java.version"], str(prefix))


def _said(*argv: str, errors: bool = False) -> str | None:
    """What a program prints (`errors`: to stderr), or None if it will not run, fails, or takes too long."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=_PROBE_SECONDS, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return (done.stderr if errors else done.stdout) if done.returncode == 0 else None


_PROBES = {"python": _probe_python, "nodejs": _probe_node, "java": _probe_java}
