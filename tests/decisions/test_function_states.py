"""The lifecycle of function versions: which state follows which. AWS: functions-states.html"""

import dataclasses
import itertools
from collections.abc import Callable

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from lambdad.errors import PreconditionFailedException, ResourceConflictException, ResourceNotFoundException
from lambdad.resources.function import (
    LATEST,
    Function,
    FunctionKey,
    FunctionVersion,
    check_changeable,
    failed,
    is_settled,
    pending,
    prepared,
    publish,
    updating,
    with_latest,
)
from records import function_version

KEY = FunctionKey("000000000000", "us-east-1", "f")


def new_version(revision: str = "0") -> FunctionVersion:
    return pending(function_version(KEY, revision_id=revision))


def function_of(latest: FunctionVersion) -> Function:
    return Function(key=KEY, versions={LATEST: latest}, last_published=0, tags={})


def test_creation_that_succeeds() -> None:
    version = new_version()
    assert (version.state, version.state_reason_code, version.last_update_status) == ("Pending", "Creating", None)
    ready = prepared(version, "1")
    assert (ready.state, ready.state_reason, ready.state_reason_code) == ("Active", None, None)
    assert (ready.last_update_status, ready.revision_id) == ("Successful", "1")
    assert prepared(ready, "2") is ready


def test_creation_that_fails() -> None:
    lost = failed(new_version(), "why", "InternalError", "1")
    assert (lost.state, lost.state_reason, lost.state_reason_code) == ("Failed", "why", "InternalError")
    assert lost.last_update_status == "Failed"


def test_an_update_that_fails_leaves_the_function_active() -> None:
    lost = failed(updating(prepared(new_version(), "1")), "why", "InternalError", "2")
    assert (lost.state, lost.state_reason, lost.last_update_status) == ("Active", None, "Failed")
    assert (lost.last_update_status_reason, lost.last_update_status_reason_code) == ("why", "InternalError")
    again = prepared(updating(lost), "3")
    assert (again.last_update_status, again.last_update_status_reason) == ("Successful", None)


READY = prepared(new_version(), "1")
LOST = failed(new_version(), "why", "InternalError", "1")


@pytest.mark.parametrize(
    "move",
    [
        lambda: updating(new_version()),
        lambda: updating(updating(READY)),
        lambda: prepared(LOST, "2"),
        lambda: failed(READY, "why", "InternalError", "2"),
        lambda: failed(LOST, "why", "InternalError", "2"),
    ],
)
def test_what_cannot_follow(move: Callable[[], FunctionVersion]) -> None:
    with pytest.raises(RuntimeError, match="cannot become"):
        move()


def test_what_may_be_changed() -> None:
    assert check_changeable(KEY, function_of(READY), None) is READY
    assert check_changeable(KEY, function_of(READY), "1") is READY
    with pytest.raises(ResourceNotFoundException):
        check_changeable(KEY, None, None)
    with pytest.raises(PreconditionFailedException):
        check_changeable(KEY, function_of(READY), "0")
    for version in (new_version(), LOST):
        with pytest.raises(ResourceConflictException, match=f"following state: {version.state}"):
            check_changeable(KEY, function_of(version), None)
    with pytest.raises(ResourceConflictException, match=f"An update is in progress for resource: {KEY.arn}"):
        check_changeable(KEY, function_of(updating(READY)), None)


class Life(RuleBasedStateMachine):
    """Any order of updates, publications, deletions of versions and outcomes of preparation."""

    def __init__(self) -> None:
        super().__init__()
        self.function = function_of(new_version())
        self.moments = itertools.count(1)
        self.published: dict[str, FunctionVersion] = {}

    def moment(self) -> str:
        return f"{next(self.moments):06}"

    @rule()
    def update(self) -> None:
        try:
            latest = check_changeable(KEY, self.function, None)
        except ResourceConflictException:
            return
        moment = self.moment()
        latest = dataclasses.replace(latest, last_modified=moment, revision_id=moment)
        self.function = with_latest(self.function, updating(latest))

    @rule()
    def publish(self) -> None:
        before = self.function
        self.function, version = publish(before, None, self.moment())
        if self.function is not before:
            assert version.version not in self.published
            assert int(version.version) == before.last_published + 1
        self.published.setdefault(version.version, version)

    @rule(succeeds=st.booleans())
    def prepare(self, succeeds: bool) -> None:
        versions = {
            name: version
            if is_settled(version)
            else prepared(version, self.moment())
            if succeeds
            else failed(version, "why", "InternalError", self.moment())
            for name, version in self.function.versions.items()
        }
        self.function = dataclasses.replace(self.function, versions=versions)

    @rule(number=st.integers(1, 9))
    def delete(self, number: int) -> None:
        versions = {name: v for name, v in self.function.versions.items() if name != str(number)}
        self.function = dataclasses.replace(self.function, versions=versions)

    @invariant()
    def versions_keep_what_they_were_published_with(self) -> None:
        for name, version in self.function.versions.items():
            if name != LATEST:
                was = self.published[name]
                assert (version.last_modified, version.code_sha256) == (was.last_modified, was.code_sha256)
                assert version.last_update_status != "InProgress"
        assert self.function.last_published == max(map(int, self.published), default=0)


TestLife = Life.TestCase
