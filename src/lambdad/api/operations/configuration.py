"""FunctionConfiguration as AWS answers it. What a request may put into it: `configuration_changes.py`.

AWS: docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
"""

from lambdad.protocols.context import Members
from lambdad.resources.function import FunctionVersion
from lambdad.resources.layer import LayerReference
from lambdad.runtimes.catalogue import runtime_version_arn

KEPT = ("VpcConfig", "DeadLetterConfig", "KMSKeyArn", "FileSystemConfigs")
"""Members that are answered as they are kept, and that nothing here reads."""


def members_of(version: FunctionVersion, qualifier: str | None = None, *, brief: bool = False) -> Members:
    """`qualifier`: what the ARN ends with, if anything. `brief`: as in lists, without states and the runtime's version."""
    members: Members = {
        "FunctionName": version.key.name,
        "FunctionArn": f"{version.key.arn}:{qualifier}" if qualifier else version.key.arn,
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
            "OptimizationStatus": "On" if version.snap_start else "Off",
        },
        "LoggingConfig": _logging_config(version),
    }
    if version.has_environment:
        members["Environment"] = {"Variables": dict(version.environment)}
    if version.layers:
        members["Layers"] = [_layer_members_of(layer) for layer in version.layers]
    if version.signing_profile_version_arn:
        members["SigningProfileVersionArn"] = version.signing_profile_version_arn
        members["SigningJobArn"] = version.signing_job_arn
    members |= {name: version.settings[name] for name in KEPT if name in version.settings}
    if version.tenant_isolation_mode is not None:
        members["TenancyConfig"] = {"TenantIsolationMode": version.tenant_isolation_mode}
    if "ImageConfig" in version.settings:
        members["ImageConfigResponse"] = {"ImageConfig": version.settings["ImageConfig"]}
    if not brief:
        members |= _states(version)
        if version.runtime:
            arn = runtime_version_arn(version.runtime, version.key.region)
            members["RuntimeVersionConfig"] = {"RuntimeVersionArn": arn}
    return members


def _layer_members_of(layer: LayerReference) -> Members:
    return {
        "Arn": layer.arn,
        "CodeSize": layer.code_size,
        "SigningProfileVersionArn": layer.signing_profile_version_arn,
        "SigningJobArn": layer.signing_job_arn,
    }


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
