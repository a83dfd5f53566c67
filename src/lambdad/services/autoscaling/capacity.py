"""Provisioned concurrency as a capacity: asked for and read by Lambda's own operations, like anybody else's."""

from collections.abc import Awaitable, Callable

from lambdad.errors import ProvisionedConcurrencyConfigNotFoundException, ServiceError
from lambdad.ids import new_uuid
from lambdad.protocols.context import Context, Members
from lambdad.resources.scalable_target import TargetKey

Perform = Callable[[str, Context, Members], Awaitable[Members]]
"""One of Lambda's operations, by its name. Raises ServiceError."""


class Capacity:
    def __init__(self, perform: Perform) -> None:
        self._perform = perform

    async def current(self, key: TargetKey) -> int | None:
        """As it was last asked for; None: there is no such version or alias."""
        try:
            found = await self._ask("Get", key, {})
        except ProvisionedConcurrencyConfigNotFoundException:
            return 0
        except ServiceError:
            return None
        requested: int = found["RequestedProvisionedConcurrentExecutions"]
        return requested

    async def set(self, key: TargetKey, capacity: int) -> None:
        """Zero: it has none. Raises ServiceError."""
        if capacity:
            await self._ask("Put", key, {"ProvisionedConcurrentExecutions": capacity})
        else:
            await self._ask("Delete", key, {})

    async def _ask(self, verb: str, key: TargetKey, members: Members) -> Members:
        context = Context(key.account, key.region, new_uuid(), None, "")
        named = {"FunctionName": key.function, "Qualifier": key.qualifier}
        return await self._perform(f"{verb}ProvisionedConcurrencyConfig", context, {**named, **members})
