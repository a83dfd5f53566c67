"""PutFunctionConcurrency, GetFunctionConcurrency, DeleteFunctionConcurrency, GetAccountSettings.

AWS: docs.aws.amazon.com/lambda/latest/api/API_PutFunctionConcurrency.html and its siblings.
"""

import dataclasses

from lambdad.api.backend import Backend
from lambdad.api.operations.code_source import stored_code
from lambdad.api.operations.named import function_of, missing, named_function
from lambdad.errors import InvalidParameterValueException
from lambdad.protocols.context import Context, Members
from lambdad.resources.function import LATEST, Function, provisioned_by_version
from lambdad.resources.quotas import QUOTAS


async def put_function_concurrency(backend: Backend, context: Context, request: Members) -> Members:
    key = named_function(context, request)
    if backend.functions.get(key) is None:
        raise missing(key, LATEST)  # AWS looks for the version here
    wanted = request["ReservedConcurrentExecutions"]

    def change(function: Function) -> Function:
        provisioned = sum(provisioned_by_version(function).values())
        if wanted < provisioned:
            raise InvalidParameterValueException.less_reserved_than_provisioned(wanted, provisioned)
        before = provisioned if function.reserved_concurrency is None else function.reserved_concurrency
        left = backend.concurrency.unreserved(key.account, key.region) + before - wanted
        # Whoever wants no more than there is takes nothing from the others, also where too much is reserved already.
        if wanted > before and left < QUOTAS.unreserved_concurrency:
            raise InvalidParameterValueException.too_little_unreserved(QUOTAS.unreserved_concurrency)
        return dataclasses.replace(function, reserved_concurrency=wanted)

    async with backend.deciding:
        await backend.functions.update(key, change)
    return {"ReservedConcurrentExecutions": wanted}


async def get_function_concurrency(backend: Backend, context: Context, request: Members) -> Members:
    key = named_function(context, request)
    function = function_of(backend, key)
    return {"ReservedConcurrentExecutions": function.reserved_concurrency}


async def delete_function_concurrency(backend: Backend, context: Context, request: Members) -> Members:
    key = named_function(context, request)
    await backend.functions.update(key, lambda function: dataclasses.replace(function, reserved_concurrency=None))
    return {}


async def get_account_settings(backend: Backend, context: Context, request: Members) -> Members:
    functions = backend.functions.list(context.account, context.region)
    return {
        "AccountLimit": {
            "TotalCodeSize": QUOTAS.code_storage,
            "CodeSizeUnzipped": QUOTAS.unzipped_code,
            "CodeSizeZipped": QUOTAS.zipped_code,
            "ConcurrentExecutions": backend.concurrency.limit,
            "UnreservedConcurrentExecutions": max(backend.concurrency.unreserved(context.account, context.region), 0),
        },
        "AccountUsage": {
            "TotalCodeSize": stored_code(backend, context.account, context.region),
            "FunctionCount": len(functions),
        },
    }
