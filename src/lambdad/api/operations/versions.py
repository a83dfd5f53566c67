"""PublishVersion, ListVersionsByFunction. AWS: docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html"""

from lambdad.api.backend import Backend
from lambdad.api.operations.code_source import check_code_storage
from lambdad.api.operations.configuration import members_of
from lambdad.api.operations.functions import position_of
from lambdad.api.operations.named import function_of
from lambdad.api.pagination import page_of
from lambdad.errors import InvalidParameterValueException
from lambdad.ids import new_uuid
from lambdad.protocols.context import Context, Members
from lambdad.resources.arn import resolve_function
from lambdad.resources.function import LATEST, Function, FunctionVersion, check_changeable, publish, with_revision


async def publish_version(backend: Backend, context: Context, request: Members) -> Members:
    key, _ = resolve_function(request["FunctionName"], None, context.account, context.region)
    check_changeable(key, backend.functions.get(key), request.get("RevisionId"))
    if request.get("PublishTo"):
        raise InvalidParameterValueException.not_offered("PublishTo")
    answer: list[FunctionVersion] = []

    def change(function: Function) -> Function:
        latest = check_changeable(key, function, request.get("RevisionId"))
        sha = request.get("CodeSha256")
        if sha not in (None, "", latest.code_sha256):
            raise InvalidParameterValueException.code_sha_mismatch(sha, latest.code_sha256)
        after, version = publish(function, request.get("Description"), new_uuid())
        check_code_storage(backend, function, after)
        answer.append(version)
        return after if after is function else with_revision(after, LATEST, new_uuid())

    await backend.functions.update(key, change)
    return members_of(answer[-1], answer[-1].version)


async def list_versions_by_function(backend: Backend, context: Context, request: Members) -> Members:
    key, _ = resolve_function(request["FunctionName"], None, context.account, context.region)
    versions = list(function_of(backend, key).versions.values())
    page, marker = page_of(versions, position_of, request.get("Marker"), request.get("MaxItems"))
    return {"Versions": [members_of(version, version.version, brief=True) for version in page], "NextMarker": marker}
