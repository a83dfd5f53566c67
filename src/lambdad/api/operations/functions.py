"""CreateFunction, GetFunction, ListFunctions, DeleteFunction.

AWS: docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html and its siblings.
"""

import dataclasses

from lambdad.api.backend import Backend
from lambdad.api.operations.code_fields import check_package_type, image_fields, package_fields
from lambdad.api.operations.code_source import check_code_storage, location
from lambdad.api.operations.configuration import members_of
from lambdad.api.operations.configuration_changes import changes_of
from lambdad.api.operations.layer_references import check_size, layer_changes
from lambdad.api.operations.named import function_of
from lambdad.api.operations.signatures import Deployment, config_of
from lambdad.api.operations.tags import check_tags
from lambdad.api.pagination import page_of
from lambdad.clock import last_modified
from lambdad.errors import InvalidParameterValueException, ResourceConflictException
from lambdad.ids import new_uuid
from lambdad.protocols.context import Context, Members
from lambdad.protocols.violations import of_length
from lambdad.resources.arn import resolve_function
from lambdad.resources.function import LATEST, Function, FunctionKey, FunctionVersion, pending, publish, without_version
from lambdad.resources.image import parse_image
from lambdad.resources.quotas import QUOTAS


async def create_function(backend: Backend, context: Context, request: Members) -> Members:
    key = _new_key(context, request["FunctionName"])
    _check_creation(request)
    changes = changes_of(key, request, None) | layer_changes(backend, key, request)
    if backend.functions.get(key) is not None:
        raise ResourceConflictException.function_exists(key.name)
    config_arn = request.get("CodeSigningConfigArn")
    if config_arn:
        config_arn = config_of(backend, key.account, key.region, config_arn).key.arn
    deployment, layers = Deployment(backend, key), changes.get("layers", ())
    if _package_type(request) == "Image":
        changes |= image_fields(key, request["Code"], InvalidParameterValueException.image_needed_to_create())
    else:
        code = request["Code"]
        deployment, fields = await package_fields(backend, key, code, config_arn or None, layers)
        changes |= fields
        await check_size(backend, changes["code_sha256"], layers)
    now = last_modified(backend.clock.now())
    latest = dataclasses.replace(_with_defaults(key, request, now), **changes)
    function = Function(
        key=key,
        versions={LATEST: latest},
        last_published=backend.functions.last_published(key),
        tags=request.get("Tags") or {},
        code_signing_config_arn=config_arn or None,
    )
    answer = latest
    if request.get("Publish"):
        function, answer = publish(function, None, new_uuid())
        check_code_storage(backend, None, function)

    async def create() -> None:
        deployment.judge(config_arn, layers)  # the configuration may be another by now, or gone
        await backend.functions.create(function)

    if config_arn:
        async with backend.deciding:
            await deployment.commit(create)
    else:
        await backend.functions.create(function)
    return members_of(answer)


def _new_key(context: Context, name: str) -> FunctionKey:
    key, qualifier = resolve_function(name, None, context.account, context.region)
    if qualifier is not None:
        raise InvalidParameterValueException.qualifier_mismatch()
    if len(key.name) > QUOTAS.function_name:
        raise InvalidParameterValueException.violation(of_length(key.name, "functionName", QUOTAS.function_name))
    return key


def _check_creation(request: Members) -> None:
    package_type = _package_type(request)
    check_package_type(package_type, request)
    if package_type == "Zip" and (not request.get("Runtime") or not request.get("Handler")):
        raise InvalidParameterValueException.runtime_and_handler_needed()
    check_tags(request.get("Tags") or {})


def _package_type(request: Members) -> str:
    return request.get("PackageType") or "Zip"


def _with_defaults(key: FunctionKey, request: Members, now: str) -> FunctionVersion:
    """A new `$LATEST` with the defaults of everything that a request may leave out, and no code yet."""
    version = FunctionVersion(
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
        package_type=_package_type(request),
        code_sha256="",
        code_size=0,
        last_modified=now,
        revision_id=new_uuid(),
        state="Pending",
    )
    return pending(version)


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
        "Configuration": members_of(version, qualifier),
        "Code": _code_of(backend, context, version),
    }
    if function.tags:
        answer["Tags"] = dict(function.tags)
    if function.reserved_concurrency is not None:
        answer["Concurrency"] = {"ReservedConcurrentExecutions": function.reserved_concurrency}
    return answer


def _code_of(backend: Backend, context: Context, version: FunctionVersion) -> Members:
    if version.image_uri is None:
        return {"RepositoryType": "S3", "Location": location(backend, context.endpoint, version.code_sha256)}
    image = parse_image(version.image_uri)
    return {"RepositoryType": "ECR", "ImageUri": image.uri, "ResolvedImageUri": image.resolved_uri}


async def list_functions(backend: Backend, context: Context, request: Members) -> Members:
    everything = request.get("FunctionVersion") == "ALL"
    master = request.get("MasterRegion")
    if master and not everything:
        raise InvalidParameterValueException.master_region_without_all()
    functions = backend.functions.list(context.account, context.region)
    if master not in (None, "ALL"):
        functions = []  # replicas at the edge of another region's function: there are none
    versions = [version for f in functions for version in (f.versions.values() if everything else (f.latest,))]
    page, marker = page_of(versions, position_of, request.get("Marker"), request.get("MaxItems"))
    items = [members_of(version, version.version if everything else None, brief=True) for version in page]
    return {"Functions": items, "NextMarker": marker}


def position_of(version: FunctionVersion) -> tuple[str, int]:
    """Where it stands in lists."""
    return version.key.name, version.number


async def delete_function(backend: Backend, context: Context, request: Members) -> Members:
    key, qualifier = resolve_function(
        request["FunctionName"], request.get("Qualifier"), context.account, context.region
    )
    if qualifier == LATEST:
        raise InvalidParameterValueException.delete_latest()
    if qualifier is None:
        await backend.functions.delete(key)
        return {"StatusCode": 204}
    if not qualifier.isdigit():
        raise InvalidParameterValueException.delete_alias()
    function_of(backend, key)
    await backend.functions.update(key, lambda function: without_version(function, qualifier))
    return {"StatusCode": 204}
