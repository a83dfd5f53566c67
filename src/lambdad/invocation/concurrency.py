"""Concurrent executions: how many run at once, and why one more is refused. Pure accounting.

AWS: docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html. Reserved and provisioned pools come with their
operations; the account's limit holds for every account and region by itself, as on AWS.
"""

from lambdad.errors import TooManyRequestsException


class Concurrency:
    __slots__ = ("_limit", "_used")

    def __init__(self, account_limit: int) -> None:
        self._limit = account_limit
        self._used: dict[tuple[str, str], int] = {}

    def take(self, account: str, region: str) -> None:
        """One slot. Raises TooManyRequestsException."""
        used = self._used.get((account, region), 0)
        if used >= self._limit:
            raise TooManyRequestsException.concurrency("ConcurrentInvocationLimitExceeded")
        self._used[account, region] = used + 1

    def give_back(self, account: str, region: str) -> None:
        self._used[account, region] -= 1

    @property
    def used(self) -> int:
        return sum(self._used.values())
