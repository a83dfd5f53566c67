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


_current = _Current()


@contextmanager
def serving(service: str, inside: bool, query: str) -> Iterator[None]:
    before = _current.service, _current.inside, _current.query
    _current.service, _current.inside, _current.query = service, inside, query
    try:
        yield
    finally:
        _current.service, _current.inside, _current.query = before


def service() -> str:
    return _current.service


def inside() -> bool:
    return _current.inside


def query() -> str:
    return _current.query
