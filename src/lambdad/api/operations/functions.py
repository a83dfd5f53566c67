"""CreateFunction, GetFunction, ListFunctions, DeleteFunction.

AWS: docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html and its siblings.
"""

import dataclasses

from lambdad.api.context import Backend, Context, Members
from lambdad.api.operations.code_source import keep_code, location, read_code
from lambdad.api.operations.configuration import changes_of, kept_settings, members_of
from lambdad.api.pagination import page_of
from lambdad.clock import last_modified
from lambdad.errors import InvalidParameterValueException, ResourceConflictException, ResourceNotFoundException
from lambdad.ids import new_uuid
from lambdad.resources.arn import resolve_function
from lambdad.resources.function import LATEST, Function, FunctionKey, FunctionVersion, publish
from lambdad.store.code_packages import CodePackage


async def create_function(backend: Backend, context: Context, request: Members) -> Members:
    key, qualifier = resolve_function(request["FunctionName"], None, context.account, context.region)
    if qualifier is not None:
        raise InvalidParameterValueException.qualifier_mismatch()
    if request.get("PackageType", "Zip") == "Image":
        raise InvalidParameterValueException.images()
    if not request.get("Runtime") or not request.get("Handler"):
        raise InvalidParameterValueException.runtime_and_handler_needed()
    changes = changes_of(request, None)
    if backend.functions.get(key) is not None:
        raise ResourceConflictException.function_exists(key.name)
    content = await read_code(backend, context.region, request["Code"], "CreateFunction")
    package = await keep_code(backend, content, dry_run=False)
    now = last_modified(backend.clock.now())
    latest = dataclasses.replace(_pending(key, request, package, now), **changes)
    function = Function(key=key, versions={LATEST: latest}, last_published=0, tags=request.get("Tags") or {})
    answer = latest
    if request.get("Publish"):
        function, answer = publish(function, request.get("Description"), new_uuid())
    await backend.functions.create(function)
    return members_of(answer)


def _pending(key: FunctionKey, request: Members, package: CodePackage, now: str) -> FunctionVersion:
    """A new `$LATEST` with the defaults of everything that a request may leave out."""
    return FunctionVersion(
        key=key,
        version=LATEST,
        runtime=None,
        handler=None,
        role=request["Role"],
        description="",
        timeout=3,
        memory_size=128,
        ephemeral_storage=512,
        environment={},
        architectures=tuple(request.get("Architectures") or ("x86_64",)),
        layers=(),
        package_type="Zip",
        code_sha256=package.sha256_base64,
        code_size=package.size,
        last_modified=now,
        revision_id=new_uuid(),
        state="Pending",
        state_reason="The function is being created.",
        state_reason_code="Creating",
        settings=kept_settings(request, {}),
    )


def find(backend: Backend, context: Context, request: Members) -> tuple[Function, FunctionVersion, str | None]:
    """The function and version a request names, and its qualifier. Raises ResourceNotFoundException."""
    key, qualifier = resolve_function(
        request["FunctionName"], request.get("Qualifier"), context.account, context.region
    )
    version = backend.invoker.version_of(key, qualifier)
    function = backend.functions.get(key)
    assert function is not None
    return function, version, qualifier


async def get_function(backend: Backend, context: Context, request: Members) -> Members:
    function, version, qualifier = find(backend, context, request)
    answer: Members = {
        "Configuration": members_of(version, qualified=qualifier is not None),
        "Code": {"RepositoryType": "S3", "Location": location(backend, context.endpoint, version.code_sha256)},
    }
    if function.tags:
        answer["Tags"] = dict(function.tags)
    if function.reserved_concurrency is not None:
        answer["Concurrency"] = {"ReservedConcurrentExecutions": function.reserved_concurrency}
    return answer


async def list_functions(backend: Backend, context: Context, request: Members) -> Members:
    everything = request.get("FunctionVersion") == "ALL"
    items = []
    for function in backend.functions.list(context.account, context.region):
        versions = function.versions.values() if everything else [function.latest]
        items += [members_of(version, qualified=everything, brief=True) for version in versions]
    functions, marker = page_of(items, request.get("Marker"), request.get("MaxItems"))
    return {"Functions": functions, "NextMarker": marker}


async def delete_function(backend: Backend, context: Context, request: Members) -> Members:
    key, qualifier = resolve_function(
        request["FunctionName"], request.get("Qualifier"), context.account, context.region
    )
    if qualifier == LATEST:
        raise InvalidParameterValueException.delete_latest()
    if qualifier is None:
        await backend.functions.delete(key)
        return {"StatusCode": 204}
    function = backend.functions.get(key)
    if function is None or qualifier not in function.versions:
        raise ResourceNotFoundException.function(f"{key.arn}:{qualifier}")

    def without(function: Function) -> Function:
        versions = {name: record for name, record in function.versions.items() if name != qualifier}
        return dataclasses.replace(function, versions=versions)

    await backend.functions.update(key, without)
    return {"StatusCode": 204}
