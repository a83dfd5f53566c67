"""GetFunctionConfiguration, UpdateFunctionConfiguration.

AWS: docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html
"""

import dataclasses

from lambdad.api.backend import Backend
from lambdad.api.operations.code_fields import check_package_type
from lambdad.api.operations.configuration import members_of
from lambdad.api.operations.configuration_changes import changes_of
from lambdad.api.operations.functions import find
from lambdad.api.operations.layer_references import check_size, layer_changes
from lambdad.api.operations.named import function_of
from lambdad.api.operations.signatures import Deployment
from lambdad.clock import last_modified
from lambdad.errors import InvalidParameterValueException
from lambdad.ids import new_uuid
from lambdad.protocols.context import Context, Members
from lambdad.resources.arn import resolve_function
from lambdad.resources.function import Function, check_changeable, updating, with_latest


async def get_function_configuration(backend: Backend, context: Context, request: Members) -> Members:
    _, version, qualifier = find(backend, context, request)
    return members_of(version, qualifier)


async def update_function_configuration(backend: Backend, context: Context, request: Members) -> Members:
    key, qualifier = resolve_function(request["FunctionName"], None, context.account, context.region)
    if qualifier is not None:
        raise InvalidParameterValueException.qualifier_mismatch()
    current = check_changeable(key, backend.functions.get(key), request.get("RevisionId"))
    check_package_type(current.package_type, request)
    layers = layer_changes(backend, key, request).get("layers", ())
    await check_size(backend, current.code_sha256, layers)
    deployment = Deployment(backend, key)
    await deployment.check(function_of(backend, key).code_signing_config_arn, layers)
    now = last_modified(backend.clock.now())

    def change(function: Function) -> Function:
        before = check_changeable(key, function, request.get("RevisionId"))
        deployment.judge(function.code_signing_config_arn, layers)
        changes = changes_of(key, request, before) | layer_changes(backend, key, request)
        latest = dataclasses.replace(before, **changes, last_modified=now, revision_id=new_uuid())
        return with_latest(function, updating(latest))

    function = await deployment.commit(lambda: backend.functions.update(key, change), layers)
    return members_of(function.latest)
