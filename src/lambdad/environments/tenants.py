"""How many environments a function's tenants have in all: AWS limits that, as each tenant's are of no use to another.

AWS: docs.aws.amazon.com/lambda/latest/dg/tenant-isolation.html#tenant-isolation-considerations
"""

from collections import Counter
from collections.abc import Callable

from lambdad.resources.function import FunctionKey
from lambdad.resources.tenancy import most_environments


class Tenants:
    __slots__ = ("_concurrency_of", "_environments")

    def __init__(self, concurrency_of: Callable[[FunctionKey], int]) -> None:
        self._concurrency_of = concurrency_of
        self._environments = Counter[FunctionKey]()
        """Active, idle or being made."""

    def full(self, key: FunctionKey) -> bool:
        return self._environments[key] >= most_environments(self._concurrency_of(key))

    def one_more(self, key: FunctionKey) -> None:
        self._environments[key] += 1

    def one_less(self, key: FunctionKey) -> None:
        self._environments[key] -= 1
        if not self._environments[key]:
            del self._environments[key]
