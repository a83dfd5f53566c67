"""Which users a server gives to its sandboxes, from the numbers that it has."""

from pathlib import Path

import pytest

from lambdad.sandbox.users import COUNT, users

ALL = "         0          0 4294967295\n"
CONTAINER = "         0     100000      65536\n"
ROOTLESS_CONTAINER = "         0       1000          1\n         1     100000      65536\n"
ONE = "         0       1000          1\n"


def test_on_a_host_they_are_numbers_that_nobody_has() -> None:
    given = users(Path("/var/lib/lambdad"), ALL, ALL)
    assert given is not None
    assert len(given) == COUNT
    assert given.start >= 1_879_048_192
    assert given.stop <= 2_147_483_648


def test_every_data_directory_has_its_own() -> None:
    given = [users(Path(f"/data/{number}"), ALL, ALL) for number in range(50)]
    assert len({ids.start for ids in given if ids is not None}) > 45
    assert users(Path("/data/1"), ALL, ALL) == given[1]


@pytest.mark.parametrize("text", [CONTAINER, ROOTLESS_CONTAINER])
def test_in_a_container_they_are_some_it_has(text: str) -> None:
    given = users(Path("/data"), text, text)
    assert given is not None
    assert (given.start >= 1000, given.stop <= 65534, len(given) > 50_000) == (True, True, True)


def test_the_groups_must_be_there_too() -> None:
    assert users(Path("/data"), ALL, ONE) is None
    given = users(Path("/data"), ALL, CONTAINER)
    assert given is not None
    assert given.stop <= 65536


def test_a_root_without_others_has_none() -> None:
    assert users(Path("/data"), ONE, ONE) is None
