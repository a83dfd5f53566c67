"""How much of its memory the process uses: who wants to put in more is told so before nothing works any more."""

import resource
from pathlib import Path

_STATM = Path("/proc/self/statm")
_DATA = 5
"""The field of what the limit counts, in pages."""
_FREE = 0.2
"""Of the limit: for reading, deleting and saving."""
_COPIES = 4
"""Of a request's body, while it is worked on."""


class Memory:
    def __init__(self, megabytes: int) -> None:
        self._most = megabytes * 1048576 * (1 - _FREE)

    def takes(self, length: int) -> bool:
        """Is there room for a request with so many bytes?"""
        return self._used() + _COPIES * length <= self._most

    def _used(self) -> int:
        if not _STATM.exists():
            return 0  # where nobody counts, the limit alone refuses
        return int(_STATM.read_text().split()[_DATA]) * resource.getpagesize()
