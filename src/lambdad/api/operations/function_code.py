"""UpdateFunctionCode. AWS: docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html"""

import dataclasses

from lambdad.api.context import Backend, Context, Members
from lambdad.api.operations.code_source import keep_code, read_code
from lambdad.api.operations.configuration import members_of
from lambdad.clock import last_modified
from lambdad.errors import InvalidParameterValueException
from lambdad.ids import new_uuid
from lambdad.resources.arn import resolve_function
from lambdad.resources.function import Function, FunctionVersion, check_changeable, publish, with_latest


async def update_function_code(backend: Backend, context: Context, request: Members) -> Members:
    key, qualifier = resolve_function(request["FunctionName"], None, context.account, context.region)
    if qualifier is not None:
        raise InvalidParameterValueException.qualifier_mismatch()
    check_changeable(key, backend.functions.get(key), request.get("RevisionId"))
    content = await read_code(backend, context.region, request, "UpdateFunctionCode")
    dry_run = bool(request.get("DryRun"))
    package = await keep_code(backend, content, dry_run)
    now = last_modified(backend.clock.now())
    answer: list[FunctionVersion] = []

    def change(function: Function) -> Function:
        before = check_changeable(key, function, request.get("RevisionId"))
        latest = dataclasses.replace(
            before,
            code_sha256=package.sha256_base64,
            code_size=package.size,
            architectures=tuple(request.get("Architectures") or before.architectures),
            last_modified=now,
            revision_id=new_uuid(),
            last_update_status="InProgress",
            last_update_status_reason="The function is being created.",
            last_update_status_reason_code="Creating",
        )
        after, version = with_latest(function, latest), latest
        if request.get("Publish"):
            after, version = publish(after, None, new_uuid())
        answer.append(version)
        return function if dry_run else after

    await backend.functions.update(key, change)
    return members_of(answer[-1])
