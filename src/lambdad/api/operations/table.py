"""Every operation that is built, by its name in the service model. A test holds the names against the model."""

from collections.abc import Awaitable, Callable

from lambdad.api.context import Backend, Context, Members
from lambdad.api.operations import aliases, function_code, function_configuration, functions, versions

Operation = Callable[[Backend, Context, Members], Awaitable[Members]]

OPERATIONS: dict[str, Operation] = {
    "CreateAlias": aliases.create_alias,
    "CreateFunction": functions.create_function,
    "DeleteAlias": aliases.delete_alias,
    "DeleteFunction": functions.delete_function,
    "GetAlias": aliases.get_alias,
    "GetFunction": functions.get_function,
    "GetFunctionConfiguration": function_configuration.get_function_configuration,
    "ListAliases": aliases.list_aliases,
    "ListFunctions": functions.list_functions,
    "ListVersionsByFunction": versions.list_versions_by_function,
    "PublishVersion": versions.publish_version,
    "UpdateAlias": aliases.update_alias,
    "UpdateFunctionCode": function_code.update_function_code,
    "UpdateFunctionConfiguration": function_configuration.update_function_configuration,
}
"""Invoke is not here: `invoke.py` is called by the front door directly."""
