"""Concurrent executions: how many run at once, and why one more is refused. Pure accounting.

A function with reserved concurrency has that many to itself; all others of an account and region share what is not reserved.
A version with provisioned concurrency has that many first, out of what its function has: reserved, or shared.
AWS: docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lambdad.errors import TooManyRequestsException
from lambdad.resources.function import Function, FunctionKey, provisioned_by_version

_Place = tuple[str, str]
"""Account and region: each has a limit of its own, as on AWS."""


@dataclass(slots=True)
class _Shared:
    """Of one account and region."""

    limit: int
    """What is neither reserved nor provisioned."""
    running: int = 0


@dataclass(frozen=True, slots=True)
class _Own:
    """What a function has to itself."""

    reserved: int | None
    provisioned: Mapping[str, int]
    """By version."""

    @property
    def total_provisioned(self) -> int:
        return sum(self.provisioned.values())

    @property
    def taken_from_all(self) -> int:
        return self.total_provisioned if self.reserved is None else self.reserved


_NOTHING = _Own(None, {})


@dataclass(slots=True)
class ProvisionedUse:
    """What has become of one version's provisioned concurrency: CloudWatch's ProvisionedConcurrency… metrics."""

    running: int = 0
    invocations: int = 0
    spillovers: int = 0
    """Invocations for which none was left."""


class Concurrency:
    __slots__ = ("_limit", "_own", "_running", "_shared", "_uses")

    def __init__(self, account_limit: int) -> None:
        self._limit = account_limit
        self._shared: dict[_Place, _Shared] = {}
        self._own: dict[FunctionKey, _Own] = {}
        self._running: dict[FunctionKey, int] = {}
        """Beside provisioned concurrency."""
        self._uses: dict[FunctionKey, dict[str, ProvisionedUse]] = {}
        """By version: of those that have provisioned concurrency."""

    def take(self, key: FunctionKey, version: str) -> bool:
        """One slot; whether it is one of provisioned concurrency, for `give_back`. Raises TooManyRequestsException."""
        own = self._own.get(key)
        running = self._running.get(key, 0)
        if own is not None and self._take_provisioned(key, version, own):
            return True
        if own is None or own.reserved is None:
            shared = self._place(key)
            if shared.running >= shared.limit:
                raise TooManyRequestsException.concurrency("ConcurrentInvocationLimitExceeded")
            shared.running += 1
        elif running >= own.reserved - own.total_provisioned:
            raise TooManyRequestsException.concurrency("ReservedFunctionConcurrentInvocationLimitExceeded")
        self._running[key] = running + 1
        return False

    def _take_provisioned(self, key: FunctionKey, version: str, own: _Own) -> bool:
        provisioned = own.provisioned.get(version, 0)
        if not provisioned:
            return False
        use = self._uses[key][version]
        if use.running >= provisioned:
            use.spillovers += 1
            return False
        use.running += 1
        use.invocations += 1
        return True

    def give_back(self, key: FunctionKey, version: str, provisioned: bool) -> None:
        if provisioned:
            use = self._uses.get(key, {}).get(version)
            if use is not None and use.running:
                use.running -= 1
                return
            # Fewer are provisioned than when it was taken: it has been counted like any other since.
        running = self._running[key] - 1
        if running:
            self._running[key] = running
        else:
            del self._running[key]  # the function may be gone for good
        own = self._own.get(key)
        if own is None or own.reserved is None:
            self._place(key).running -= 1

    def _place(self, key: FunctionKey) -> _Shared:
        place = (key.account, key.region)
        shared = self._shared.get(place)
        if shared is None:
            shared = self._shared[place] = _Shared(self._limit)
        return shared

    def function_changed(self, key: FunctionKey, before: Function | None, after: Function | None) -> None:
        """A committed change: what runs already counts where it would be taken from now."""
        old = self._own.pop(key, _NOTHING)
        new = _own_of(after)
        if new != _NOTHING:
            self._own[key] = new
        if old == new:
            return
        counted = self._running.get(key, 0)
        running = counted + self._recount(key, new)
        if running:
            self._running[key] = running
        shared = self._place(key)
        shared.limit += old.taken_from_all - new.taken_from_all
        shared.running += running * (new.reserved is None) - counted * (old.reserved is None)

    def _recount(self, key: FunctionKey, new: _Own) -> int:
        """How many run in provisioned concurrency that is no more."""
        uses = self._uses.pop(key, {})
        moved = 0
        for version, use in uses.items():
            more = max(use.running - new.provisioned.get(version, 0), 0)
            use.running -= more
            moved += more
        if new.provisioned:
            self._uses[key] = {version: uses.get(version) or ProvisionedUse() for version in new.provisioned}
        return moved

    def unreserved(self, account: str, region: str) -> int:
        """What functions without a reservation share."""
        shared = self._shared.get((account, region))
        return shared.limit if shared is not None else self._limit

    def allocated(self, account: str, region: str) -> int:
        """What is reserved or provisioned: nobody else has it."""
        return self._limit - self.unreserved(account, region)

    def most_of(self, key: FunctionKey) -> int:
        """How many of a function's may run at once, if nobody else's do."""
        own = self._own.get(key)
        return self._limit if own is None or own.reserved is None else own.reserved

    @property
    def limit(self) -> int:
        """Of every account and region."""
        return self._limit

    @property
    def used(self) -> int:
        provisioned = sum(use.running for uses in self._uses.values() for use in uses.values())
        return sum(self._running.values()) + provisioned

    def provision_of(self, key: FunctionKey, version: str, taken: bool) -> tuple[int, int] | None:
        """Of a version's provisioned concurrency: (in use, all there is); None: it has none. `taken`: and one more, given back."""
        use = self._uses.get(key, {}).get(version)
        return (use.running + taken, self._own[key].provisioned[version]) if use is not None else None

    def running(self) -> Mapping[FunctionKey, int]:
        """Beside provisioned concurrency."""
        return self._running

    def provisioned(self) -> Iterator[tuple[FunctionKey, str, int, ProvisionedUse]]:
        """Function, version, how many are provisioned, what became of them."""
        for key, uses in self._uses.items():
            for version, use in uses.items():
                yield key, version, self._own[key].provisioned[version], use


def _own_of(function: Function | None) -> _Own:
    if function is None or (function.reserved_concurrency is None and not function.provisioned_concurrency):
        return _NOTHING
    return _Own(function.reserved_concurrency, provisioned_by_version(function))
