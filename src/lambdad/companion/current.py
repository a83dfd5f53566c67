"""What the request that a thread serves is about."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Current(threading.local):
    service = ""
    """moto's name of it."""
    inside = True
    """Asked by a function; threads of moto's own, too: nobody knows who has asked for what they do."""
    query = ""
    trace_id: str | None = None
    """The trace header that came with it: functions pass theirs on."""


_current = _Current()


@contextmanager
def serving(service: str, inside: bool, query: str, trace_id: str | None = None) -> Iterator[None]:
    before = vars(_current).copy()
    vars(_current).update(service=service, inside=inside, query=query, trace_id=trace_id)
    try:
        yield
    finally:
        vars(_current).clear()
        vars(_current).update(before)


def service() -> str:
    return _current.service


def inside() -> bool:
    return _current.inside


def trace_id() -> str | None:
    return _current.trace_id


def query() -> str:
    return _current.query
