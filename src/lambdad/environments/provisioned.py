"""Provisioned concurrency of one function version: environments that are initialised before anyone calls.

AWS: docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lambdad.environments.environment import Environment


@dataclass(frozen=True, slots=True)
class Provision:
    """How far it has come."""

    allocated: int
    """Initialised environments, busy or not."""
    failed: bool
    """Initialisation failed: no more are tried until more are asked for."""


class Provisioned:
    """Those of a pool. Bookkeeping only: `pool.py` makes and ends them."""

    __slots__ = ("all", "failed", "growing", "initialised", "proven", "ready", "restarted", "resting", "target")

    def __init__(self) -> None:
        self.target = 0
        self.growing = 0
        """Being made: not in `all` yet."""
        self.failed = False
        self.resting = False
        """This host could not make one: no more are tried for a while. That is not the function's fault."""
        self.all: set[Environment] = set()
        self.initialised: set[Environment] = set()
        """Their runtime is up."""
        self.proven: set[Environment] = set()
        """Their last initialisation went well: should their runtime end it is started again."""
        self.restarted: set[Environment] = set()
        """Their runtime was started again and has answered nothing since: should it end once more, that is a failure."""
        self.ready: list[Environment] = []
        """Initialised and idle."""

    @property
    def missing(self) -> int:
        """How many are to be made."""
        return 0 if self.failed or self.resting else max(self.target - len(self.all) - self.growing, 0)

    @property
    def surplus(self) -> int:
        return max(len(self.all) - self.target, 0)

    @property
    def progress(self) -> Provision:
        return Provision(min(len(self.initialised), self.target), self.failed)

    def gone(self, environment: "Environment") -> None:
        self.failed |= environment in self.all and environment not in self.proven and not environment.retired
        for those in (self.all, self.initialised, self.proven, self.restarted):
            those.discard(environment)
