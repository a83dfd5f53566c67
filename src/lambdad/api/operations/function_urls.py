"""Create-, Get-, Update-, Delete- and ListFunctionUrlConfig(s).

AWS: docs.aws.amazon.com/lambda/latest/api/API_CreateFunctionUrlConfig.html and its siblings.
"""

import dataclasses
import secrets
from typing import Any

from lambdad.api.backend import Backend
from lambdad.api.operations.cross_origin import check_cors
from lambdad.api.operations.named import named
from lambdad.api.pagination import page_of
from lambdad.clock import last_modified
from lambdad.errors import ResourceConflictException, ResourceNotFoundException
from lambdad.protocols.context import Context, Members
from lambdad.resources.function import LATEST, Function, FunctionKey
from lambdad.resources.function_settings import FunctionUrl
from lambdad.resources.function_url import url_of
from lambdad.resources.tenancy import check_without_tenants

_FIELDS = {"AuthType": "auth_type", "InvokeMode": "invoke_mode", "Cors": "cors"}
_ID_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_ID_LENGTH = 32


async def create_function_url_config(backend: Backend, context: Context, request: Members) -> Members:
    key, qualifier = named(context, request)
    check_cors(request.get("Cors"))
    now = last_modified(backend.clock.now())
    url = FunctionUrl(
        url_id="".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_LENGTH)),
        auth_type=request["AuthType"],
        invoke_mode=request.get("InvokeMode"),
        cors=request.get("Cors"),
        created=now,
        last_modified=now,
    )

    def change(function: Function) -> Function:
        if qualifier is not None and qualifier not in function.aliases:
            raise ResourceNotFoundException.function_of_url()
        if (qualifier or LATEST) in function.urls:
            raise ResourceConflictException.url_exists(_arn_of(key, qualifier))
        return _with_url(function, qualifier, url)

    check_without_tenants(_check_function(backend, key).latest, "Function URL")
    await backend.functions.update(key, change)
    members = _members_of(backend, context, key, qualifier, url)
    del members["LastModifiedTime"]
    return members | {"InvokeMode": url.invoke_mode}


async def get_function_url_config(backend: Backend, context: Context, request: Members) -> Members:
    key, qualifier = named(context, request)
    function = backend.functions.get(key)
    url = function.urls.get(qualifier or LATEST) if function is not None else None
    if url is None:
        raise ResourceNotFoundException.requested_resource()
    return _members_of(backend, context, key, qualifier, url)


async def update_function_url_config(backend: Backend, context: Context, request: Members) -> Members:
    key, qualifier = named(context, request)
    check_cors(request.get("Cors"))
    changes: dict[str, Any] = {field: request[member] for member, field in _FIELDS.items() if member in request}
    changes["last_modified"] = last_modified(backend.clock.now())

    def change(function: Function) -> Function:
        if qualifier is not None and qualifier not in function.aliases:
            raise ResourceNotFoundException.function_of_url()
        before = function.urls.get(qualifier or LATEST)
        if before is None:
            raise ResourceNotFoundException.requested_resource()
        return _with_url(function, qualifier, dataclasses.replace(before, **changes))

    _check_function(backend, key)
    function = await backend.functions.update(key, change)
    return _members_of(backend, context, key, qualifier, function.urls[qualifier or LATEST])


async def delete_function_url_config(backend: Backend, context: Context, request: Members) -> Members:
    key, qualifier = named(context, request)

    def change(function: Function) -> Function:
        urls = dict(function.urls)
        if urls.pop(qualifier or LATEST, None) is None:
            raise ResourceNotFoundException.requested_resource()
        return dataclasses.replace(function, urls=urls)

    if backend.functions.get(key) is None:
        raise ResourceNotFoundException.requested_resource()
    await backend.functions.update(key, change)
    return {}


async def list_function_url_configs(backend: Backend, context: Context, request: Members) -> Members:
    key, _ = named(context, request)
    urls = sorted(_check_function(backend, key).urls.items())
    page, marker = page_of(urls, lambda item: (item[0], 0), request.get("Marker"), request.get("MaxItems"))
    return {
        "FunctionUrlConfigs": [
            _members_of(backend, context, key, None if name == LATEST else name, url) for name, url in page
        ],
        "NextMarker": marker,
    }


def _check_function(backend: Backend, key: FunctionKey) -> Function:
    function = backend.functions.get(key)
    if function is None:
        raise ResourceNotFoundException.function_of_url()
    return function


def _with_url(function: Function, qualifier: str | None, url: FunctionUrl) -> Function:
    return dataclasses.replace(function, urls={**function.urls, qualifier or LATEST: url})


def _arn_of(key: FunctionKey, qualifier: str | None) -> str:
    return f"{key.arn}:{qualifier}" if qualifier else key.arn


def _members_of(
    backend: Backend, context: Context, key: FunctionKey, qualifier: str | None, url: FunctionUrl
) -> Members:
    domain = backend.config.function_url_domain
    return {
        "FunctionUrl": url_of(url.url_id, key.region, context.endpoint, domain, backend.localhost_names()),
        "FunctionArn": _arn_of(key, qualifier),
        "AuthType": url.auth_type,
        "Cors": url.cors,
        "CreationTime": url.created,
        "LastModifiedTime": url.last_modified,
        "InvokeMode": url.invoke_mode or "BUFFERED",
    }
