"""How fast the API may be called: AWS limits it, lambdad only when it is asked to (`--api-rate`).

AWS: docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (API requests). Invocations are not counted.
"""

from lambdad.errors import TooManyRequestsException
from lambdad.resources.token_buckets import TokenBuckets


class RateLimit:
    """A bucket per account and region that holds one second's worth."""

    def __init__(self, per_second: float) -> None:
        """0: no limit."""
        self._buckets = TokenBuckets[tuple[str, str]](per_second, per_second)

    def take(self, account: str, region: str, now: float) -> None:
        """Raises TooManyRequestsException."""
        if not self._buckets.take((account, region), now):
            raise TooManyRequestsException.caller_rate()
