"""Where JDKs are found, what is no JDK, and how a JVM is started for a function."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from lambdad.runtimes import java
from lambdad.runtimes.catalogue import RUNTIMES
from lambdad.runtimes.interpreters import Interpreter, Interpreters, Missing

SAYS = """#!/bin/sh
echo 'Property settings:
    java.home = {home}
    java.specification.version = {specification}
    java.version = {version}
' >&2
"""


def install(prefix: Path, version: str, *, javac: bool = True, jre: bool = False) -> Path:
    """A program that says of itself what a JVM of this version says; its installation's directory."""
    (prefix / "bin").mkdir(parents=True)
    specification = "1.8" if version.startswith("1.8") else version.partition(".")[0]
    home = prefix / "jre" if jre else prefix
    said = SAYS.format(home=home, specification=specification, version=version)
    for name in ("java", "javac") if javac else ("java",):
        (prefix / "bin" / name).write_text(said)
        (prefix / "bin" / name).chmod(0o755)
    return prefix


def found(runtime: str, environ: Mapping[str, str]) -> Interpreter | Missing:
    return Interpreters({}, environ).find(RUNTIMES[runtime])


@pytest.mark.parametrize(
    ("place", "variable"),
    [("java", "JAVA_HOME"), ("java", "JAVA_HOME_11_X64"), (".sdkman/candidates/java/11.0.27-tem", "HOME")],
)
def test_places(tmp_path: Path, place: str, variable: str) -> None:
    prefix = install(tmp_path / place, "11.0.27")
    environ = {"HOME": str(tmp_path), variable: str(tmp_path if variable == "HOME" else prefix)}
    interpreter = found("java11", environ)
    assert isinstance(interpreter, Interpreter), interpreter
    assert (interpreter.executable, interpreter.version) == (str(prefix / "bin/java"), "11.0.27")
    other = found("java11.al2023", environ)
    assert isinstance(other, Interpreter)
    assert other.prefix == str(prefix)


def test_java_8_as_it_is_laid_out(tmp_path: Path) -> None:
    prefix = install(tmp_path / "jdk", "1.8.0_442", jre=True)
    interpreter = found("java8.al2", {"HOME": str(tmp_path), "JAVA_HOME": str(prefix)})
    assert isinstance(interpreter, Interpreter)
    assert (interpreter.executable, interpreter.prefix) == (str(prefix / "bin/java"), str(prefix))


def test_a_jre_is_no_jdk(tmp_path: Path) -> None:
    """Our classes are compiled by the JDK that runs them: without a compiler there is nothing to run."""
    prefix = install(tmp_path / "jre", "11.0.27", javac=False)
    missing = found("java11", {"HOME": str(tmp_path), "JAVA_HOME": str(prefix)})
    assert isinstance(missing, Missing)
    assert missing.how == (
        "It needs a JDK (with javac, not only a JRE): run `apt-get install openjdk-11-jdk-headless`, "
        "or say where it is with `--interpreter java11=PATH`."
    )
    given = Interpreters({"java11": str(prefix / "bin/java")}, {"HOME": str(tmp_path)}).find(RUNTIMES["java11"])
    assert isinstance(given, Missing)
    assert given.how == f"{prefix}/bin/java is no java of a JDK 11: correct --interpreter java11=PATH."


def argv(version: str, memory: int = 512, options: str = "", initialization: str = "on-demand") -> tuple[str, ...]:
    environment = {
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory),
        "AWS_LAMBDA_INITIALIZATION_TYPE": initialization,
        "JAVA_TOOL_OPTIONS": options,
        "_HANDLER": "a.B::c",
    }
    return java.exec_argv(Interpreter("java", "/jdk/bin/java", version, "/jdk"), environment)


@pytest.mark.parametrize(("memory", "heap"), [(512, 445645), (1536, 1336935), (3008, 2834432)])
def test_the_heap_follows_the_memory(memory: int, heap: int) -> None:
    """As recorded on AWS."""
    started = argv("1.8.0_442", memory)
    assert f"-XX:MaxHeapSize={heap}k" in started
    assert f"-XX:MaxMetaspaceSize={min(round(memory * 102.4), 163840)}k" in started
    assert not [option for option in started if "SharedArchive" in option], "Java 8 makes none"
    assert started[-1] == "a.B::c"


def test_what_the_function_sets_itself_is_not_set() -> None:
    quick = "-XX:TieredStopAtLevel=1"
    assert quick in argv("17.0.15")
    assert quick in argv("25")
    assert quick not in argv("11.0.27")
    assert quick not in argv("25", initialization="snap-start")
    assert quick in argv("21.0.1", initialization="snap-start")
    assert quick not in argv("17.0.15", options="-XX:+TieredCompilation -XX:TieredStopAtLevel=4")
    assert "-XX:+UseSerialGC" not in argv("17.0.15", options="-XX:+UseG1GC")
    assert not [option for option in argv("17.0.15", options="-Xmx200m") if "Heap" in option]
    assert "-XX:+UseSerialGC" in argv("17.0.15", options="-Dname=value")


def test_what_a_jdks_links_lead_to(tmp_path: Path) -> None:
    """It is seen inside, and nothing else of where it is."""
    prefix, etc = install(tmp_path / "jdk", "17.0.15"), tmp_path / "etc"
    etc.mkdir()
    (etc / "java.security").write_text("")
    (etc / "other").write_text("")
    (etc / "conf").mkdir()
    (prefix / "settings").symlink_to(etc / "java.security")
    (prefix / "conf").symlink_to(etc / "conf")
    (prefix / "inside").symlink_to("bin/java")
    (prefix / "dangling").symlink_to(etc / "missing")
    (prefix / "system").symlink_to("/usr/bin/env")
    made = java.template(Interpreter("java17", str(prefix / "bin/java"), "17.0.15", str(prefix)), tmp_path / "runtime")
    assert {bind.target: bind.source for bind in made.binds} == {
        "/var/runtime": str(tmp_path / "runtime"),
        "/var/lang": str(prefix),
        str(etc / "java.security"): str(etc / "java.security"),
        str(etc / "conf"): str(etc / "conf"),
    }
