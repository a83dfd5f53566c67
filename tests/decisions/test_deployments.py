"""A package on its way to a function that gets a code signing configuration, or another one, before it is committed."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from functions import zip_of
from lambdad.api.operations.signatures import Deployment, NotInspected
from lambdad.clock import SystemClock
from lambdad.config import Config
from lambdad.errors import CodeVerificationFailedException
from lambdad.resources.code_signing import CodeSigningConfig, CodeSigningConfigKey
from lambdad.resources.function import FunctionKey
from lambdad.resources.layer import LayerReference
from lambdad.store.code_packages import CodePackages
from lambdad.store.code_signing_configs import CodeSigningConfigs
from lambdad.store.database import Database

PLACE = ("000000000000", "us-east-1")
FUNCTION = FunctionKey(*PLACE, "f")
CONFIG = CodeSigningConfigKey(*PLACE, "csc-0123456789abcdefg")
UNSIGNED = zip_of({"app.py": "x = 1\n"})
PROFILE = "arn:aws:signer:us-east-1:000000000000:/signing-profiles/test/0123456789"
NOBODY: dict[str, Any] = {"signing_profile_version_arn": None, "signing_job_arn": None}


class Counted:
    def __init__(self) -> None:
        self.calls: list[tuple[str, FunctionKey, str | None]] = []

    def count(self, name: str, key: FunctionKey, qualifier: str | None) -> None:
        self.calls.append((name, key, qualifier))


def run(tmp_path: Path, work: Callable[[Any], Awaitable[None]]) -> None:
    """With a Backend of the rooms that a deployment asks."""

    async def main() -> None:
        database = Database(tmp_path)
        database.open()
        configs, code = CodeSigningConfigs(database), CodePackages(tmp_path)
        code.open()
        try:
            await work(
                SimpleNamespace(
                    code_signing_configs=configs,
                    code=code,
                    config=Config(data_dir=tmp_path),
                    clock=SystemClock(),
                    metrics=Counted(),
                )
            )
        finally:
            await database.close()

    asyncio.run(main())


async def put(backend: Any, policy: str) -> None:
    config = CodeSigningConfig(
        key=CONFIG, description="", publishers=(PROFILE,), policy=policy, last_modified="2026-01-01T00:00:00.000+0000"
    )
    await backend.code_signing_configs.apply(CONFIG, lambda before: config)


def test_one_that_is_put_on_the_function_meanwhile_decides(tmp_path: Path) -> None:
    async def work(backend: Any) -> None:
        deployment = Deployment(backend, FUNCTION, UNSIGNED)
        assert await deployment.check(None) == NOBODY
        tries: list[int] = []

        async def change() -> dict[str, Any]:
            tries.append(len(tries))
            return deployment.judge(CONFIG.arn)

        await put(backend, "Warn")
        with pytest.raises(NotInspected):
            await change()
        assert await deployment.commit(change) == NOBODY
        await put(backend, "Enforce")
        with pytest.raises(CodeVerificationFailedException):
            await deployment.commit(change)
        assert len(tries) == 4
        assert backend.metrics.calls == [("signature_validation_errors", FUNCTION, None)]

    run(tmp_path, work)


def test_one_that_becomes_stricter_meanwhile_decides(tmp_path: Path) -> None:
    async def work(backend: Any) -> None:
        await put(backend, "Warn")
        deployment = Deployment(backend, FUNCTION, UNSIGNED)
        assert await deployment.check(CONFIG.arn) == NOBODY
        await put(backend, "Enforce")
        with pytest.raises(CodeVerificationFailedException, match="function:f"):
            deployment.judge(CONFIG.arn)
        assert deployment.judge(None) == NOBODY

    run(tmp_path, work)


def test_layers_are_judged_by_it_too(tmp_path: Path) -> None:
    async def work(backend: Any) -> None:
        package = await backend.code.put(UNSIGNED)
        layer = LayerReference("arn:aws:lambda:us-east-1:000000000000:layer:l:1", package.sha256_base64, package.size)
        deployment = Deployment(backend, FUNCTION)
        assert await deployment.check(None, [layer]) == {}
        await put(backend, "Enforce")

        async def change() -> dict[str, Any]:
            return deployment.judge(CONFIG.arn, [layer])

        with pytest.raises(CodeVerificationFailedException, match="layer:l:1"):
            await deployment.commit(change, [layer])
        assert deployment.judge(CONFIG.arn) == {}

    run(tmp_path, work)
