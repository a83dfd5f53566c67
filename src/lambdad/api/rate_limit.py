"""How fast the API may be called: AWS limits it, lambdad only when it is asked to (`--api-rate`). Pure accounting.

AWS: docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (API requests). Invocations are not counted.
"""

from lambdad.errors import TooManyRequestsException


class RateLimit:
    """A token bucket per account and region that holds one second's worth."""

    def __init__(self, per_second: float) -> None:
        """0: no limit."""
        self._per_second = per_second
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}
        """Tokens left, and when (monotonic seconds)."""

    def take(self, account: str, region: str, now: float) -> None:
        """Raises TooManyRequestsException."""
        if not self._per_second:
            return
        most = max(self._per_second, 1.0)
        left, since = self._buckets.get((account, region), (most, now))
        left = min(left + (now - since) * self._per_second, most)
        if left < 1.0:
            self._buckets[account, region] = (left, now)
            raise TooManyRequestsException.caller_rate()
        self._buckets[account, region] = (left - 1.0, now)
