"""PutFunctionScalingConfig, GetFunctionScalingConfig.

AWS: docs.aws.amazon.com/lambda/latest/api/API_PutFunctionScalingConfig.html and its sibling. It is kept and answered; how many
environments there are follows from what is invoked.
"""

import dataclasses

from lambdad.api.backend import Backend
from lambdad.api.operations.named import function_of, named
from lambdad.errors import InvalidParameterValueException, NoPublishedVersionException, ResourceNotFoundException
from lambdad.protocols.context import Context, Members
from lambdad.resources.function import Function, FunctionVersion
from lambdad.resources.function_settings import Scaling

_NEWEST = "$LATEST.PUBLISHED"


async def put_function_scaling_config(backend: Backend, context: Context, request: Members) -> Members:
    given = request.get("FunctionScalingConfig") or {}
    scaling = Scaling(least=given.get("MinExecutionEnvironments"), most=given.get("MaxExecutionEnvironments"))
    if scaling.least is not None and scaling.most is not None and scaling.least > scaling.most:
        raise InvalidParameterValueException.scaling_bounds()
    key, qualifier = named(context, request)
    states: list[str] = []

    def change(function: Function) -> Function:
        version = _version_of(function, qualifier)
        states.append(version.state)
        return dataclasses.replace(function, scaling={**function.scaling, version.version: scaling})

    await backend.functions.update(key, change)
    return {"FunctionState": states[-1]}


async def get_function_scaling_config(backend: Backend, context: Context, request: Members) -> Members:
    key, qualifier = named(context, request)
    function = function_of(backend, key)
    version = _version_of(function, qualifier)
    scaling = function.scaling.get(version.version, Scaling())
    members = {"MinExecutionEnvironments": scaling.least, "MaxExecutionEnvironments": scaling.most}
    return {
        "FunctionArn": version.qualified_arn,
        "AppliedFunctionScalingConfig": members,
        "RequestedFunctionScalingConfig": members,
    }


def _version_of(function: Function, qualifier: str | None) -> FunctionVersion:
    if qualifier == _NEWEST:
        published = [int(name) for name in function.versions if name.isdecimal()]
        if not published:
            raise NoPublishedVersionException.of(function.key.arn)
        return function.versions[str(max(published))]
    version = function.versions.get(qualifier or "")
    if version is None:
        raise ResourceNotFoundException.function(f"{function.key.arn}:{qualifier}")
    return version
