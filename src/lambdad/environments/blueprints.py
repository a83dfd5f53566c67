"""From a function version to how its environments are made: template, mounts, limits, environment variables."""

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence

from lambdad.environments.blueprint import Blueprint, OpenSnapshot, Restorable, WorkedOn
from lambdad.environments.environments import Model
from lambdad.environments.extension import MOST_EXTENSIONS
from lambdad.environments.variables import SNAP_START, Credentials, Place, environment_of, extension_environment
from lambdad.observability.metering import Metering
from lambdad.resources.function import FunctionVersion
from lambdad.resources.quotas import QUOTAS
from lambdad.runtimes.catalogue import runtime_version, runtime_version_arn
from lambdad.runtimes.templates import RuntimeNotInstalled, Runtimes
from lambdad.sandbox.driver import Sandbox, SandboxSpec

_INIT_TIMEOUT = 10.0
"""Seconds: AWS ends the Init phase of on-demand environments then, and repeats it in the first Invoke phase."""
_LONG_INIT_TIMEOUT = 130.0
"""Seconds, or the function's timeout if that is longer: for provisioned concurrency, and for SnapStart's snapshots.
AWS: docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"""
_NO_IMAGES = "lambdad does not run container images (PackageType Image) yet: only what is deployed as a package runs."


class Blueprints:
    def __init__(
        self,
        runtimes: Runtimes,
        unpacked_path: Callable[[str], str],
        credentials: Callable[[FunctionVersion], Credentials],
        snapshot: Callable[[FunctionVersion], OpenSnapshot | None],
        metering: Metering,
        extensions_worked_on: WorkedOn,
    ) -> None:
        """`unpacked_path(code_sha256)`: where that package is unpacked. `snapshot`: what to restore, if there is any."""
        self._runtimes = runtimes
        self._unpacked_path = unpacked_path
        self._credentials = credentials
        self._snapshot = snapshot
        self._metering = metering
        self._extensions_worked_on = extensions_worked_on

    def model_of(self, version: FunctionVersion) -> Model:
        """Raises RuntimeNotInstalled."""
        if version.image_uri is not None:
            raise RuntimeNotInstalled(_NO_IMAGES)
        runtime = version.runtime or ""
        template = self._runtimes.template_for(runtime)
        extensions = external_extensions([self._unpacked_path(layer.code_sha256) for layer in version.layers])

        def snapshot() -> Restorable | None:
            return self._snapshot(version) if version.snap_start else None

        def blueprint(initialization_type: str, init_timeout: float, provisioned: bool) -> Blueprint:
            def spec(sandbox: Sandbox, log_stream: str) -> SandboxSpec:
                return self._spec(version, sandbox, log_stream, initialization_type, extensions)

            return Blueprint(
                version,
                spec,
                runtime_version(runtime),
                runtime_version_arn(runtime, version.key.region),
                QUOTAS.response_payload,
                QUOTAS.streamed_payload,
                init_timeout,
                self._metering,
                self._extensions_worked_on,
                provisioned,
                snapshot,
                extensions,
            )

        long = max(_LONG_INIT_TIMEOUT, version.timeout)
        return Model(
            template,
            blueprint(SNAP_START if version.snap_start else "on-demand", _INIT_TIMEOUT, False),
            blueprint("provisioned-concurrency", long, True),
            dataclasses.replace(blueprint(SNAP_START, long, False), snapshot=_nothing),
        )

    def _spec(
        self,
        version: FunctionVersion,
        sandbox: Sandbox,
        log_stream: str,
        initialization_type: str,
        extensions: tuple[str, ...],
    ) -> SandboxSpec:
        code = self._unpacked_path(version.code_sha256)
        layers = tuple(self._unpacked_path(layer.code_sha256) for layer in version.layers)
        endpoint = f"http://{sandbox.front_door_address}" if sandbox.front_door_address else None
        runtime = version.runtime or ""
        runtime_dir = self._runtimes.runtime_dir(runtime, sandbox.task_root)
        place = Place(
            sandbox.runtime_api_address, sandbox.task_root, runtime_dir, endpoint, sandbox.trace_daemon_address
        )
        defaults: Mapping[str, str] = self._runtimes.default_variables(runtime)
        credentials = self._credentials(version)
        environment = environment_of(version, place, credentials, log_stream, defaults, initialization_type)
        return SandboxSpec(
            code=code,
            layers=layers,
            memory_mb=version.memory_size,
            ephemeral_mb=version.ephemeral_storage,
            environment=environment,
            argv=self._runtimes.start_argv(runtime, environment, code, layers),
            extensions=extensions[:MOST_EXTENSIONS],
            extension_environment=extension_environment(environment, defaults, version) if extensions else {},
        )


def external_extensions(layers: Sequence[str]) -> tuple[str, ...]:
    """What /opt/extensions has files of once these directories are merged, in the order they are started in."""
    names: dict[str, bool] = {}
    for layer in layers:
        try:
            with os.scandir(f"{layer}/extensions") as entries:
                names |= {entry.name: not entry.is_dir(follow_symlinks=False) for entry in entries}
        except (FileNotFoundError, NotADirectoryError):
            continue
    return tuple(sorted(name for name, is_file in names.items() if is_file))


def _nothing() -> Restorable | None:
    """A template is initialised, never restored."""
    return None
