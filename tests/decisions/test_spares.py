"""Sandboxes made ahead, and what a host that lets some of them hang does to those who wait."""

import asyncio
from collections import deque
from typing import cast

import pytest

from lambdad.environments import pool, spares
from lambdad.environments.environment import Environment
from lambdad.environments.pool import Host, Pool
from lambdad.environments.spares import Spares
from lambdad.resources.function import FunctionVersion
from lambdad.sandbox.driver import Driver, Sandbox, SandboxError, Template


class Hanging:
    """A Driver whose sandboxes become ready, or fail, when the test says so."""

    def __init__(self) -> None:
        self.begun: deque[asyncio.Future[Sandbox]] = deque()
        self.more = asyncio.Event()

    async def prepare(self, template: Template) -> Sandbox:
        made: asyncio.Future[Sandbox] = asyncio.get_running_loop().create_future()
        self.begun.append(made)
        self.more.set()
        return await made

    async def another(self) -> "asyncio.Future[Sandbox]":
        while not self.begun:
            self.more.clear()
            await asyncio.wait_for(self.more.wait(), 60)
        return self.begun.popleft()


class Named:
    def __init__(self) -> None:
        self.destroyed = False

    async def destroy(self) -> None:
        self.destroyed = True


async def turn() -> None:
    """The next of the event loop."""
    passed = asyncio.Event()
    asyncio.get_running_loop().call_soon(passed.set)
    await passed.wait()


def sandbox() -> Sandbox:
    return cast(Sandbox, Named())


TEMPLATE = Template("python3.11", spare=0)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spares, "_PATIENCE", 0.01)


def test_who_waits_for_one_that_hangs_gets_another_and_the_late_one_becomes_a_spare(impatient: None) -> None:
    async def scenario() -> None:
        driver = Hanging()
        made = Spares(cast(Driver, driver), 4)
        taking = asyncio.ensure_future(made.take(TEMPLATE))
        hanging, second = await driver.another(), await driver.another()
        quick, late = sandbox(), sandbox()
        second.set_result(quick)
        assert await asyncio.wait_for(taking, 10) is quick
        hanging.set_result(late)
        while not made.count():
            await turn()
        assert await asyncio.wait_for(made.take(TEMPLATE), 10) is late
        await made.close()

    asyncio.run(scenario())


def test_one_that_fails_late_leaves_the_other_its_time(impatient: None) -> None:
    async def scenario() -> None:
        driver = Hanging()
        made = Spares(cast(Driver, driver), 4)
        taking = asyncio.ensure_future(made.take(TEMPLATE))
        hanging, second = await driver.another(), await driver.another()
        hanging.set_exception(SandboxError("it hangs"))
        good = sandbox()
        second.set_result(good)
        assert await asyncio.wait_for(taking, 10) is good
        failing = asyncio.ensure_future(made.take(TEMPLATE))
        for one in (await driver.another(), await driver.another()):
            one.set_exception(SandboxError("none"))
        with pytest.raises(SandboxError, match="none"):
            await asyncio.wait_for(failing, 60)
        await made.close()

    asyncio.run(scenario())


def test_what_is_still_being_made_at_the_end_is_given_up(impatient: None) -> None:
    async def scenario() -> None:
        driver = Hanging()
        made = Spares(cast(Driver, driver), 4)
        taking = asyncio.ensure_future(made.take(TEMPLATE))
        both = await driver.another(), await driver.another()
        await made.close()
        assert all(one.cancelled() for one in both)
        with pytest.raises(SandboxError):
            await asyncio.wait_for(taking, 60)

    asyncio.run(scenario())


class Refusing:
    """A Host that has room and can make nothing."""

    wait_limit = 1.0

    def __init__(self) -> None:
        self.asked = 0
        self.enough = asyncio.Event()

    def take_room(self, pool: Pool) -> bool:
        return True

    def room_freed(self, pool: Pool) -> None:
        pool.room_may_be_free()

    async def make_environment(self, pool: Pool, provisioned: bool) -> Environment:
        self.asked += 1
        if self.asked == 3:
            self.enough.set()
        raise SandboxError("not now")


def test_a_host_that_cannot_make_provisioned_environments_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no failure of the function's initialisation; nor is the host asked without a pause."""
    monkeypatch.setattr(pool, "_REST", 0.01)

    async def scenario() -> None:
        host = Refusing()
        version = cast(FunctionVersion, type("Version", (), {"qualified_arn": "arn"})())
        asked = Pool(version, cast(Host, host))
        asked.provision(1)
        await asyncio.wait_for(host.enough.wait(), 60)
        assert not asked.provisioned.progress.failed
        asked.provision(0)

    asyncio.run(scenario())
