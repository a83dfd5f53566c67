"""Every operation that is built, by its name in the service model. A test holds the names against the model."""

from collections.abc import Awaitable, Callable

from lambdad.api.context import Backend, Context, Members
from lambdad.api.operations import (
    aliases,
    concurrency,
    function_code,
    function_configuration,
    functions,
    layer_policies,
    layers,
    permissions,
    tags,
    versions,
)

Operation = Callable[[Backend, Context, Members], Awaitable[Members]]

OPERATIONS: dict[str, Operation] = {
    "AddLayerVersionPermission": layer_policies.add_layer_version_permission,
    "AddPermission": permissions.add_permission,
    "CreateAlias": aliases.create_alias,
    "CreateFunction": functions.create_function,
    "DeleteAlias": aliases.delete_alias,
    "DeleteFunction": functions.delete_function,
    "DeleteFunctionConcurrency": concurrency.delete_function_concurrency,
    "DeleteLayerVersion": layers.delete_layer_version,
    "GetAccountSettings": concurrency.get_account_settings,
    "GetAlias": aliases.get_alias,
    "GetFunction": functions.get_function,
    "GetFunctionConcurrency": concurrency.get_function_concurrency,
    "GetFunctionConfiguration": function_configuration.get_function_configuration,
    "GetLayerVersion": layers.get_layer_version,
    "GetLayerVersionByArn": layers.get_layer_version_by_arn,
    "GetLayerVersionPolicy": layer_policies.get_layer_version_policy,
    "GetPolicy": permissions.get_policy,
    "ListAliases": aliases.list_aliases,
    "ListFunctions": functions.list_functions,
    "ListLayerVersions": layers.list_layer_versions,
    "ListLayers": layers.list_layers,
    "ListTags": tags.list_tags,
    "ListVersionsByFunction": versions.list_versions_by_function,
    "PublishLayerVersion": layers.publish_layer_version,
    "PublishVersion": versions.publish_version,
    "PutFunctionConcurrency": concurrency.put_function_concurrency,
    "RemoveLayerVersionPermission": layer_policies.remove_layer_version_permission,
    "RemovePermission": permissions.remove_permission,
    "TagResource": tags.tag_resource,
    "UntagResource": tags.untag_resource,
    "UpdateAlias": aliases.update_alias,
    "UpdateFunctionCode": function_code.update_function_code,
    "UpdateFunctionConfiguration": function_configuration.update_function_configuration,
}
"""Invoke is not here: `invoke.py` is called by the front door directly."""
