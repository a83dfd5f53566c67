"""Which version is meant by a qualifier, and which one runs an invocation. Pure.

AWS: docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html, …/configuring-alias-routing.html
"""

from collections.abc import Callable

from lambdad.errors import ResourceNotFoundException
from lambdad.resources.function import LATEST, Function, FunctionKey, FunctionVersion


def version_of(key: FunctionKey, function: Function | None, qualifier: str | None) -> FunctionVersion:
    """Of an alias, the version that it points at. Raises ResourceNotFoundException, naming the ARN as it was asked for."""
    return route(key, function, qualifier, _always_the_main_one)


def route(
    key: FunctionKey, function: Function | None, qualifier: str | None, draw: Callable[[], float]
) -> FunctionVersion:
    """As `version_of`, but an alias with weights chooses by `draw()`, a random number from 0 to below 1."""
    if function is not None:
        version = function.versions.get(qualifier or LATEST)
        if version is not None:
            return version
        alias = function.aliases.get(qualifier or LATEST)
        if alias is not None:
            return function.versions[alias.version_for(draw()) if alias.weights else alias.function_version]
    raise ResourceNotFoundException.function(f"{key.arn}:{qualifier}" if qualifier else key.arn)


def _always_the_main_one() -> float:
    return 1.0
