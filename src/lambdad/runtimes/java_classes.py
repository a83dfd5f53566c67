"""Makes the runtime directory of a Java: the classes of the runtime client as a jar, and as an archive that a JVM starts from.

The archive (class data sharing) holds classes as a JVM has them once they are loaded: it starts in half the time. It is made
by a process that goes through a whole function's life (`guest/java/lambdad/runtime/Rehearsal.java`).
"""

import logging
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

from lambdad.runtimes.interpreters import Interpreter

log = logging.getLogger(__name__)

SOURCES = "source"
"""In the directory that is being made, and then no more."""
JAR = "lib/lambdad-runtime.jar"
ARCHIVE = "lib/runtime.jsa"
SECURITY = "lib/security.properties"
ARCHIVES_SINCE = 13
"""The first Java that makes an archive of its own accord when it ends."""
PROPERTIES = ("-Djava.net.preferIPv4Stack=true", "-Dorg.crac.Core.Compat=com.amazonaws.services.lambda.crac")

_RUNTIME = "/var/runtime"
_SETTINGS = "networkaddress.cache.negative.ttl=1\n"
"""As on AWS: names that could not be resolved are asked for again after a second."""
_REHEARSAL = "lambdad.runtime.Rehearsal"
_REHEARSED = "rehearsal"
"""The package of the function that is rehearsed with."""
_COMPILE_SECONDS = 120.0
_REHEARSE_SECONDS = 60.0
_MOST_WORDS = 1000

# Runs a command where the directory it is started in is /var/runtime, as in a sandbox, and all else but /var is the host's.
_AS_INSIDE = 'mount -t tmpfs tmpfs /var && mkdir /var/runtime && mount --bind . /var/runtime && exec "$@"'


def make(interpreter: Interpreter, major: int, directory: Path) -> None:
    """Complete the directory, which has the sources. Raises OSError if they cannot be compiled."""
    classes = directory / "classes"
    for made in (classes, directory / "lib"):
        made.mkdir(mode=0o755)
    _compile(interpreter, major, directory / SOURCES, classes)
    _pack(classes, directory / JAR)
    (directory / SECURITY).write_text(_SETTINGS)
    (directory / SECURITY).chmod(0o644)
    if major >= ARCHIVES_SINCE:
        _archive(interpreter, directory)
    shutil.rmtree(directory / SOURCES)
    shutil.rmtree(classes)


def _compile(interpreter: Interpreter, major: int, sources: Path, classes: Path) -> None:
    javac = str(Path(interpreter.executable).parent / "javac")
    quick = ("-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC")
    options = [*quick, "-proc:none", "-nowarn", "-encoding", "UTF-8", "-d", str(classes)]
    if major > 8:
        options.append("-XDstringConcat=inline")  # the way of newer versions is slow the first time
    done = _run((javac, *options, *map(str, sorted(sources.rglob("*.java")))), classes, _COMPILE_SECONDS)
    if done.returncode:
        raise OSError(f"{javac} could not compile the runtime's classes: {done.stderr[:_MOST_WORDS]}")


def _pack(classes: Path, jar: Path) -> None:
    """Not compressed: it is read more often than copied."""
    with zipfile.ZipFile(jar, "w") as archive:
        for path in sorted(classes.rglob("*.class")):
            if path.relative_to(classes).parts[0] != _REHEARSED:
                archive.write(path, path.relative_to(classes))
    jar.chmod(0o644)


def _archive(interpreter: Interpreter, directory: Path) -> None:
    """A JVM believes an archive only if it was made with the jar at the same path. Where that cannot be had, there is none."""
    made = f"-XX:ArchiveClassesAtExit={_RUNTIME}/{ARCHIVE}"
    security = f"-Djava.security.properties={_RUNTIME}/{SECURITY}"
    options = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xlog:disable", made, security, *PROPERTIES)
    rehearsal = (_REHEARSAL, f"{_RUNTIME}/classes", f"{_REHEARSED}.Function")
    java = (interpreter.executable, *options, "-classpath", f"{_RUNTIME}/{JAR}", *rehearsal)
    namespaces = ("--mount",) if os.geteuid() == 0 else ("--mount", "--map-root-user")
    argv = ("unshare", *namespaces, "/bin/sh", "-c", _AS_INSIDE, "sh", *java)
    try:
        said = _run(argv, directory, _REHEARSE_SECONDS).stderr
    except (OSError, subprocess.SubprocessError) as error:
        said = str(error)
    archive = directory / ARCHIVE
    if archive.exists():
        archive.chmod(0o644)
    else:
        log.info("%s starts without an archive of its classes: %s", interpreter.runtime, said)


def _run(argv: tuple[str, ...], directory: Path, seconds: float) -> "subprocess.CompletedProcess[str]":
    """In an environment of its own: a JVM listens to variables."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}
    environment |= {"LAMBDA_RUNTIME_DIR": _RUNTIME, "_LAMBDA_TELEMETRY_LOG_FD": "1"}
    return subprocess.run(
        argv,
        cwd=directory,
        env=environment,
        timeout=seconds,
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
    )
