"""Where interpreters may be on a host, family by family, and what to type where they are not.

The version managers' own directories: pyenv, uv, asdf, mise; nvm, fnm, volta, n and the npm package `node`; SDKMAN, jEnv's
and the system's JDKs.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from lambdad.runtimes.catalogue import Runtime


def how_to_install(runtime: Runtime, home: Path, given: str | None) -> str:
    """The commands that bring the interpreter, in a sentence; `given`: the path that was set and does not do."""
    option = f"--interpreter {runtime.identifier}=PATH"
    if given is not None:
        kind = f"{runtime.family.removesuffix('js')} {runtime.version}"
        kind = f"java of a JDK {runtime.major}" if runtime.family == "java" else kind
        return f"{given} is no {kind}: correct {option}."
    if runtime.family == "nodejs":
        command = f"npm install --prefix {node_directory(home)}/{runtime.version} node@{runtime.version}"
        return f"Run `{command}`, or say where it is with `{option}`."
    if runtime.family == "java":
        command = f"apt-get install openjdk-{runtime.major}-jdk-headless"
        return f"It needs a JDK (with javac, not only a JRE): run `{command}`, or say where it is with `{option}`."
    version = runtime.version
    return f"Run `uv python install {version}` or `pyenv install {version}`, or say where it is with `{option}`."


def node_directory(home: Path) -> Path:
    """Where the npm package `node` is looked for, one directory for each major version."""
    return home / ".local/share/lambdad/node"


def directories(runtime: Runtime, home: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    """Those of version managers, the likeliest first."""
    if runtime.family == "java":
        return _java_directories(home, environ, runtime.major)
    if runtime.family == "nodejs":
        return _node_directories(home, environ, runtime.version)
    return _python_directories(home, environ, runtime.version)


def names(runtime: Runtime) -> tuple[str, ...]:
    """What the program may be called."""
    if runtime.family == "java":
        return ("java",)
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


def _java_directories(home: Path, environ: Mapping[str, str], major: str) -> Iterator[Path]:
    """What is there is looked at only where its name has the number: running a JVM takes a while."""
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local/share")
    for variable in ("JAVA_HOME", f"JAVA_HOME_{major}", f"JAVA_HOME_{major}_X64", f"JAVA_HOME_{major}_ARM64"):
        if environ.get(variable):
            yield Path(environ[variable], "bin")
    sdkman = Path(environ.get("SDKMAN_DIR") or home / ".sdkman")
    asdf = Path(environ.get("ASDF_DATA_DIR") or home / ".asdf")
    mise = Path(environ.get("MISE_DATA_DIR") or data / "mise")
    managed = [sdkman / "candidates/java", asdf / "installs/java", mise / "installs/java", home / ".jdks"]
    for parent in (*managed, Path("/usr/lib/jvm"), Path("/opt/java"), Path("/opt")):
        yield from _newest(parent, f"*{major}*", "bin")


def _newest(directory: Path, pattern: str, below: str) -> list[Path]:
    """Directories matching, the highest version first."""

    def numbers(path: Path) -> list[int]:
        return [int(number) for number in re.findall(r"\d+", path.name)]

    try:
        matching = sorted(directory.glob(pattern), key=numbers, reverse=True)
    except PermissionError:
        return []  # somebody else's, by a variable that outlived su(1)
    return [found / below for found in matching]
