"""Mappings of streams, deleted after their test."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import pytest

from server import Server
from stream_mappings import Mapped


class HasArn(Protocol):
    arn: str


@pytest.fixture
def mapped(server: Server) -> Iterator[Callable[..., Mapped]]:
    made: list[Mapped] = []

    def make(source: HasArn, answer: str = "return None", **settings: Any) -> Mapped:
        made.append(Mapped(server, source.arn, answer, **settings))
        return made[-1]

    yield make
    for one in made:
        one.delete()
