"""PutFunctionRecursionConfig, GetFunctionRecursionConfig.

AWS: docs.aws.amazon.com/lambda/latest/api/API_PutFunctionRecursionConfig.html and its sibling.
"""

import dataclasses

from lambdad.api.backend import Backend
from lambdad.api.operations.named import function_of, named_function
from lambdad.protocols.context import Context, Members


async def put_function_recursion_config(backend: Backend, context: Context, request: Members) -> Members:
    key = named_function(context, request)
    wanted = request["RecursiveLoop"]
    await backend.functions.update(key, lambda function: dataclasses.replace(function, recursive_loop=wanted))
    return {"RecursiveLoop": wanted}


async def get_function_recursion_config(backend: Backend, context: Context, request: Members) -> Members:
    return {"RecursiveLoop": function_of(backend, named_function(context, request)).recursive_loop}
