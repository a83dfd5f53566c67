"""UpdateFunctionCode. AWS: docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html"""

import dataclasses
from typing import Any

from lambdad.api.backend import Backend
from lambdad.api.operations.code_fields import image_fields, package_fields
from lambdad.api.operations.code_source import check_code_storage
from lambdad.api.operations.configuration import members_of
from lambdad.api.operations.layer_references import check_size
from lambdad.api.operations.named import function_of
from lambdad.api.operations.signatures import Deployment
from lambdad.clock import last_modified
from lambdad.errors import InvalidParameterValueException
from lambdad.ids import new_uuid
from lambdad.protocols.context import Context, Members
from lambdad.resources.arn import resolve_function
from lambdad.resources.function import Function, FunctionVersion, check_changeable, publish, updating, with_latest


async def update_function_code(backend: Backend, context: Context, request: Members) -> Members:
    key, qualifier = resolve_function(request["FunctionName"], None, context.account, context.region)
    if qualifier is not None:
        raise InvalidParameterValueException.qualifier_mismatch()
    before = check_changeable(key, backend.functions.get(key), request.get("RevisionId"))
    if request.get("PublishTo"):
        raise InvalidParameterValueException.not_offered("PublishTo")
    deployment = Deployment(backend, key)
    dry_run = bool(request.get("DryRun"))
    if before.package_type == "Image":
        fields = image_fields(key, request, InvalidParameterValueException.image_needed_to_update())
    elif request.get("ImageUri") and not request.get("ZipFile"):
        raise InvalidParameterValueException.image_for_zip()
    else:
        config_arn = function_of(backend, key).code_signing_config_arn
        deployment, fields = await package_fields(backend, key, request, config_arn, dry_run=dry_run)
    if dry_run:
        return members_of(_with_code(before, fields, request))
    if before.package_type == "Zip":
        await check_size(backend, fields["code_sha256"], before.layers)
    now = last_modified(backend.clock.now())
    answer: list[FunctionVersion] = []

    def change(function: Function) -> Function:
        before = check_changeable(key, function, request.get("RevisionId"))
        changed = _with_code(before, {**fields, **deployment.judge(function.code_signing_config_arn)}, request)
        latest = updating(dataclasses.replace(changed, last_modified=now, revision_id=new_uuid()))
        after, version = with_latest(function, latest), latest
        if request.get("Publish"):
            after, version = publish(after, None, new_uuid())
        check_code_storage(backend, function, after)
        answer.append(version)
        return after

    await deployment.commit(lambda: backend.functions.update(key, change))
    return members_of(answer[-1], answer[-1].version if request.get("Publish") else None)


def _with_code(version: FunctionVersion, fields: dict[str, Any], request: Members) -> FunctionVersion:
    architectures = tuple(request.get("Architectures") or version.architectures)
    return dataclasses.replace(version, **fields, architectures=architectures)
