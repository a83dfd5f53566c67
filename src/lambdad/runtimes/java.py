"""How managed Java runtimes start: a JVM of their own, executed when the function is known, since its heap follows the memory.

AWS: docs.aws.amazon.com/lambda/latest/dg/lambda-java.html, …/java-customization.html
"""

import logging
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from lambdad.runtimes.catalogue import FRAMED_LOG, Runtime
from lambdad.runtimes.interpreters import Interpreter
from lambdad.runtimes.runtime_directory import GUEST, Source, assemble
from lambdad.sandbox.driver import Bind, Template

log = logging.getLogger(__name__)

_LANG = "/var/lang"
_RUNTIME = "/var/runtime"
_JAR = "lib/lambdad-runtime.jar"
_ARCHIVE = "lib/runtime.jsa"
"""The classes of the jar as a JVM has them once they are loaded, which starts it much faster (class data sharing)."""
_MAIN = "lambdad.runtime.Main"
_REHEARSAL = "lambdad.runtime.Rehearsal"
_COMPILE_SECONDS = 120.0
_REHEARSE_SECONDS = 60.0
_MOST_WORDS = 1000
_ARCHIVES_SINCE = 13
"""The first Java that makes an archive of its own accord when it ends."""

# Runs a command where the directory it is started in is /var/runtime, as in a sandbox, and everything else is the host's.
_AS_INSIDE = 'mount -t tmpfs tmpfs /var && mkdir /var/runtime && mount --bind . /var/runtime && exec "$@"'

# What the sandbox's root has anyway (`sandbox/mounts.py`).
_SEEN_ANYWAY = (
    "/usr/",
    "/bin/",
    "/lib/",
    "/lib64/",
    "/etc/ssl/",
    "/etc/pki/",
    "/etc/ca-certificates/",
    "/etc/alternatives/",
)


def needs_exec(environment: Mapping[str, str]) -> bool:
    return True


def default_variables(runtime: Runtime, runtime_dir: str, task_root: str) -> dict[str, str]:
    """What the runtime's own start adds to a function's environment, unless the function sets it.

    LC_ALL: on AWS there is LANG's locale. Without it a JVM would read nothing but ASCII, be it variables or names of files.
    """
    return {"LC_ALL": "C.UTF-8", **FRAMED_LOG}


def template(interpreter: Interpreter, runtime_directory: Path) -> Template:
    binds = [Bind(str(runtime_directory), _RUNTIME), Bind(interpreter.prefix, _LANG)]
    return Template(name=interpreter.runtime, binds=(*binds, *_led_outside(Path(interpreter.prefix))))


def _led_outside(prefix: Path) -> Iterator[Bind]:
    """What the JDK's links lead to: Debian keeps its settings in /etc."""
    for directory, _, names in os.walk(prefix):
        for name in names:
            path = os.path.join(directory, name)
            target = os.readlink(path) if os.path.islink(path) else ""
            if target.startswith("/") and not target.startswith(_SEEN_ANYWAY) and os.path.exists(target):
                yield Bind(os.path.realpath(target), target)


def exec_argv(interpreter: Interpreter, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The runtime process executed inside."""
    return _argv(interpreter, f"{_LANG}/bin/java", _RUNTIME, environment)


def host_argv(interpreter: Interpreter, directory: Path, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The runtime process where the sandbox shows the host's own paths."""
    return _argv(interpreter, interpreter.executable, str(directory), environment)


def _argv(interpreter: Interpreter, program: str, runtime_dir: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The JVM lets its command line win over JAVA_TOOL_OPTIONS: of what the function sets there itself, nothing is here."""
    own = environment.get("JAVA_TOOL_OPTIONS", "")
    options = [
        *_memory(interpreter, environment),
        ("-XX:+UseSerialGC", r"-XX:[+-]Use\w+GC"),
        *_compilation(interpreter, environment),
    ]
    if _major(interpreter) >= _ARCHIVES_SINCE:
        options.append((f"-XX:SharedArchiveFile={runtime_dir}/{_ARCHIVE}", "-XX:SharedArchiveFile|-Xshare"))
        # Where the archive does not fit, the function starts without, and its log has nothing of it.
        options += [("-Xlog:disable", "-Xlog"), ("-Xlog:all=error:stderr", "-Xlog")]
        options.append(("-XX:+ErrorFileToStderr", "-XX:ErrorFile"))
    given = [option for option, spoken_of in options if not re.search(spoken_of, own)]
    properties = ("-Djava.net.preferIPv4Stack=true", "-Dorg.crac.Core.Compat=com.amazonaws.services.lambda.crac")
    return (program, *given, *properties, "-classpath", f"{runtime_dir}/{_JAR}", _MAIN, environment["_HANDLER"])


_Option = tuple[str, str]
"""One of the command line, and what JAVA_TOOL_OPTIONS has in it (a pattern) if it speaks of the same."""


def _memory(interpreter: Interpreter, environment: Mapping[str, str]) -> list[_Option]:
    """Classes are given a tenth of the function's memory, compiled code a twentieth, but no more than they ever need."""
    memory = int(environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]) * 1024
    classes, code = min(round(memory / 10), 163840), min(round(memory / 20), 81920)
    options = [(f"-XX:MaxHeapSize={memory - classes - code}k", "-Xmx|-XX:MaxHeapSize|-XX:MaxRAM")]
    if _major(interpreter) == 8:
        options.append((f"-XX:MaxMetaspaceSize={classes}k", "-XX:MaxMetaspaceSize"))
        options.append((f"-XX:ReservedCodeCacheSize={code}k", "-XX:ReservedCodeCacheSize"))
    return options


def _compilation(interpreter: Interpreter, environment: Mapping[str, str]) -> list[_Option]:
    """Since Java 17 only the quick compiler; since Java 25 both where nobody waits for an initialisation."""
    major, initialization = _major(interpreter), environment.get("AWS_LAMBDA_INITIALIZATION_TYPE")
    if major < 17 or (major >= 25 and initialization != "on-demand"):
        return []
    return [(option, "Tiered") for option in ("-XX:+TieredCompilation", "-XX:TieredStopAtLevel=1")]


def _major(interpreter: Interpreter) -> int:
    return int(interpreter.version.removeprefix("1.").partition(".")[0].partition("-")[0])


# --- The runtime directory --------------------------------------------------------------------------------------------


def runtime_directory(cache: Path, interpreter: Interpreter) -> Path:
    """What is seen at /var/runtime: our classes, compiled by this JDK. The first time it takes some seconds."""
    root = GUEST / "java"
    sources = [Source(path, f"source/{path.relative_to(root)}") for path in sorted(root.rglob("*.java"))]

    def finish(directory: Path) -> None:
        _compile(interpreter, directory)
        shutil.rmtree(directory / "source")
        if _major(interpreter) >= _ARCHIVES_SINCE:
            _archive(interpreter, directory)

    return assemble(cache, interpreter.runtime, sources, f"{interpreter.prefix} {interpreter.version}", finish)


def _compile(interpreter: Interpreter, directory: Path) -> None:
    javac = str(Path(interpreter.executable).parent / "javac")
    classes = directory / "classes"
    quick = ("-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC")
    options = [*quick, "-proc:none", "-nowarn", "-encoding", "UTF-8", "-d", str(classes)]
    if _major(interpreter) > 8:
        options.append("-XDstringConcat=inline")  # the way of newer versions is slow the first time
    sources = map(str, sorted((directory / "source").rglob("*.java")))
    classes.mkdir()
    argv = (javac, *options, *sources)
    done = subprocess.run(
        argv, timeout=_COMPILE_SECONDS, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise OSError(f"{javac} could not compile the runtime's classes: {done.stderr[:_MOST_WORDS]}")
    (directory / "lib").mkdir(mode=0o755)
    with zipfile.ZipFile(directory / _JAR, "w") as jar:  # not compressed: it is read more often than copied
        for path in sorted(classes.rglob("*.class")):
            jar.write(path, path.relative_to(classes))
    (directory / _JAR).chmod(0o644)
    shutil.rmtree(classes)


def _archive(interpreter: Interpreter, directory: Path) -> None:
    """A JVM believes an archive only if it was made with the jar at the same path. Where that cannot be had, there is none."""
    options = (
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-Xlog:disable",
        f"-XX:ArchiveClassesAtExit={_RUNTIME}/{_ARCHIVE}",
    )
    java = (interpreter.executable, *options, "-classpath", f"{_RUNTIME}/{_JAR}", _REHEARSAL)
    namespaces = ("--mount",) if os.geteuid() == 0 else ("--mount", "--map-root-user")
    argv = ("unshare", *namespaces, "/bin/sh", "-c", _AS_INSIDE, "sh", *java)
    try:
        done = subprocess.run(
            argv,
            cwd=directory,
            timeout=_REHEARSE_SECONDS,
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError) as error:
        log.info("%s starts without an archive of its classes: %s", interpreter.runtime, error)
        return
    archive = directory / _ARCHIVE
    if archive.exists():
        archive.chmod(0o644)
    else:
        log.info("%s starts without an archive of its classes: %s", interpreter.runtime, done.stdout + done.stderr)
