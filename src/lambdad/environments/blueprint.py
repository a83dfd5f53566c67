"""What an environment is made from, and who made it: the records between `environment.py` and `pool.py`."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from lambdad.environments.log_capture import JsonLines, Record, TextLines
from lambdad.environments.log_levels import level_named
from lambdad.observability.metering import Metering
from lambdad.resources.function import FunctionVersion
from lambdad.sandbox.driver import Sandbox, SandboxSpec, SnapshotFile

Lines = TextLines | JsonLines
_TEXT = TextLines()
E_contra = TypeVar("E_contra", contravariant=True)

WorkedOn = Callable[[FunctionVersion, str, float], None]
"""(version, ARN as it was asked for, milliseconds): its extensions have worked so long after an answer."""


class Owner(Protocol[E_contra]):
    """Who made the environment and uses it (`pool.py`)."""

    def environment_ready(self, environment: E_contra) -> None:
        """It can take an invocation now."""

    def environment_answered(self, environment: E_contra) -> None:
        """It has answered and will be ready in a moment, unless its runtime ends instead."""

    def environment_gone(self, environment: E_contra) -> None:
        """It is dead and must be forgotten."""


class Restorable(Protocol):
    """What an environment is restored from."""

    @property
    def at_hooks(self) -> bool:
        """It goes on with its after-restore hooks: it has asked for GET /restore/next already."""

    def restore(self, sandbox: Sandbox, spec: Callable[[], SandboxSpec]) -> None:
        """Once only."""

    def discard(self) -> None:
        """It turned out to be of no use."""


@dataclass(frozen=True, slots=True)
class OpenSnapshot:
    """A file of memory."""

    descriptor: int
    """Whoever has it closes it."""
    useless: Callable[[], None]
    at_hooks: bool = False

    def restore(self, sandbox: Sandbox, spec: Callable[[], SandboxSpec]) -> None:
        try:
            sandbox.start(replace(spec(), snapshot=SnapshotFile(self.descriptor)))
        finally:
            os.close(self.descriptor)

    def discard(self) -> None:
        self.useless()


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What all environments of one function version (and tenant) share, made once for them."""

    version: FunctionVersion
    spec: Callable[[Sandbox, str], SandboxSpec]
    """(sandbox, log stream) → what the sandbox is to become."""
    runtime_version: str
    """As INIT_START prints it, e.g. `python:3.12.v1`."""
    runtime_version_arn: str
    response_limit: int
    """Bytes a function may answer."""
    stream_limit: int
    """Bytes it may answer piece by piece to who takes them so."""
    init_timeout: float
    """Seconds for the Init phase before it is repeated in the first Invoke phase, or given up when provisioned."""
    metering: Metering
    """Who counts what AWS would bill."""
    extensions_worked_on: WorkedOn
    provisioned: bool = False
    """Environments of it are provisioned concurrency."""
    snapshot: Callable[[], Restorable | None] = lambda: None
    """What its environments are restored from, if there is something now."""

    extensions: tuple[str, ...] = ()
    """External extensions, by the names of their files."""
    tenant_id: str | None = None
    """Whom its environments serve, where the function isolates its tenants."""

    @property
    def lines(self) -> Lines:
        return lines_of(self.version, self.tenant_id)

    def init_record(self, phase: str) -> Record:
        """What platform events say of an initialisation."""
        kind = "provisioned-concurrency" if self.provisioned else "on-demand"
        return {"initializationType": "snap-start" if self.version.snap_start else kind, "phase": phase}

    def runtime_record(self, log_stream: str) -> Record:
        """And of what is initialised, or restored."""
        return {
            "runtimeVersion": self.runtime_version,
            "runtimeVersionArn": self.runtime_version_arn,
            "functionName": self.version.key.name,
            "functionVersion": self.version.version,
            "instanceId": log_stream,
            "instanceMaxMemory": self.version.memory_size * 1024 * 1024,
        }


def lines_of(version: FunctionVersion, tenant_id: str | None = None) -> Lines:
    """How the platform writes its lines in this function's log."""
    return JsonLines(level_named(version.system_log_level), tenant_id) if version.log_format == "JSON" else _TEXT
