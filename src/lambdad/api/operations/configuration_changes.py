"""What a request may put into a function's configuration: the rules that the service model does not know.

AWS: docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import orjson

from lambdad.api.operations.configuration import KEPT
from lambdad.environments.variables import RESERVED
from lambdad.errors import InvalidParameterValueException, ValidationException
from lambdad.protocols.context import Members
from lambdad.protocols.violations import of_maximum
from lambdad.resources.function import FunctionKey, FunctionVersion
from lambdad.resources.quotas import QUOTAS
from lambdad.runtimes.catalogue import RUNTIMES, creation_blocked, has_snap_start, supported

_FIELDS = {
    "Runtime": "runtime",
    "Handler": "handler",
    "Role": "role",
    "Description": "description",
    "Timeout": "timeout",
    "MemorySize": "memory_size",
}
"""Members that are fields as they are."""

_SNAP_START_STORAGE = 512
"""MB."""
_DEAD_LETTERS = re.compile(r"arn:aws[a-zA-Z-]*:(sqs|sns):(?P<region>[a-z0-9-]+):\d{12}:[^:]+")
_NOT_OFFERED = (
    *("AcceleratorConfig", "CapacityProviderConfig", "DurableConfig", "RuntimeConfig"),
    "PublishTo",
)
"""What would change how a function runs, and does not here: better refused than ignored."""


def changes_of(key: FunctionKey, request: Members, before: FunctionVersion | None) -> dict[str, Any]:
    """The FunctionVersion fields that a Create- or UpdateFunctionConfiguration request sets, but for `layer_changes`.

    Raises what AWS refuses.

    `before`: `$LATEST` as it is; None when the function is created.
    """
    for member in _NOT_OFFERED:
        if request.get(member):
            raise InvalidParameterValueException.not_offered(member)
    _check_quotas(request)
    _check_runtime(request.get("Runtime"), before.runtime if before is not None else None)
    changes: dict[str, Any] = {field: request[member] for member, field in _FIELDS.items() if member in request}
    if "Environment" in request:
        variables = request["Environment"].get("Variables") or {}
        _check_variables(variables)
        changes |= {"environment": variables, "has_environment": True}
    if "EphemeralStorage" in request:
        changes["ephemeral_storage"] = request["EphemeralStorage"]["Size"]
    if "LoggingConfig" in request:
        changes |= _logging(request["LoggingConfig"], before)
    if before is None and request.get("TenancyConfig"):  # an update knows no such member
        changes["tenant_isolation_mode"] = request["TenancyConfig"]["TenantIsolationMode"]
    changes["settings"] = _settings(key, request, before.settings if before is not None else {})
    _check_reachable(key, changes["settings"])
    _check_snap_start(changes, before)
    return changes


def _check_snap_start(changes: Mapping[str, Any], before: FunctionVersion | None) -> None:
    """It has runtimes that it is for, and takes neither a larger /tmp than the usual nor file systems, nor tenants."""
    if changes["settings"].get("SnapStart", {}).get("ApplyOn", "None") == "None":
        return
    if changes.get("tenant_isolation_mode") or (before is not None and before.tenant_isolation_mode):
        raise InvalidParameterValueException.not_with_tenants("SnapStart")
    runtime = changes.get("runtime") or (before.runtime if before is not None else None)
    if runtime is not None and not has_snap_start(runtime):
        raise InvalidParameterValueException.no_snap_start(runtime)
    storage = changes.get("ephemeral_storage") or (before.ephemeral_storage if before is not None else 0)
    if storage > _SNAP_START_STORAGE:
        raise InvalidParameterValueException.snap_start_storage(_SNAP_START_STORAGE)
    if changes["settings"].get("FileSystemConfigs"):
        raise InvalidParameterValueException.no_snap_start("EFS")


def _check_reachable(key: FunctionKey, settings: Mapping[str, Any]) -> None:
    """File systems are in a VPC; what events are left over for is a standard queue or topic."""
    file_systems = settings.get("FileSystemConfigs")
    if file_systems and not settings.get("VpcConfig", {}).get("SubnetIds"):
        raise InvalidParameterValueException.file_system_without_vpc(file_systems[0]["Arn"])
    dead_letters = settings.get("DeadLetterConfig", {}).get("TargetArn")
    if dead_letters is None:
        return
    target = _DEAD_LETTERS.fullmatch(dead_letters)
    if target is None or target["region"] != key.region or dead_letters.endswith(".fifo"):
        raise InvalidParameterValueException.dead_letter_target(dead_letters)


def _check_quotas(request: Members) -> None:
    """Those that the service model puts higher, because other kinds of functions may have more."""
    limits = (
        (request.get("Timeout"), "timeout", QUOTAS.timeout),
        (request.get("MemorySize"), "memorySize", QUOTAS.memory_size),
        (request.get("EphemeralStorage", {}).get("Size"), "ephemeralStorage.size", QUOTAS.ephemeral_storage),
    )
    over = [of_maximum(value, name, limit) for value, name, limit in limits if value and value > limit]
    if over:
        raise ValidationException.of(over)


def _check_runtime(runtime: str | None, before: str | None) -> None:
    """A function may keep a runtime that new ones may not have any more."""
    if runtime is None or runtime == before:
        return
    if runtime not in RUNTIMES:
        raise InvalidParameterValueException.unknown_runtime(runtime, supported())
    if creation_blocked(runtime):
        raise InvalidParameterValueException.deprecated_runtime(runtime)


def _check_variables(variables: Mapping[str, str]) -> None:
    """Reserved names, and the 4 KB that the document of all of them may have."""
    reserved = [name for name in variables if name in RESERVED]
    if reserved:
        raise InvalidParameterValueException.reserved_variables(reserved)
    measured = orjson.dumps(variables)
    if len(measured) > QUOTAS.environment:
        raise InvalidParameterValueException.environment_too_large(QUOTAS.environment, measured.decode())


def _logging(given: Members, before: FunctionVersion | None) -> dict[str, Any]:
    """Levels belong to the JSON format: choosing Text drops them, choosing JSON gives those that are missing."""
    changes: dict[str, Any] = {}
    if "LogGroup" in given:
        changes["log_group"] = given["LogGroup"]
    log_format = given.get("LogFormat") or (before.log_format if before is not None else "Text")
    levels = (given.get("ApplicationLogLevel"), given.get("SystemLogLevel"))
    if log_format == "Text":
        if any(levels):
            raise InvalidParameterValueException.log_level_of_text()
        return changes | {"log_format": "Text", "application_log_level": None, "system_log_level": None}
    kept = (before.application_log_level, before.system_log_level) if before is not None else (None, None)
    application, system = (level or old or "INFO" for level, old in zip(levels, kept, strict=True))
    return changes | {"log_format": "JSON", "application_log_level": application, "system_log_level": system}


def _settings(key: FunctionKey, request: Members, before: Mapping[str, Any]) -> dict[str, Any]:
    """`settings` after a request: members given replace those before; an empty dead letter or key unsets it."""
    settings = dict(before)
    for name in (*KEPT, "TracingConfig", "SnapStart", "ImageConfig"):
        if name in request:
            settings[name] = request[name]
    if "VpcConfig" in request:
        settings["VpcConfig"] = _vpc(key, request["VpcConfig"])
    if not settings.get("DeadLetterConfig", {}).get("TargetArn"):
        settings.pop("DeadLetterConfig", None)
    for name in ("KMSKeyArn", "FileSystemConfigs", "ImageConfig"):
        if not settings.get(name):
            settings.pop(name, None)
    return settings


def _vpc(key: FunctionKey, given: Members) -> Members:
    """As AWS answers it. There is no VPC: an account has one id per region, so that what reads it finds one."""
    subnets, groups = given.get("SubnetIds") or [], given.get("SecurityGroupIds") or []
    if bool(subnets) != bool(groups):
        raise InvalidParameterValueException.half_a_vpc()
    digest = hashlib.sha256(f"{key.account} {key.region}".encode()).hexdigest()
    return {
        "SubnetIds": subnets,
        "SecurityGroupIds": groups,
        "VpcId": f"vpc-{digest[:17]}" if subnets else "",
        "Ipv6AllowedForDualStack": bool(given.get("Ipv6AllowedForDualStack")),
    }
