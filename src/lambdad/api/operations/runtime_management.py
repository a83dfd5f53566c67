"""PutRuntimeManagementConfig, GetRuntimeManagementConfig.

AWS: docs.aws.amazon.com/lambda/latest/api/API_PutRuntimeManagementConfig.html and its sibling.
"""

import dataclasses

from lambdad.api.backend import Backend
from lambdad.api.operations.functions import find
from lambdad.api.operations.named import named
from lambdad.errors import InvalidParameterValueException
from lambdad.protocols.context import Context, Members
from lambdad.resources.function import Function, FunctionVersion
from lambdad.resources.function_settings import RuntimeManagement


async def put_runtime_management_config(backend: Backend, context: Context, request: Members) -> Members:
    mode, arn = request["UpdateRuntimeOn"], request.get("RuntimeVersionArn")
    if (mode == "Manual") != (arn is not None):
        raise InvalidParameterValueException.runtime_version_arn(mode)
    _, version, _ = find(backend, context, request)
    after = RuntimeManagement(update_runtime_on=mode, runtime_version_arn=arn)

    def change(function: Function) -> Function:
        return dataclasses.replace(function, runtime_management={**function.runtime_management, version.version: after})

    key, _ = named(context, request)
    await backend.functions.update(key, change)
    return _members_of(version, after)


async def get_runtime_management_config(backend: Backend, context: Context, request: Members) -> Members:
    function, version, _ = find(backend, context, request)
    return _members_of(version, function.runtime_management.get(version.version, RuntimeManagement()))


def _members_of(version: FunctionVersion, management: RuntimeManagement) -> Members:
    return {
        "FunctionArn": version.qualified_arn,
        "UpdateRuntimeOn": management.update_runtime_on,
        "RuntimeVersionArn": management.runtime_version_arn,
    }
