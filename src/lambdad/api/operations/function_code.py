"""UpdateFunctionCode. AWS: docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html"""

import dataclasses
from typing import Any

from lambdad.api.context import Backend, Context, Members
from lambdad.api.operations.code_source import check_code_storage, keep_code, read_code
from lambdad.api.operations.configuration import members_of
from lambdad.api.operations.layer_references import check_size
from lambdad.api.operations.signatures import Deployment
from lambdad.clock import last_modified
from lambdad.errors import InvalidParameterValueException
from lambdad.ids import new_uuid
from lambdad.resources.arn import resolve_function
from lambdad.resources.function import Function, FunctionVersion, check_changeable, publish, updating, with_latest
from lambdad.store.code_packages import CodePackage


async def update_function_code(backend: Backend, context: Context, request: Members) -> Members:
    key, qualifier = resolve_function(request["FunctionName"], None, context.account, context.region)
    if qualifier is not None:
        raise InvalidParameterValueException.qualifier_mismatch()
    before = check_changeable(key, backend.functions.get(key), request.get("RevisionId"))
    if request.get("ImageUri") and not request.get("ZipFile"):
        raise InvalidParameterValueException.image_for_zip()
    if request.get("PublishTo"):
        raise InvalidParameterValueException.not_offered("PublishTo")
    content = await read_code(backend, context.region, request, "UpdateFunctionCode")
    function = backend.functions.get(key)
    assert function is not None
    deployment = Deployment(backend, key, content)
    signed = await deployment.check(function.code_signing_config_arn)
    dry_run = bool(request.get("DryRun"))
    package = await keep_code(backend, key.account, key.region, content, dry_run)
    if dry_run:
        return members_of(_with_code(before, package, signed, request))
    await check_size(backend, package.sha256_base64, before.layers)
    now = last_modified(backend.clock.now())
    answer: list[FunctionVersion] = []

    def change(function: Function) -> Function:
        before = check_changeable(key, function, request.get("RevisionId"))
        changed = _with_code(before, package, deployment.judge(function.code_signing_config_arn), request)
        latest = updating(dataclasses.replace(changed, last_modified=now, revision_id=new_uuid()))
        after, version = with_latest(function, latest), latest
        if request.get("Publish"):
            after, version = publish(after, None, new_uuid())
        check_code_storage(backend, function, after)
        answer.append(version)
        return after

    await deployment.commit(lambda: backend.functions.update(key, change))
    return members_of(answer[-1], answer[-1].version if request.get("Publish") else None)


def _with_code(
    version: FunctionVersion, package: CodePackage, signed: dict[str, Any], request: Members
) -> FunctionVersion:
    return dataclasses.replace(
        version,
        code_sha256=package.sha256_base64,
        code_size=package.size,
        **signed,
        architectures=tuple(request.get("Architectures") or version.architectures),
    )
