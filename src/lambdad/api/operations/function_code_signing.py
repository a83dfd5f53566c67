"""Put-, Get- and DeleteFunctionCodeSigningConfig.

AWS: docs.aws.amazon.com/lambda/latest/api/API_PutFunctionCodeSigningConfig.html and its siblings.
"""

import dataclasses

from lambdad.api.backend import Backend
from lambdad.api.operations.named import function_of, named_function
from lambdad.api.operations.signatures import config_of
from lambdad.errors import InvalidParameterValueException
from lambdad.protocols.context import Context, Members
from lambdad.resources.function import Function


async def put_function_code_signing_config(backend: Backend, context: Context, request: Members) -> Members:
    """What is deployed already stays, as on AWS."""
    arn = request["CodeSigningConfigArn"]
    async with backend.deciding:
        arn = config_of(backend, context.account, context.region, arn).key.arn
        key = named_function(context, request)

        def change(function: Function) -> Function:
            if function.latest.package_type == "Image":
                raise InvalidParameterValueException.signed_image()
            return dataclasses.replace(function, code_signing_config_arn=arn)

        await backend.functions.update(key, change)
    return {"CodeSigningConfigArn": arn, "FunctionName": key.name}


async def get_function_code_signing_config(backend: Backend, context: Context, request: Members) -> Members:
    """Nothing at all for a function without one."""
    function = function_of(backend, named_function(context, request))
    if function.code_signing_config_arn is None:
        return {}
    return {"CodeSigningConfigArn": function.code_signing_config_arn, "FunctionName": function.key.name}


async def delete_function_code_signing_config(backend: Backend, context: Context, request: Members) -> Members:
    """One that is not there is deleted, too."""
    key = named_function(context, request)
    await backend.functions.update(key, lambda function: dataclasses.replace(function, code_signing_config_arn=None))
    return {}
