"""How many environments this host may hold: a number, and a total of memory. Pure accounting.

Working environments count with their function's whole memory, idle ones with what they hold.
"""


class Capacity:
    __slots__ = ("_memory_mb", "_number", "memory_limit_mb", "number_limit")

    def __init__(self, number_limit: int, memory_limit_mb: int) -> None:
        self.number_limit = number_limit
        self.memory_limit_mb = memory_limit_mb
        self._number = 0
        self._memory_mb = 0

    def take(self, memory_mb: int) -> bool:
        """Room for one more environment of this size? If so it is taken. An empty host takes any one environment."""
        over = self._number >= self.number_limit or self._memory_mb + memory_mb > self.memory_limit_mb
        if over and self._number:
            return False
        self._number += 1
        self._memory_mb += memory_mb
        return True

    def rest(self, memory_mb: int, held_mb: int) -> None:
        """An environment is idle: it counts only with what it really holds, so that many may wait for their next call."""
        self._memory_mb -= memory_mb - held_mb

    def wake(self, memory_mb: int, held_mb: int) -> None:
        """It works again. Never refused: an environment that is there is always the cheaper one."""
        self._memory_mb += memory_mb - held_mb

    def give_back(self, memory_mb: int) -> None:
        self._number -= 1
        self._memory_mb -= memory_mb

    @property
    def number(self) -> int:
        return self._number

    @property
    def memory_mb(self) -> int:
        return self._memory_mb
