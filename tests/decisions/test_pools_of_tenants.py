"""Pools of tenants: nothing is left of one that has no environment, as tenants may be any number and never come again."""

import asyncio
from typing import Any, cast

import pytest

from lambdad.clock import SystemClock
from lambdad.environments.blueprint import Blueprint
from lambdad.environments.environments import Environments, Limits, Model
from lambdad.environments.spares import Spares
from lambdad.errors import ServiceException, TooManyRequestsException
from lambdad.resources.function import FunctionKey
from lambdad.resources.invocation import Invocation, Outcome
from lambdad.sandbox.driver import Sandbox, SandboxError, Template
from records import function_version

KEY = FunctionKey("000000000000", "us-east-1", "f")
VERSION = function_version(KEY, state="Active", tenant_isolation_mode="PER_TENANT")


class Broken:
    """Spares that never come to be."""

    def take_nowait(self, template: Template) -> Sandbox | None:
        return None

    async def take(self, template: Template) -> Sandbox:
        raise SandboxError("there is none")


def environments(concurrency: int) -> Environments:
    none = cast(Any, None)
    spec = cast(Any, lambda sandbox, log_stream: None)
    blueprint = Blueprint(VERSION, spec, "", "", 1, 1, 1.0, none, none)
    model = Model(Template("python3.11", spare=0), blueprint, blueprint, blueprint)
    logs = cast(Any, type("Logs", (), {"full": False}))
    limits = Limits(1.0, 1.0, 1.0, 10, 10_000, 0)
    return Environments(
        lambda version: model,
        *(cast(Spares, Broken()), logs, SystemClock(), limits, none, none),
        lambda version: None,
        lambda key: concurrency,
    )


@pytest.mark.parametrize(
    ("concurrency", "answer"), [(1000, ServiceException), (0, TooManyRequestsException)], ids=["broken", "full"]
)
def test_a_tenant_without_an_environment_leaves_no_pool(concurrency: int, answer: type[Exception]) -> None:
    async def scenario() -> None:
        made = environments(concurrency)
        for tenant in ("blue", "green", "blue"):
            answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
            arguments = ("r", b"{}", KEY.arn, "", None, False, answered.set_result, None, None, tenant)
            made.submit(VERSION, Invocation(*arguments))
            assert isinstance(await asyncio.wait_for(answered, 10), answer)
            assert made.versions() == []

    asyncio.run(scenario())
