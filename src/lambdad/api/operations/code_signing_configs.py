"""Create-, Get-, Update-, Delete- and ListCodeSigningConfig(s), ListFunctionsByCodeSigningConfig.

AWS: docs.aws.amazon.com/lambda/latest/api/API_CreateCodeSigningConfig.html and its siblings.
"""

import dataclasses
import secrets
import string
from typing import Any

from lambdad.api.backend import Backend
from lambdad.api.operations.tags import check_tags
from lambdad.api.pagination import page_of
from lambdad.clock import last_modified
from lambdad.errors import ResourceConflictException, ResourceNotFoundException
from lambdad.protocols.context import Context, Members
from lambdad.resources.code_signing import CodeSigningConfig, CodeSigningConfigKey, find_code_signing_config

_LETTERS = string.ascii_lowercase + string.digits
_ID_LENGTH = 17


async def create_code_signing_config(backend: Backend, context: Context, request: Members) -> Members:
    check_tags(request.get("Tags") or {})
    name = "csc-" + "".join(secrets.choice(_LETTERS) for _ in range(_ID_LENGTH))
    config = CodeSigningConfig(
        key=CodeSigningConfigKey(context.account, context.region, name),
        description=request.get("Description") or "",
        publishers=tuple(request["AllowedPublishers"]["SigningProfileVersionArns"]),
        policy=_policy_of(request) or "Warn",
        last_modified=last_modified(backend.clock.now()),
        tags=request.get("Tags") or {},
    )
    await backend.code_signing_configs.apply(config.key, lambda before: config)
    return {"CodeSigningConfig": _members_of(config)}


async def get_code_signing_config(backend: Backend, context: Context, request: Members) -> Members:
    return {"CodeSigningConfig": _members_of(_find(backend, context, request))}


async def update_code_signing_config(backend: Backend, context: Context, request: Members) -> Members:
    """Changes only what is given."""
    before = _find(backend, context, request)
    changes: dict[str, Any] = {}
    if "Description" in request:
        changes["description"] = request["Description"]
    if "AllowedPublishers" in request:
        changes["publishers"] = tuple(request["AllowedPublishers"]["SigningProfileVersionArns"])
    if policy := _policy_of(request):
        changes["policy"] = policy
    if not changes:
        return {"CodeSigningConfig": _members_of(before)}
    changes["last_modified"] = last_modified(backend.clock.now())
    after = await backend.code_signing_configs.update(before.key, lambda config: dataclasses.replace(config, **changes))
    assert after is not None
    return {"CodeSigningConfig": _members_of(after)}


async def delete_code_signing_config(backend: Backend, context: Context, request: Members) -> Members:
    async with backend.deciding:
        config = _find(backend, context, request)
        if _functions_with(backend, config.key):
            raise ResourceConflictException.code_signing_config_in_use(config.key.arn)
        await backend.code_signing_configs.apply(config.key, lambda before: None)
    return {}


async def list_code_signing_configs(backend: Backend, context: Context, request: Members) -> Members:
    configs = backend.code_signing_configs.list(context.account, context.region)
    page, marker = page_of(configs, lambda one: (one.key.name, 0), request.get("Marker"), request.get("MaxItems"))
    return {"CodeSigningConfigs": [_members_of(config) for config in page], "NextMarker": marker}


async def list_functions_by_code_signing_config(backend: Backend, context: Context, request: Members) -> Members:
    arns = _functions_with(backend, _find(backend, context, request).key)
    page, marker = page_of(arns, lambda arn: (arn, 0), request.get("Marker"), request.get("MaxItems"))
    return {"FunctionArns": list(page), "NextMarker": marker}


def _find(backend: Backend, context: Context, request: Members) -> CodeSigningConfig:
    """Raises ResourceNotFoundException; also for another account's or region's."""
    arn = request["CodeSigningConfigArn"]
    key = find_code_signing_config(arn)
    config = backend.code_signing_configs.get(key) if key is not None else None
    if config is None or (config.key.account, config.key.region) != (context.account, context.region):
        raise ResourceNotFoundException.code_signing_config(arn)
    return config


def _functions_with(backend: Backend, key: CodeSigningConfigKey) -> list[str]:
    functions = backend.functions.list(key.account, key.region)
    return [function.key.arn for function in functions if function.code_signing_config_arn == key.arn]


def _policy_of(request: Members) -> str | None:
    policy: str | None = (request.get("CodeSigningPolicies") or {}).get("UntrustedArtifactOnDeployment")
    return policy


def _members_of(config: CodeSigningConfig) -> Members:
    return {
        "CodeSigningConfigId": config.key.name,
        "CodeSigningConfigArn": config.key.arn,
        "Description": config.description,
        "AllowedPublishers": {"SigningProfileVersionArns": list(config.publishers)},
        "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": config.policy},
        "LastModified": config.last_modified,
    }
