"""From a runtime's identifier to what the sandbox needs to know of it, or to the words for why it cannot run here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lambdad.runtimes import java, nodejs, provided, python
from lambdad.runtimes.catalogue import RUNTIMES, Runtime
from lambdad.runtimes.exec_wrapper import wrapped
from lambdad.runtimes.interpreters import Interpreter, Interpreters, Missing
from lambdad.sandbox.driver import Template

TASK_ROOT = "/var/task"
RUNTIME_DIR = "/var/runtime"


class RuntimeNotInstalled(Exception):
    """The text says what is missing and how to get it."""


class _Family(Protocol):
    """What is the same with every runtime of a family: one module for each."""

    def needs_exec(self, environment: Mapping[str, str]) -> bool: ...

    def default_variables(self, runtime: Runtime, runtime_dir: str, task_root: str) -> dict[str, str]: ...

    def template(self, interpreter: Interpreter, runtime_directory: Path) -> Template: ...

    def exec_argv(self, interpreter: Interpreter, environment: Mapping[str, str]) -> tuple[str, ...]: ...

    def host_argv(
        self, interpreter: Interpreter, directory: Path, environment: Mapping[str, str]
    ) -> tuple[str, ...]: ...

    def runtime_directory(self, cache: Path, interpreter: Interpreter) -> Path: ...


_FAMILIES: Mapping[str, _Family] = {"python": python, "nodejs": nodejs, "java": java}


@dataclass(frozen=True, slots=True)
class _Started:
    """A runtime of ours, by its interpreter."""

    family: _Family
    interpreter: Interpreter
    directory: Path


@dataclass(frozen=True, slots=True)
class _Prepared:
    runtime: Runtime
    template: Template
    started: _Started | None
    """None: the function brings its own."""


class Runtimes:
    """The managed runtimes of this host. Each is looked for at its first use and then remembered."""

    def __init__(self, interpreters: Interpreters, cache: Path) -> None:
        """`cache`: where runtime directories are put together; shared by the servers of one user."""
        self._interpreters = interpreters
        self._cache = cache
        self._prepared: dict[str, _Prepared] = {}

    def template_for(self, identifier: str) -> Template:
        """Raises RuntimeNotInstalled. The first call for a runtime may take a second (call it off the event loop)."""
        return self._prepare(identifier).template

    def runtime_dir(self, identifier: str, task_root: str) -> str:
        """LAMBDA_RUNTIME_DIR: /var/runtime, or its place on the host when the sandbox shows the host's own paths."""
        started = self._prepare(identifier).started
        return RUNTIME_DIR if task_root == TASK_ROOT or started is None else str(started.directory)

    def default_variables(self, identifier: str, task_root: str = TASK_ROOT) -> Mapping[str, str]:
        """What the runtime's own start adds to a function's environment, unless the function sets it."""
        prepared = self._prepare(identifier)
        if prepared.started is None:
            return {}
        runtime_dir = self.runtime_dir(identifier, task_root)
        return prepared.started.family.default_variables(prepared.runtime, runtime_dir, task_root)

    def start_argv(
        self, identifier: str, environment: Mapping[str, str], code: str, layers: Sequence[str]
    ) -> tuple[str, ...] | None:
        """SandboxSpec.argv for this environment and these unpacked packages.

        None: fork the zygote, or take the interpreter started ahead.
        """
        prepared = self._prepare(identifier)
        task_root = environment.get("LAMBDA_TASK_ROOT", TASK_ROOT)
        started = prepared.started
        if started is None:
            return provided.start_argv(task_root, code, layers)
        if task_root != TASK_ROOT:
            argv = started.family.host_argv(started.interpreter, started.directory, environment)
        elif started.family.needs_exec(environment):
            argv = started.family.exec_argv(started.interpreter, environment)
        else:
            return None
        return wrapped(argv, environment)

    def _prepare(self, identifier: str) -> _Prepared:
        prepared = self._prepared.get(identifier)
        if prepared is None:
            prepared = self._prepared[identifier] = self._look(identifier)
        return prepared

    def _look(self, identifier: str) -> _Prepared:
        runtime = RUNTIMES.get(identifier)
        if runtime is None or not runtime.runs:
            raise RuntimeNotInstalled(
                f"lambdad does not run the runtime {identifier} yet. `lambdad runtimes` lists those it does."
            )
        if runtime.interpreter is None:
            return _Prepared(runtime, provided.template(identifier), None)
        found = self._interpreters.find(runtime)
        if isinstance(found, Missing):
            raise RuntimeNotInstalled(
                f"The runtime {identifier} is not installed on this host: no {runtime.interpreter}"
                f"{'' if runtime.family == 'python' else ' ' + runtime.major} was found. {found.how}"
            )
        family = _FAMILIES[runtime.family]
        directory = family.runtime_directory(self._cache, found)
        return _Prepared(runtime, family.template(found, directory), _Started(family, found, directory))
