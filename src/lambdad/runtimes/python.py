"""How managed Python runtimes start: forked from a zygote, or executed when only a fresh interpreter will do.

AWS: docs.aws.amazon.com/lambda/latest/dg/lambda-python.html
"""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from lambdad.runtimes.catalogue import FRAMED_LOG, LIBRARY_PATH, Runtime
from lambdad.runtimes.interpreters import Interpreter
from lambdad.runtimes.runtime_directory import GUEST, Source, assemble, distribution
from lambdad.sandbox.driver import Bind, Template

_COMPILE_SECONDS = 120.0

_SNAPSHOT = ("python_snapshot", "snapshot_image", "snapshot_descriptors", "memory_map", "syscall_table")

# Variables an interpreter, its C library or OpenSSL read once, when they start. Those a forked one can follow, or whose
# value it was started with, are let through.
_READ_AT_START = ("LD_", "PYTHON", "MALLOC_", "GLIBC_TUNABLES", "OPENSSL_CONF", "LC_", "LANG")
_FOLLOWED = {
    "LD_LIBRARY_PATH": LIBRARY_PATH,
    "LANG": "en_US.UTF-8",
    "LC_CTYPE": "C.UTF-8",
    "PYTHONPATH": None,
    "PYTHONUNBUFFERED": None,
    "PYTHONDONTWRITEBYTECODE": None,
}


def needs_exec(environment: Mapping[str, str]) -> bool:
    """Does this environment ask for what a forked interpreter cannot give?"""
    if environment.get("AWS_LAMBDA_EXEC_WRAPPER"):
        return True
    for name, value in environment.items():
        if name.startswith(_READ_AT_START) and _FOLLOWED.get(name, "") not in (None, value):
            return True
    return False


def default_variables(runtime: Runtime, runtime_dir: str, task_root: str) -> dict[str, str]:
    """What the runtime's own start adds to a function's environment, unless the function sets it.

    LC_CTYPE is an interpreter's doing where LANG's locale is not installed: on AWS from Python 3.12 on.
    """
    locale = {} if runtime.version in ("3.10", "3.11") else {"LC_CTYPE": "C.UTF-8"}
    return {"PYTHONPATH": runtime_dir, **locale, **FRAMED_LOG}


def template(interpreter: Interpreter, runtime_directory: Path) -> Template:
    python = _inside(interpreter)
    binds = [Bind(str(runtime_directory), "/var/runtime")]
    symlinks: tuple[tuple[str, str], ...] = ()
    if _belongs_to_system(interpreter):
        symlinks = ((interpreter.executable, python),)
    else:
        binds.append(Bind(interpreter.prefix, "/var/lang"))
    binds += [Bind(directory, directory) for directory in interpreter.libraries]
    return Template(
        name=interpreter.runtime,
        binds=tuple(binds),
        symlinks=symlinks,
        # The loader reads LD_LIBRARY_PATH once: the zygote must have it for its children's functions.
        zygote=("/usr/bin/env", "-i", f"LD_LIBRARY_PATH={LIBRARY_PATH}", python, "-I", "-S"),
        preload="/var/runtime/bootstrap.py",
    )


def exec_argv(interpreter: Interpreter, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The runtime process executed inside, as AWS's own bootstrap does."""
    argv: tuple[str, ...] = (_inside(interpreter), "/var/runtime/bootstrap.py")
    libraries = environment.get("LD_LIBRARY_PATH", "")
    if not _belongs_to_system(interpreter) and "/var/lang/lib" not in libraries.split(":"):
        # An interpreter with a shared libpython does not start without.
        joined = f"/var/lang/lib:{libraries}".rstrip(":")
        argv = ("/usr/bin/env", f"LD_LIBRARY_PATH={joined}", *argv)
    return argv


def host_argv(interpreter: Interpreter, directory: Path, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The runtime process where the sandbox shows the host's own paths."""
    return (interpreter.executable, str(directory / "bootstrap.py"))


def _inside(interpreter: Interpreter) -> str:
    return f"/var/lang/bin/{interpreter.runtime}"


def _belongs_to_system(interpreter: Interpreter) -> bool:
    return interpreter.prefix == "/usr" or interpreter.prefix.startswith("/usr/")


def runtime_directory(cache: Path, interpreter: Interpreter) -> Path:
    """What is seen at /var/runtime, compiled for this interpreter. The first time it takes about a second."""
    sources = [
        Source(GUEST / "python_runtime.py", "bootstrap.py"),
        Source(GUEST / "python_client.py", "lambdad/guest/python_client.py"),
        Source(GUEST / "python_rehearsal.py", "lambdad/guest/python_rehearsal.py"),
        Source(GUEST / "python_marshaller.py", "lambdad/guest/python_marshaller.py"),
        *(Source(GUEST / f"{name}.py", f"lambdad/guest/{name}.py") for name in _SNAPSHOT),
        Source(GUEST / "__init__.py", "lambdad/guest/__init__.py"),
        Source(GUEST / "__init__.py", "lambdad/__init__.py"),
        *distribution("awslambdaric", "awslambdaric"),
        *distribution("simplejson", "simplejson"),
        *distribution("snapshot-restore-py", "snapshot_restore_py"),
        *distribution("boto3", "boto3"),
        *distribution("botocore", "botocore"),
        *distribution("s3transfer", "s3transfer"),
        *distribution("jmespath", "jmespath"),
        *distribution("python-dateutil", "dateutil"),
        *distribution("six", "six"),
        *distribution("urllib3", "urllib3"),
    ]

    def compile_all(directory: Path) -> None:
        argv = [interpreter.executable, "-I", "-S", "-m", "compileall", "-q", "-j", "2", str(directory)]
        subprocess.run(argv, timeout=_COMPILE_SECONDS, check=False, capture_output=True, stdin=subprocess.DEVNULL)

    return assemble(cache, interpreter.runtime, sources, interpreter.version, compile_all)
