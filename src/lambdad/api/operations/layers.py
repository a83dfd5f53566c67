"""PublishLayerVersion, GetLayerVersion, GetLayerVersionByArn, ListLayers, ListLayerVersions, DeleteLayerVersion.

AWS: docs.aws.amazon.com/lambda/latest/api/API_PublishLayerVersion.html and its siblings.
"""

from lambdad.api.backend import Backend
from lambdad.api.operations.code_source import keep_code, location, read_code
from lambdad.api.operations.layer_references import check_access
from lambdad.api.operations.signatures import signature_of
from lambdad.api.pagination import page_of
from lambdad.clock import last_modified
from lambdad.errors import (
    AccessDeniedException,
    InvalidParameterValueException,
    ResourceNotFoundException,
)
from lambdad.protocols.context import Context, Members
from lambdad.resources.arn import resolve_layer, resolve_layer_version
from lambdad.resources.layer import Layer, LayerKey, LayerVersion, with_layer_version, without_layer_version


async def publish_layer_version(backend: Backend, context: Context, request: Members) -> Members:
    key = resolve_layer(request["LayerName"], context.account, context.region)
    if (key.account, key.region) != (context.account, context.region):
        raise AccessDeniedException.layer_publication(context.account, key.arn)
    runtimes, architectures = request.get("CompatibleRuntimes"), request.get("CompatibleArchitectures")
    content = await read_code(backend, context.account, context.region, request["Content"])
    signature = await signature_of(backend, content)
    package = await keep_code(backend, key.account, key.region, content, dry_run=False)
    created = last_modified(backend.clock.now())

    def change(before: Layer | None) -> Layer:
        layer = before or Layer(key=key)
        version = LayerVersion(
            key=key,
            version=layer.next_version,
            description=request.get("Description") or "",
            license_info=request.get("LicenseInfo"),
            compatible_runtimes=tuple(runtimes) if runtimes is not None else None,
            compatible_architectures=tuple(architectures) if architectures is not None else None,
            code_sha256=package.sha256_base64,
            code_size=package.size,
            created=created,
            signing_profile_version_arn=signature.profile_version_arn if signature is not None else None,
            signing_job_arn=signature.job_arn if signature is not None else None,
        )
        return with_layer_version(layer, version)

    _, layer = await backend.layers.apply(key, change)
    assert layer is not None
    return _members_with_content(backend, context, layer.versions[layer.last_version])


async def get_layer_version(backend: Backend, context: Context, request: Members) -> Members:
    key = resolve_layer(request["LayerName"], context.account, context.region)
    return _members_with_content(backend, context, _find(backend, context, key, request["VersionNumber"]))


async def get_layer_version_by_arn(backend: Backend, context: Context, request: Members) -> Members:
    key, number = resolve_layer_version(request["Arn"])
    return _members_with_content(backend, context, _find(backend, context, key, number))


def _find(backend: Backend, context: Context, key: LayerKey, number: int) -> LayerVersion:
    """Raises InvalidParameterValueException, AccessDeniedException, ResourceNotFoundException."""
    _check_number(number)
    layer = backend.layers.get(key)
    version = layer.versions.get(number) if layer is not None else None
    check_access(context.account, f"{key.arn}:{number}", key.account, version)
    if version is None or key.region != context.region:
        raise ResourceNotFoundException.requested_resource()
    return version


def _check_number(number: int) -> None:
    if number < 1:
        raise InvalidParameterValueException.layer_version_below_one()


async def delete_layer_version(backend: Backend, context: Context, request: Members) -> Members:
    """One that is not there is deleted, too. Functions that use it keep what they use."""
    key = resolve_layer(request["LayerName"], context.account, context.region)
    number = request["VersionNumber"]
    _check_number(number)
    if (key.account, key.region) != (context.account, context.region):
        raise AccessDeniedException.action(context.account, "lambda:GetLayerVersion", f"{key.arn}:{number}")
    await backend.layers.apply(key, lambda layer: without_layer_version(layer, number) if layer is not None else None)
    return {}


def _wanted(request: Members) -> tuple[str | None, str | None]:
    """Runtime and architecture that listed versions must suit."""
    return request.get("CompatibleRuntime"), request.get("CompatibleArchitecture")


async def list_layers(backend: Backend, context: Context, request: Members) -> Members:
    wanted = _wanted(request)
    latest = [
        suiting[-1]
        for layer in backend.layers.list(context.account, context.region)
        if (suiting := [version for version in layer.versions.values() if version.suits(*wanted)])
    ]
    page, marker = page_of(
        latest, lambda version: (version.key.name, 0), request.get("Marker"), request.get("MaxItems")
    )
    items = [
        {"LayerName": one.key.name, "LayerArn": one.key.arn, "LatestMatchingVersion": _members_of(one)} for one in page
    ]
    return {"Layers": items, "NextMarker": marker}


async def list_layer_versions(backend: Backend, context: Context, request: Members) -> Members:
    """The newest first; of a layer that never was, none."""
    key = resolve_layer(request["LayerName"], context.account, context.region)
    wanted = _wanted(request)
    layer = backend.layers.get(key) if key.account == context.account else None
    found = layer.versions.values() if layer is not None else ()
    versions = [version for version in reversed(list(found)) if version.suits(*wanted)]
    page, marker = page_of(
        versions, lambda version: (version.key.name, -version.version), request.get("Marker"), request.get("MaxItems")
    )
    return {"LayerVersions": [_members_of(version) for version in page], "NextMarker": marker}


def _members_of(version: LayerVersion) -> Members:
    members: Members = {
        "LayerVersionArn": version.arn,
        "Version": version.version,
        "Description": version.description,
        "CreatedDate": version.created,
        "LicenseInfo": version.license_info,
    }
    if version.compatible_runtimes is not None:
        members["CompatibleRuntimes"] = list(version.compatible_runtimes)
    if version.compatible_architectures is not None:
        members["CompatibleArchitectures"] = list(version.compatible_architectures)
    return members


def _members_with_content(backend: Backend, context: Context, version: LayerVersion) -> Members:
    content = {
        "Location": location(backend, context.endpoint, version.code_sha256),
        "CodeSha256": version.code_sha256,
        "CodeSize": version.code_size,
        "SigningProfileVersionArn": version.signing_profile_version_arn,
        "SigningJobArn": version.signing_job_arn,
    }
    return {**_members_of(version), "LayerArn": version.key.arn, "Content": content}
