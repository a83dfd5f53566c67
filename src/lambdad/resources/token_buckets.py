"""How often something may happen, for each of many: a token bucket apiece. Pure accounting."""

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class TokenBuckets(Generic[K]):
    def __init__(self, size: float, per_second: float) -> None:
        """A bucket holds `size`, at least 1, and is full at first. A rate of 0: no limit."""
        self._size = max(size, 1.0)
        self._per_second = per_second
        self._buckets: dict[K, tuple[float, float]] = {}
        """Tokens left, and when (monotonic seconds)."""

    def has(self, key: K, now: float) -> bool:
        """Would `take` get one?"""
        return not self._per_second or self._left(key, now) >= 1.0

    def take(self, key: K, now: float) -> bool:
        if not self._per_second:
            return True
        left = self._left(key, now)
        allowed = left >= 1.0
        self._buckets[key] = (left - allowed, now)
        return allowed

    def _left(self, key: K, now: float) -> float:
        left, since = self._buckets.get(key, (self._size, now))
        return min(left + (now - since) * self._per_second, self._size)

    def forget(self, key: K) -> None:
        self._buckets.pop(key, None)
