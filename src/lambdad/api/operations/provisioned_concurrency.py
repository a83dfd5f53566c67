"""Put-, Get-, Delete- and ListProvisionedConcurrencyConfig(s).

AWS: docs.aws.amazon.com/lambda/latest/api/API_PutProvisionedConcurrencyConfig.html and its siblings.
"""

import dataclasses

from lambdad.api.backend import Backend
from lambdad.api.operations.named import check_qualifier, function_of, missing, named
from lambdad.api.pagination import page_of
from lambdad.clock import last_modified_to_the_second
from lambdad.errors import (
    InvalidParameterValueException,
    ProvisionedConcurrencyConfigNotFoundException,
    ResourceConflictException,
)
from lambdad.ids import new_uuid
from lambdad.protocols.context import Context, Members
from lambdad.resources.function import (
    LATEST,
    Function,
    FunctionKey,
    provisioned_by_version,
    version_of,
    with_revision,
)
from lambdad.resources.function_settings import ProvisionedConcurrency
from lambdad.resources.quotas import QUOTAS
from lambdad.resources.tenancy import check_without_tenants


async def put_provisioned_concurrency_config(backend: Backend, context: Context, request: Members) -> Members:
    key, qualifier = _target(context, request, InvalidParameterValueException.provisioning_of_latest())
    now = last_modified_to_the_second(backend.clock.now())
    config = ProvisionedConcurrency(requested=request["ProvisionedConcurrentExecutions"], last_modified=now)

    def change(function: Function) -> Function:
        check_target(function, qualifier)
        after = dataclasses.replace(
            function, provisioned_concurrency={**function.provisioned_concurrency, qualifier: config}
        )
        _check_amount(backend, function, after)
        return with_revision(after, version_of(function, qualifier), new_uuid())

    check_without_tenants(_function_of(backend, key, qualifier).latest, "Provisioned Concurrency")
    async with backend.deciding:
        await backend.functions.update(key, change)
    return {
        "RequestedProvisionedConcurrentExecutions": config.requested,
        "AvailableProvisionedConcurrentExecutions": 0,
        "AllocatedProvisionedConcurrentExecutions": 0,
        "Status": "IN_PROGRESS",
        "LastModified": now,
    }


async def get_provisioned_concurrency_config(backend: Backend, context: Context, request: Members) -> Members:
    key, qualifier = _target(context, request, InvalidParameterValueException.never_provisioned())
    function = _function_of(backend, key, qualifier)
    check_qualifier(function, qualifier)
    config = function.provisioned_concurrency.get(qualifier)
    if config is None:
        raise ProvisionedConcurrencyConfigNotFoundException.of_function()
    return _members_of(backend, function, qualifier, config)


async def delete_provisioned_concurrency_config(backend: Backend, context: Context, request: Members) -> Members:
    """One that is not there is deleted, too."""
    key, qualifier = _target(context, request, InvalidParameterValueException.never_provisioned())

    def change(function: Function) -> Function:
        check_qualifier(function, qualifier)
        configs = {name: one for name, one in function.provisioned_concurrency.items() if name != qualifier}
        return dataclasses.replace(function, provisioned_concurrency=configs)

    _function_of(backend, key, qualifier)
    await backend.functions.update(key, change)
    return {}


async def list_provisioned_concurrency_configs(backend: Backend, context: Context, request: Members) -> Members:
    key, _ = named(context, request)
    function = function_of(backend, key)
    configs = sorted(function.provisioned_concurrency.items())
    page, marker = page_of(configs, lambda item: (item[0], 0), request.get("Marker"), request.get("MaxItems"))
    return {
        "ProvisionedConcurrencyConfigs": [
            {"FunctionArn": f"{key.arn}:{qualifier}", **_members_of(backend, function, qualifier, config)}
            for qualifier, config in page
        ],
        "NextMarker": marker,
    }


def _target(context: Context, request: Members, of_latest: InvalidParameterValueException) -> tuple[FunctionKey, str]:
    """`of_latest` is raised where it is `$LATEST`."""
    key, qualifier = named(context, request)
    if qualifier is None or qualifier == LATEST:
        raise of_latest
    return key, qualifier


def _function_of(backend: Backend, key: FunctionKey, qualifier: str) -> Function:
    """Of a function that is not there, it is the version or alias that is missed. Raises ResourceNotFoundException."""
    function = backend.functions.get(key)
    if function is None:
        raise missing(key, qualifier)
    return function


def check_target(function: Function, qualifier: str) -> None:
    """A version has provisioned concurrency of its own or through aliases, not both; an alias that has it has one version.

    Raises InvalidParameterValueException, ResourceConflictException, ResourceNotFoundException."""
    check_qualifier(function, qualifier)
    if function.versions[version_of(function, qualifier)].snap_start:
        raise InvalidParameterValueException.no_snap_start("Provisioned Concurrency")
    alias = function.aliases.get(qualifier)
    if alias is None:
        pointing = [one.name for one in function.aliases.values() if one.function_version == qualifier]
        if any(name in function.provisioned_concurrency for name in pointing):
            raise ResourceConflictException.provisioned_by_alias()
        return
    if alias.function_version == LATEST:
        raise InvalidParameterValueException.provisioning_of_latest()
    if alias.weights:
        raise InvalidParameterValueException.provisioning_with_weights()
    if alias.function_version in function.provisioned_concurrency:
        raise ResourceConflictException.provisioned_version()


def _check_amount(backend: Backend, before: Function, after: Function) -> None:
    """It comes out of what the function has reserved, else out of what all share."""
    total = sum(provisioned_by_version(after).values())
    if after.reserved_concurrency is not None:
        if total > after.reserved_concurrency:
            raise InvalidParameterValueException.more_provisioned_than_reserved()
        return
    key, own = after.key, sum(provisioned_by_version(before).values())
    if total <= own:
        return  # also where more is taken already than there is
    free = max(backend.concurrency.unreserved(key.account, key.region) + own, 0)
    if total > free:
        raise InvalidParameterValueException.more_provisioned_than_unreserved(free)
    if free - total < QUOTAS.unreserved_concurrency:
        raise InvalidParameterValueException.too_little_unreserved_for_provisioned(QUOTAS.unreserved_concurrency)


def _members_of(backend: Backend, function: Function, qualifier: str, config: ProvisionedConcurrency) -> Members:
    provision = backend.provision_of(function.key, version_of(function, qualifier))
    allocated = min(provision.allocated, config.requested)
    status = "READY" if allocated == config.requested else "FAILED" if provision.failed else "IN_PROGRESS"
    return {
        "RequestedProvisionedConcurrentExecutions": config.requested,
        "AvailableProvisionedConcurrentExecutions": allocated,
        "AllocatedProvisionedConcurrentExecutions": allocated,
        "Status": status,
        "StatusReason": "FUNCTION_ERROR_INIT_FAILURE" if status == "FAILED" else None,
        "LastModified": config.last_modified,
    }
