"""The FunctionVersion fields that a request's code sets: of a deployment package, or of a container image.

AWS: docs.aws.amazon.com/lambda/latest/dg/configuration-function-common.html (a function's package type never changes)
"""

from collections.abc import Iterable
from typing import Any

from lambdad.api.backend import Backend
from lambdad.api.operations.code_source import keep_code, read_code
from lambdad.api.operations.signatures import Deployment
from lambdad.errors import InvalidParameterValueException
from lambdad.protocols.context import Members
from lambdad.resources.function import FunctionKey
from lambdad.resources.image import parse_image
from lambdad.resources.layer import LayerReference


def check_package_type(package_type: str, request: Members) -> None:
    """A configuration's members that go with the other kind. Raises InvalidParameterValueException."""
    if package_type == "Image":
        if request.get("Runtime") or request.get("Handler"):
            raise InvalidParameterValueException.zip_settings_of_image()
        if request.get("Layers"):
            raise InvalidParameterValueException.layers_of_image()
        if request.get("CodeSigningConfigArn"):
            raise InvalidParameterValueException.signed_image()
        if request.get("SnapStart", {}).get("ApplyOn", "None") != "None":
            raise InvalidParameterValueException.snap_start_of_image()
    elif request.get("ImageConfig"):
        raise InvalidParameterValueException.image_config_of_zip()


def image_fields(key: FunctionKey, code: Members, missing: InvalidParameterValueException) -> dict[str, Any]:
    """`missing` is raised when no image is named."""
    if not code.get("ImageUri") or any(code.get(name) for name in ("ZipFile", "S3Bucket", "S3Key", "S3ObjectVersion")):
        raise missing
    image = parse_image(code["ImageUri"])
    if image.region not in (None, key.region):
        raise InvalidParameterValueException.source_image(image.uri)
    return {"image_uri": image.uri, "code_sha256": image.digest, "code_size": 0}


async def package_fields(
    backend: Backend,
    key: FunctionKey,
    code: Members,
    config_arn: str | None,
    layers: Iterable[LayerReference] = (),
    dry_run: bool = False,
) -> tuple[Deployment, dict[str, Any]]:
    """Read, checked and durable, but for a dry run. `config_arn`: of its code signing configuration, which may be another
    when it is committed: the Deployment judges once more then."""
    content = await read_code(backend, key.account, key.region, code)
    deployment = Deployment(backend, key, content)
    signed = await deployment.check(config_arn, layers)
    package = await keep_code(backend, key.account, key.region, content, dry_run)
    return deployment, {"code_sha256": package.sha256_base64, "code_size": package.size, **signed}
