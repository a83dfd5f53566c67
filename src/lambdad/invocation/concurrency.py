"""Concurrent executions: how many run at once, and why one more is refused. Pure accounting.

A function with reserved concurrency has that many to itself; all others of an account and region share what is not reserved.
AWS: docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html. Provisioned concurrency is not here yet.
"""

from dataclasses import dataclass

from lambdad.errors import TooManyRequestsException
from lambdad.resources.function import Function, FunctionKey

_Place = tuple[str, str]
"""Account and region: each has a limit of its own, as on AWS."""


@dataclass(slots=True)
class _Shared:
    """Of one account and region."""

    limit: int
    """What is not reserved."""
    running: int = 0


class Concurrency:
    __slots__ = ("_limit", "_reserved", "_running", "_shared")

    def __init__(self, account_limit: int) -> None:
        self._limit = account_limit
        self._shared: dict[_Place, _Shared] = {}
        self._reserved: dict[FunctionKey, int] = {}
        self._running: dict[FunctionKey, int] = {}

    def take(self, key: FunctionKey) -> None:
        """One slot. Raises TooManyRequestsException."""
        running = self._running.get(key, 0)
        reserved = self._reserved.get(key)
        if reserved is None:
            shared = self._place(key)
            if shared.running >= shared.limit:
                raise TooManyRequestsException.concurrency("ConcurrentInvocationLimitExceeded")
            shared.running += 1
        elif running >= reserved:
            raise TooManyRequestsException.concurrency("ReservedFunctionConcurrentInvocationLimitExceeded")
        self._running[key] = running + 1

    def give_back(self, key: FunctionKey) -> None:
        running = self._running[key] - 1
        if running:
            self._running[key] = running
        else:
            del self._running[key]  # the function may be gone for good
        if key not in self._reserved:
            self._place(key).running -= 1

    def _place(self, key: FunctionKey) -> _Shared:
        place = (key.account, key.region)
        shared = self._shared.get(place)
        if shared is None:
            shared = self._shared[place] = _Shared(self._limit)
        return shared

    def function_changed(self, key: FunctionKey, before: Function | None, after: Function | None) -> None:
        """A committed change: what runs already counts where it would be taken from now."""
        old = self._reserved.pop(key, None)
        new = after.reserved_concurrency if after is not None else None
        if new is not None:
            self._reserved[key] = new
        if old == new:
            return
        shared = self._place(key)
        shared.limit += (old or 0) - (new or 0)
        shared.running += self._running.get(key, 0) * ((old is not None) - (new is not None))

    def unreserved(self, account: str, region: str) -> int:
        """What functions without a reservation share."""
        shared = self._shared.get((account, region))
        return shared.limit if shared is not None else self._limit

    @property
    def limit(self) -> int:
        """Of every account and region."""
        return self._limit

    @property
    def used(self) -> int:
        return sum(self._running.values())
