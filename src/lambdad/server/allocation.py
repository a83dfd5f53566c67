"""How the C library gives memory to the server: what a large payload took is kept for the next one.

glibc maps each large block and gives it back at once, so that every payload of some megabytes is paid for page by page, again
and again. Where the C library is another, nothing is changed. Source: mallopt(3).
"""

import ctypes

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_MAPPED = 32 * 1024 * 1024
"""Bytes from which a block is mapped by itself: what glibc would come to by itself at most."""
_KEPT = 64 * 1024 * 1024
"""Bytes that stay with the process when they are free."""


def keep_large_blocks() -> None:
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _MAPPED)
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
