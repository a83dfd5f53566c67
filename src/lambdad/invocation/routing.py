"""Which version an invocation runs: qualifier → version. Pure.

AWS: docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html
"""

from lambdad.errors import ResourceNotFoundException
from lambdad.resources.function import LATEST, Function, FunctionKey, FunctionVersion


def version_of(key: FunctionKey, function: Function | None, qualifier: str | None) -> FunctionVersion:
    """Raises ResourceNotFoundException, naming the ARN as it was asked for."""
    if function is not None:
        version = function.versions.get(qualifier or LATEST)
        if version is not None:
            return version
    raise ResourceNotFoundException.function(f"{key.arn}:{qualifier}" if qualifier else key.arn)
