"""Java functions for tests: the sources in `environments/java`, compiled against the runtime's own classes once a session."""

import contextlib
import fcntl
import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from interpreters import interpreter_of
from lambdad.runtimes import java
from lambdad.runtimes.runtime_directory import GUEST
from server import RUNTIMES

SOURCES = Path(__file__).parent / "environments/java"


def shared(factory: pytest.TempPathFactory) -> Path:
    """A directory that the processes of a session have in common."""
    base = factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "java"
    place.mkdir(exist_ok=True)
    return place


def runtime_directory(runtime: str, shared: Path) -> Path:
    """What is seen at /var/runtime, where the tests' servers have theirs: the first process of a session makes it."""
    with _alone(shared):
        return java.runtime_directory(RUNTIMES, interpreter_of(runtime))


def compiled(runtime: str, shared: Path) -> Path:
    """The directory of the classes."""
    place = shared / f"classes-{runtime}"
    jar = runtime_directory(runtime, shared) / "lib/lambdad-runtime.jar"
    with _alone(shared):
        if not place.is_dir():
            release = () if runtime.startswith("java8") else ("--release", "8")  # they run on every Java
            _javac(runtime, SOURCES, "-cp", str(jar), "-d", str(place), *release)
    return place


@contextlib.contextmanager
def _alone(shared: Path) -> Iterator[None]:
    """Others of the session wait, instead of making the same."""
    with open(shared / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def compile_runtime(runtime: str, directory: Path, *options: str) -> None:
    """The runtime's own sources."""
    _javac(runtime, GUEST / "java", "-d", str(directory), *options)


def _javac(runtime: str, sources: Path, *options: str) -> None:
    javac = Path(interpreter_of(runtime).executable).with_name("javac")
    quick = ["-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC", "-nowarn", "-encoding", "UTF-8"]
    files = sorted(map(str, sources.rglob("*.java")))
    subprocess.run([str(javac), *quick, *options, *files], check=True, timeout=120)


def package(classes: Path, *names: str) -> dict[str, str | bytes]:
    """The files of a deployment package: these classes of `functions`, with what is nested in them."""
    files: dict[str, str | bytes] = {}
    for path in _class_files(classes, names):
        files[str(path.relative_to(classes))] = path.read_bytes()
    return files


def _class_files(classes: Path, names: Iterable[str]) -> Iterable[Path]:
    for name in names:
        yield from (classes / "functions").glob(f"{name}.class")
        yield from (classes / "functions").glob(f"{name}$*.class")


def outcomes(
    runtime: str, shared: Path, cases: Iterable[tuple[str, str]], task_root: Path | None = None
) -> list[tuple[str, str]]:
    """What comes of these handlers with these events, in one JVM (`java/lambdad/runtime/Table.java`)."""
    jar = runtime_directory(runtime, shared) / "lib/lambdad-runtime.jar"
    classes = compiled(runtime, shared)
    java_program, path = interpreter_of(runtime).executable, f"{jar}:{classes}"
    done = subprocess.run(
        [java_program, "-XX:TieredStopAtLevel=1", "-cp", path, "lambdad.runtime.Table", str(task_root or classes)],
        input="".join(f"{handler}\t{event}\n" for handler, event in cases).encode(),
        stdout=subprocess.PIPE,
        check=True,
        timeout=120,
    )
    lines = done.stdout.decode().splitlines()
    return [(kind, text) for kind, _, text in (line.partition("\t") for line in lines)]
