"""The layers that a function's configuration names: which they may be, and what a function keeps of them.

AWS: docs.aws.amazon.com/lambda/latest/dg/adding-layers.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

from lambdad.api.backend import Backend
from lambdad.errors import AccessDeniedException, InvalidParameterValueException
from lambdad.protocols.context import Members
from lambdad.resources.arn import resolve_layer_version
from lambdad.resources.function import FunctionKey
from lambdad.resources.layer import LayerReference, LayerVersion
from lambdad.resources.quotas import QUOTAS
from lambdad.store.code_packages import hex_of


def layer_changes(backend: Backend, key: FunctionKey, request: Members) -> dict[str, Any]:
    """The FunctionVersion fields that a request's Layers set. Raises what AWS refuses."""
    if "Layers" not in request:
        return {}
    arns = request["Layers"]
    if len(arns) > QUOTAS.layers:
        raise InvalidParameterValueException.too_many_layers(QUOTAS.layers)
    seen: dict[str, str] = {}
    references = []
    for arn in arns:
        references.append(_reference(backend, key, arn))
        layer = arn.rpartition(":")[0]
        if layer in seen:
            raise InvalidParameterValueException.same_layer_twice(seen[layer], arn)
        seen[layer] = arn
    return {"layers": tuple(references)}


def _reference(backend: Backend, key: FunctionKey, arn: str) -> LayerReference:
    layer_key, number = resolve_layer_version(arn)
    if layer_key.region != key.region:
        if layer_key.account != key.account:
            raise AccessDeniedException.action(key.account, "lambda:GetLayerVersion", arn)
        raise InvalidParameterValueException.layers_elsewhere(key.region)
    layer = backend.layers.get(layer_key)
    version = layer.versions.get(number) if layer is not None else None
    check_access(key.account, arn, layer_key.account, version)
    if version is None:
        raise InvalidParameterValueException.layer_version(arn)
    backend.code.will_be_used(hex_of(version.code_sha256))  # should the layer version be deleted meanwhile
    return version.reference


def check_access(account: str, arn: str, owner: str, version: LayerVersion | None) -> None:
    """Another account's layer version must be allowed by its policy. Raises AccessDeniedException, whether it exists or not."""
    if account == owner:
        return
    statements = version.policy.statements if version is not None and version.policy is not None else ()
    if not any(_allows(statement, account) for statement in statements):
        raise AccessDeniedException.action(account, "lambda:GetLayerVersion", arn)


def _allows(statement: Mapping[str, Any], account: str) -> bool:
    """An organization's condition holds for nobody here: there are none."""
    principals = ("*", {"AWS": f"arn:aws:iam::{account}:root"})
    return "Condition" not in statement and statement["Principal"] in principals


async def check_size(backend: Backend, code_sha256: str, layers: Iterable[LayerReference]) -> None:
    """Code and layers together. Raises InvalidParameterValueException."""
    layers = list(layers)
    if not layers:
        return  # the code alone was measured when it came
    sizes = [
        await backend.code.unzipped_size(hex_of(sha)) for sha in (code_sha256, *(one.code_sha256 for one in layers))
    ]
    if sum(sizes) > QUOTAS.unzipped_code:
        raise InvalidParameterValueException.too_large_with_layers(QUOTAS.unzipped_code, sum(sizes))
