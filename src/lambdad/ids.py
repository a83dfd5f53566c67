"""Identifiers in AWS's shapes, from the kernel's random source.

Request ids are taken on every request: 16 random bytes are drawn for many at a time, because one getrandom(2) a request
costs more than the rest of making an id.
"""

import os
import re

_BLOCK = 256
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class UuidSource:
    """Version 4 UUIDs (RFC 9562), lower case with dashes."""

    __slots__ = ("_block", "_used")

    def __init__(self) -> None:
        self._block = ""
        self._used = 0

    def __call__(self) -> str:
        if self._used == len(self._block):
            self._block = os.urandom(16 * _BLOCK).hex()
            self._used = 0
        start = self._used
        self._used = start + 32
        text = self._block[start : start + 32]
        variant = "89ab"[int(text[16], 16) & 3]
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


new_uuid = UuidSource()
"""A fresh request id or revision id."""


def is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


def new_trace_id(now: float) -> str:
    """A root trace header as Lambda makes it when the caller sends none (unsampled), without lineage. `now` in seconds."""
    a, b = new_uuid().replace("-", ""), new_uuid().replace("-", "")
    return f"Root=1-{int(now):08x}-{a[:12]}{b[:12]};Parent={a[16:]};Sampled=0"


def new_trace_root(now: float) -> str:
    """A trace's id; it says when the trace began. `now` in seconds."""
    a, b = new_uuid(), new_uuid()
    return f"1-{int(now):08x}-{a[-12:]}{b[-12:]}"


def new_segment_id() -> str:
    return new_uuid().replace("-", "")[16:]
