"""From a runtime's identifier to what the sandbox needs to know of it, or to the words for why it cannot run here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lambdad.runtimes import nodejs, provided, python
from lambdad.runtimes.catalogue import RUNTIMES, Runtime
from lambdad.runtimes.exec_wrapper import wrapped
from lambdad.runtimes.interpreters import Interpreter, Interpreters, Missing
from lambdad.sandbox.driver import Template

TASK_ROOT = "/var/task"
RUNTIME_DIR = "/var/runtime"


class RuntimeNotInstalled(Exception):
    """The text says what is missing and how to get it."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    runtime: Runtime
    template: Template
    interpreter: Interpreter | None
    directory: Path | None


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
        directory = self._prepare(identifier).directory
        return RUNTIME_DIR if task_root == TASK_ROOT or directory is None else str(directory)

    def default_variables(self, identifier: str, task_root: str = TASK_ROOT) -> Mapping[str, str]:
        """What the runtime's own start adds to a function's environment, unless the function sets it."""
        runtime = self._prepare(identifier).runtime
        runtime_dir = self.runtime_dir(identifier, task_root)
        if runtime.family == "python":
            return python.default_variables(runtime, runtime_dir)
        if runtime.family == "nodejs":
            return nodejs.default_variables(runtime, runtime_dir, task_root)
        return {}

    def start_argv(
        self, identifier: str, environment: Mapping[str, str], code: str, layers: Sequence[str]
    ) -> tuple[str, ...] | None:
        """SandboxSpec.argv for this environment and these unpacked packages.

        None: fork the zygote, or take the interpreter started ahead.
        """
        prepared = self._prepare(identifier)
        task_root = environment.get("LAMBDA_TASK_ROOT", TASK_ROOT)
        family, interpreter, directory = prepared.runtime.family, prepared.interpreter, prepared.directory
        if interpreter is None or directory is None:
            return provided.start_argv(task_root, code, layers)
        starts = python if family == "python" else nodejs
        if task_root != TASK_ROOT:
            return wrapped(starts.host_argv(interpreter, directory, environment), environment)
        if not starts.needs_exec(environment):
            return None
        return wrapped(starts.exec_argv(interpreter, environment), environment)

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
            return _Prepared(runtime, provided.template(identifier), None, None)
        found = self._interpreters.find(runtime)
        if isinstance(found, Missing):
            raise RuntimeNotInstalled(
                f"The runtime {identifier} is not installed on this host: no {runtime.interpreter}"
                f"{'' if runtime.family == 'python' else ' ' + runtime.version} was found. {found.how}"
            )
        family = python if runtime.family == "python" else nodejs
        directory = family.runtime_directory(self._cache, found)
        return _Prepared(runtime, family.template(found, directory), found, directory)
