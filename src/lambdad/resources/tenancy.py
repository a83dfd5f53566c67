"""Functions that isolate their tenants: an environment serves one tenant only. Pure.

AWS: docs.aws.amazon.com/lambda/latest/dg/tenant-isolation.html
"""

from lambdad.errors import InvalidParameterValueException
from lambdad.resources.function import FunctionVersion
from lambdad.resources.quotas import QUOTAS


def check_tenant(version: FunctionVersion, tenant_id: str | None) -> None:
    """An invocation names a tenant if the function has tenants, and only then. Raises InvalidParameterValueException."""
    if version.tenant_isolation_mode is None:
        if tenant_id is not None:
            raise InvalidParameterValueException.tenant_of_none()
    elif tenant_id is None:
        raise InvalidParameterValueException.no_tenant()


def check_without_tenants(version: FunctionVersion, what: str) -> None:
    """For what such functions cannot have. Raises InvalidParameterValueException."""
    if version.tenant_isolation_mode is not None:
        raise InvalidParameterValueException.not_with_tenants(what)


def most_environments(concurrency: int) -> int:
    """Active or idle, of all of a function's tenants. `concurrency`: how many may run at once."""
    return concurrency * QUOTAS.tenant_environments // 1000
