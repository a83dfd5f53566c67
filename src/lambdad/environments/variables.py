"""The environment variables a function finds. AWS: docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html

The function's own variables win where AWS lets them be set; reserved ones are refused at the API (`RESERVED`) and are
always the platform's here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from lambdad.resources.function import FunctionVersion

RESERVED = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
    }
)
"""Names CreateFunction and UpdateFunctionConfiguration refuse."""

SNAP_START = "snap-start"
_NOT_WITH_SNAP_START = ("AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME")
"""AWS: docs.aws.amazon.com/lambda/latest/dg/snapstart-monitoring.html"""

_NOT_FOR_EXTENSIONS = frozenset(
    {
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_XRAY_CONTEXT_MISSING",
        "AWS_XRAY_DAEMON_ADDRESS",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "PWD",
    }
)
"""AWS: docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html#runtimes-extensions-api-env. None that begins with
an underscore is theirs either."""

_MORE_NAMES = ("java8.al2", "java11")
"""Runtimes that have the credentials under two more names, for SDKs that were there before."""

_LIBRARIES = "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"
_PATH = "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The execution role's, as the function sees them."""

    access_key_id: str
    secret_access_key: str
    session_token: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where the sandbox put things: an environment learns these only once it has a sandbox."""

    runtime_api: str
    task_root: str
    runtime_dir: str
    endpoint: str | None
    """The AWS endpoint as seen from inside, e.g. `http://127.0.0.1:4566`; None where there is no way to it."""
    trace_daemon: str
    """host:port to which segments are sent."""


def environment_of(
    version: FunctionVersion,
    place: Place,
    credentials: Credentials,
    log_stream: str,
    runtime_defaults: Mapping[str, str],
    initialization_type: str,
) -> dict[str, str]:
    """The whole environment of the runtime process. `runtime_defaults`: what the runtime's own start adds (NODE_PATH …)."""
    inside = place.task_root == "/var/task"
    daemon_host, _, daemon_port = place.trace_daemon.partition(":")
    defaults = {
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PATH": _PATH if inside else f"{_PATH}:/usr/local/sbin:/usr/sbin:/sbin",
        "LD_LIBRARY_PATH": _LIBRARIES,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": place.trace_daemon,
        "_AWS_XRAY_DAEMON_ADDRESS": daemon_host,
        "_AWS_XRAY_DAEMON_PORT": daemon_port,
        "PWD": place.task_root,
        "SHLVL": "0",
        **runtime_defaults,
    }
    if not inside:
        del defaults["LD_LIBRARY_PATH"]
    if place.endpoint is not None:
        defaults["AWS_ENDPOINT_URL"] = place.endpoint
    reserved = _reserved(version, place, credentials, log_stream, initialization_type)
    if initialization_type == SNAP_START and inside:
        for name in _NOT_WITH_SNAP_START:
            del reserved[name]
    return {**defaults, **version.environment, **reserved}


def _reserved(
    version: FunctionVersion, place: Place, credentials: Credentials, log_stream: str, initialization_type: str
) -> dict[str, str]:
    region = version.key.region
    reserved = {
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_LAMBDA_FUNCTION_NAME": version.key.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(version.memory_size),
        "AWS_LAMBDA_FUNCTION_VERSION": version.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": initialization_type,
        "AWS_LAMBDA_LOG_GROUP_NAME": version.log_group_name,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_LAMBDA_RUNTIME_API": place.runtime_api,
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
        "LAMBDA_TASK_ROOT": place.task_root,
        "LAMBDA_RUNTIME_DIR": place.runtime_dir,
        "_HANDLER": version.handler or "",
    }
    if version.runtime and not version.runtime.startswith("provided"):
        reserved["AWS_EXECUTION_ENV"] = f"AWS_Lambda_{version.runtime}"
        # The runtime clients frame their log messages and take this variable away before the function sees it.
        reserved["_LAMBDA_TELEMETRY_LOG_FD"] = "1"
    if version.runtime in _MORE_NAMES:
        reserved["AWS_ACCESS_KEY"] = credentials.access_key_id
        reserved["AWS_SECRET_KEY"] = credentials.secret_access_key
    if version.log_format == "JSON":
        reserved["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
        reserved["AWS_LAMBDA_LOG_LEVEL"] = version.application_log_level or "INFO"
    return reserved


def extension_environment(
    environment: Mapping[str, str], runtime_defaults: Mapping[str, str], version: FunctionVersion
) -> dict[str, str]:
    """The environment of an external extension: the function's, without what is the runtime's own."""
    own = {name for name in runtime_defaults if name not in version.environment}
    return {
        name: value
        for name, value in environment.items()
        if name not in _NOT_FOR_EXTENSIONS and name not in own and not name.startswith("_")
    }
