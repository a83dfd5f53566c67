"""FunctionConfiguration as AWS answers it, and the rules for what a request may put into it.

AWS: docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
"""

from collections.abc import Mapping
from typing import Any

import orjson

from lambdad.api.context import Members
from lambdad.environments.variables import RESERVED
from lambdad.errors import InvalidParameterValueException, ResourceNotFoundException
from lambdad.resources.function import LATEST, FunctionVersion
from lambdad.resources.quotas import QUOTAS
from lambdad.runtimes.catalogue import creation_blocked, runtime_version_arn

KEPT = ("VpcConfig", "DeadLetterConfig", "KMSKeyArn", "FileSystemConfigs", "ImageConfig")
"""Members that are answered as they were given, and that nothing here reads."""


def members_of(version: FunctionVersion, *, qualified: bool = False, brief: bool = False) -> Members:
    """`qualified`: the ARN names the version. `brief`: as in lists, without states and the runtime's version."""
    qualified = qualified or version.version != LATEST
    members: Members = {
        "FunctionName": version.key.name,
        "FunctionArn": version.qualified_arn if qualified else version.key.arn,
        "Runtime": version.runtime,
        "Role": version.role,
        "Handler": version.handler,
        "CodeSize": version.code_size,
        "Description": version.description,
        "Timeout": version.timeout,
        "MemorySize": version.memory_size,
        "LastModified": version.last_modified,
        "CodeSha256": version.code_sha256,
        "Version": version.version,
        "TracingConfig": {"Mode": version.settings.get("TracingConfig", {}).get("Mode", "PassThrough")},
        "RevisionId": version.revision_id,
        "PackageType": version.package_type,
        "Architectures": list(version.architectures),
        "EphemeralStorage": {"Size": version.ephemeral_storage},
        "SnapStart": {
            "ApplyOn": version.settings.get("SnapStart", {}).get("ApplyOn", "None"),
            "OptimizationStatus": "Off",
        },
        "LoggingConfig": _logging_config(version),
    }
    if version.has_environment:
        members["Environment"] = {"Variables": dict(version.environment)}
    members |= {name: version.settings[name] for name in KEPT if name in version.settings}
    if not brief:
        members |= _states(version)
        if version.runtime:
            arn = runtime_version_arn(version.runtime, version.key.region)
            members["RuntimeVersionConfig"] = {"RuntimeVersionArn": arn}
    return members


def _logging_config(version: FunctionVersion) -> Members:
    return {
        "LogFormat": version.log_format,
        "ApplicationLogLevel": version.application_log_level,
        "SystemLogLevel": version.system_log_level,
        "LogGroup": version.log_group_name,
    }


def _states(version: FunctionVersion) -> Members:
    return {
        "State": version.state,
        "StateReason": version.state_reason,
        "StateReasonCode": version.state_reason_code,
        "LastUpdateStatus": version.last_update_status,
        "LastUpdateStatusReason": version.last_update_status_reason,
        "LastUpdateStatusReasonCode": version.last_update_status_reason_code,
    }


def changes_of(request: Members, runtime_before: str | None) -> dict[str, Any]:
    """The FunctionVersion fields that a Create- or UpdateFunctionConfiguration request sets. Raises what AWS refuses."""
    check_runtime(request.get("Runtime"), runtime_before)
    changes: dict[str, Any] = {
        field: request[member]
        for member, field in (
            ("Runtime", "runtime"),
            ("Handler", "handler"),
            ("Role", "role"),
            ("Description", "description"),
            ("Timeout", "timeout"),
            ("MemorySize", "memory_size"),
        )
        if member in request
    }
    if "Environment" in request:
        variables = request["Environment"].get("Variables") or {}
        check_variables(variables)
        changes |= {"environment": variables, "has_environment": True}
    if "EphemeralStorage" in request:
        changes["ephemeral_storage"] = request["EphemeralStorage"]["Size"]
    if "LoggingConfig" in request:
        changes |= _logging_changes(request["LoggingConfig"])
    if request.get("Layers"):
        raise ResourceNotFoundException.layer_version(request["Layers"][0])
    return changes


def _logging_changes(given: Members) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if "LogGroup" in given:
        changes["log_group"] = given["LogGroup"]
    log_format = given.get("LogFormat")
    if log_format == "Text":
        changes |= {"log_format": "Text", "application_log_level": None, "system_log_level": None}
    elif log_format == "JSON" or "ApplicationLogLevel" in given or "SystemLogLevel" in given:
        changes["log_format"] = "JSON"
        changes["application_log_level"] = given.get("ApplicationLogLevel", "INFO")
        changes["system_log_level"] = given.get("SystemLogLevel", "INFO")
    return changes


def kept_settings(request: Members, before: Mapping[str, Any]) -> dict[str, Any]:
    """`settings` after a request: members given replace those before; an empty VpcConfig or dead letter unsets it."""
    settings = dict(before)
    for name in (*KEPT, "TracingConfig", "SnapStart"):
        if name in request:
            settings[name] = request[name]
    dead_letter = settings.get("DeadLetterConfig")
    if dead_letter is not None and not dead_letter.get("TargetArn"):
        del settings["DeadLetterConfig"]
    if settings.get("KMSKeyArn") == "":
        del settings["KMSKeyArn"]
    return settings


def check_runtime(runtime: str | None, before: str | None) -> None:
    """A function may keep a runtime that new ones may not have any more."""
    if runtime is not None and runtime != before and creation_blocked(runtime):
        raise InvalidParameterValueException.deprecated_runtime(runtime)


def check_variables(variables: Mapping[str, str]) -> None:
    """Reserved names, and the 4 KB that the document of all of them may have."""
    reserved = [name for name in variables if name in RESERVED]
    if reserved:
        raise InvalidParameterValueException.reserved_variables(reserved)
    measured = orjson.dumps(variables).decode()
    if len(measured.encode()) > QUOTAS.environment:
        raise InvalidParameterValueException.environment_too_large(measured)
