"""How managed Java runtimes start: a JVM of their own, executed when the function is known, since its heap follows the memory.

AWS: docs.aws.amazon.com/lambda/latest/dg/lambda-java.html, …/java-customization.html
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from lambdad.runtimes import java_classes
from lambdad.runtimes.catalogue import FRAMED_LOG, Runtime
from lambdad.runtimes.interpreters import Interpreter
from lambdad.runtimes.runtime_directory import GUEST, Source, assemble
from lambdad.sandbox.driver import Bind, Template

_LANG = "/var/lang"
_RUNTIME = "/var/runtime"
_MAIN = "lambdad.runtime.Main"

# What the sandbox's root has anyway (`sandbox/mounts.py`).
_SEEN_ANYWAY = re.compile(r"/(usr|bin|lib|lib64|etc/(ssl|pki|ca-certificates|alternatives))/")


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
    for directory, directories, files in os.walk(prefix):
        for name in (*directories, *files):
            path = os.path.join(directory, name)
            target = os.readlink(path) if os.path.islink(path) else ""
            if target.startswith("/") and not _SEEN_ANYWAY.match(target) and os.path.exists(target):
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
    if _major(interpreter) >= java_classes.ARCHIVES_SINCE:
        options.append((f"-XX:SharedArchiveFile={runtime_dir}/{java_classes.ARCHIVE}", "-XX:SharedArchiveFile|-Xshare"))
        # Where the archive does not fit, the function starts without, and its log has nothing of it.
        options += [("-Xlog:disable", "-Xlog"), ("-Xlog:all=error:stderr", "-Xlog")]
        options.append(("-XX:+ErrorFileToStderr", "-XX:ErrorFile"))
    options.append((f"-Djava.security.properties={runtime_dir}/{java_classes.SECURITY}", "-Djava.security.properties"))
    given = [option for option, spoken_of in options if not re.search(spoken_of, own)]
    return (
        program,
        *given,
        *java_classes.PROPERTIES,
        "-classpath",
        f"{runtime_dir}/{java_classes.JAR}",
        _MAIN,
        environment["_HANDLER"],
    )


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


def runtime_directory(cache: Path, interpreter: Interpreter) -> Path:
    """What is seen at /var/runtime: our classes, compiled by this JDK. Its first runtime makes them, which takes some seconds."""
    root = GUEST / "java"
    sources = [
        Source(path, f"{java_classes.SOURCES}/{path.relative_to(root)}") for path in sorted(root.rglob("*.java"))
    ]
    key = f"{interpreter.prefix} {interpreter.version}"

    def finish(directory: Path) -> None:
        java_classes.make(interpreter, _major(interpreter), directory)

    return assemble(cache, f"java{_major(interpreter)}", sources, key, finish)
