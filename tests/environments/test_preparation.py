"""Pending → Active, whatever happens on the way; and code that is kept as long as something runs it."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import apsw
import pytest

from functions import zip_of
from lambdad.environments.preparation import Preparation
from lambdad.resources.function import LATEST, Function, FunctionKey, FunctionVersion, pending, updating, with_latest
from lambdad.resources.layer import Layer, LayerKey, LayerVersion, with_layer_version, without_layer_version
from lambdad.store.code_packages import CodePackages, hex_of
from lambdad.store.database import Database
from lambdad.store.functions import Functions
from lambdad.store.layers import Layers
from records import function_version

KEY = FunctionKey("000000000000", "us-east-1", "f")
LIMIT = 20.0


class World:
    """A real store and a preparation; what a test decides is whether warming succeeds and what is running."""

    def __init__(self, data_dir: Path) -> None:
        self.database = Database(data_dir)
        self.functions = Functions(self.database)
        self.layers = Layers(self.database)
        self.code = CodePackages(data_dir)
        self.warmed: list[str] = []
        self.running: list[FunctionVersion] = []
        self.failure: Exception | None = None
        self.changed = asyncio.Event()
        self.preparation = Preparation(self.functions, self.layers, self.code, self._warm, self._running)

    async def _warm(self, version: FunctionVersion) -> None:
        self.warmed.append(version.version)
        if self.failure is not None:
            raise self.failure

    def _running(self) -> Iterable[FunctionVersion]:
        return self.running

    async def start(self) -> None:
        self.database.open()
        self.functions.load()
        self.layers.load()
        self.code.open()
        self.functions.subscribe(self.preparation.function_changed)
        self.layers.subscribe(self.preparation.layer_changed)
        self.functions.subscribe(lambda *_: self.changed.set())
        await self.preparation.recover()
        self.preparation.start()

    async def stop(self) -> None:
        await self.preparation.close()
        await self.database.close()

    async def create(self) -> None:
        package = await self.code.put(zip_of({"app.py": "x = 1"}))
        await self.functions.create(function(package.sha256_base64))

    def latest(self) -> FunctionVersion:
        found = self.functions.get(KEY)
        assert found is not None
        return found.latest

    async def until(self, condition: Callable[[FunctionVersion], bool]) -> FunctionVersion:
        async with asyncio.timeout(LIMIT):
            while not condition(self.latest()):
                self.changed.clear()
                await self.changed.wait()
        return self.latest()


def function(code_sha256: str) -> Function:
    latest = function_version(KEY, code_sha256=code_sha256)
    return Function(key=KEY, versions={LATEST: pending(latest)}, last_published=0, tags={})


def run(data_dir: Path, work: Callable[[World], Awaitable[None]]) -> None:
    async def main() -> None:
        world = World(data_dir)
        await world.start()
        try:
            await work(world)
        finally:
            await world.stop()

    asyncio.run(main())


def is_active(version: FunctionVersion) -> bool:
    return version.state == "Active" and version.last_update_status == "Successful"


def is_failed(version: FunctionVersion) -> bool:
    return version.last_update_status == "Failed"


def test_what_is_created_becomes_active(tmp_path: Path) -> None:
    async def work(world: World) -> None:
        await world.create()
        version = await world.until(is_active)
        assert version.revision_id != "0"
        assert world.code.unpacked_path(hex_of(version.code_sha256)).is_dir()

    run(tmp_path, work)


def test_what_a_crash_left_pending_becomes_active(tmp_path: Path) -> None:
    async def crash() -> None:
        world = World(tmp_path)
        world.database.open()
        world.code.open()
        await world.create()
        await world.database.close()

    asyncio.run(crash())

    async def work(world: World) -> None:
        await world.until(is_active)

    run(tmp_path, work)


@pytest.mark.parametrize("failure", [RuntimeError("a bug"), OSError(28, "No space left on device"), ValueError("odd")])
def test_a_failure_ends_in_failed_and_the_next_function_is_not_harmed(tmp_path: Path, failure: Exception) -> None:
    async def work(world: World) -> None:
        world.failure = failure
        await world.create()
        version = await world.until(is_failed)
        assert (version.state, version.state_reason_code) == ("Failed", "InternalError")
        assert version.state_reason
        world.failure = None
        await world.functions.delete(KEY)
        await world.create()
        await world.until(is_active)

    run(tmp_path, work)


def test_an_update_that_fails_leaves_the_function_active(tmp_path: Path) -> None:
    async def work(world: World) -> None:
        await world.create()
        await world.until(is_active)
        world.failure = RuntimeError("a bug")
        await world.functions.update(KEY, lambda f: with_latest(f, updating(f.latest)))
        version = await world.until(is_failed)
        assert (version.state, version.state_reason) == ("Active", None)
        world.failure = None
        await world.functions.update(KEY, lambda f: with_latest(f, updating(f.latest)))
        await world.until(is_active)

    run(tmp_path, work)


def test_code_that_is_lost_fails_its_function(tmp_path: Path) -> None:
    async def work(world: World) -> None:
        await world.functions.create(function("A" * 43 + "="))
        await world.until(is_failed)

    run(tmp_path, work)


def test_an_outcome_that_cannot_be_committed_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lambdad.environments.preparation._RETRY_AFTER", 0.01)

    async def work(world: World) -> None:
        update, refusals = world.functions.update, [apsw.FullError(), apsw.FullError()]

        async def full(key: FunctionKey, change: Callable[[Function], Function]) -> Function:
            if refusals:
                raise refusals.pop()
            return await update(key, change)

        monkeypatch.setattr(world.functions, "update", full)
        await world.create()
        await world.until(is_active)
        assert not refusals

    run(tmp_path, work)


def test_what_changes_while_it_is_prepared_is_prepared_again(tmp_path: Path) -> None:
    """An outcome belongs to one revision: it says nothing of the next."""

    async def work(world: World) -> None:
        await world.create()
        moved = dataclasses.replace(world.latest(), revision_id="moved")
        await world.functions.update(KEY, lambda f: with_latest(f, moved))
        await world.until(is_active)

    run(tmp_path, work)


def test_code_that_was_unpacked_comes_back_before_anything_runs(tmp_path: Path) -> None:
    where: list[Path] = []

    async def before(world: World) -> None:
        await world.create()
        version = await world.until(is_active)
        where.append(world.code.unpacked_path(hex_of(version.code_sha256)))

    run(tmp_path, before)
    where[0].rename(tmp_path / "away")

    async def after(world: World) -> None:
        assert where[0].is_dir()

    run(tmp_path, after)


class Collections:
    """How many packages went each time they were collected, as soon as anything changes."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.gone: asyncio.Queue[int] = asyncio.Queue()
        self._collect = world.code.collect
        monkeypatch.setattr(world.code, "collect", self._counted)

    async def _counted(self, in_use: set[str]) -> int:
        gone = await self._collect(in_use)
        self.gone.put_nowait(gone)
        return gone


def test_code_is_kept_as_long_as_something_runs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lambdad.environments.preparation._COLLECT_AFTER", 0.01)

    async def work(world: World) -> None:
        collections = Collections(world, monkeypatch)
        await world.create()
        version = await world.until(is_active)
        world.running = [version]
        await world.functions.delete(KEY)
        async with asyncio.timeout(LIMIT):
            for _ in range(4):
                assert await collections.gone.get() == 0
            assert world.code.unpacked_path(hex_of(version.code_sha256)).is_dir()
            world.running = []
            while not await collections.gone.get():
                pass
        assert not world.code.zip_path(hex_of(version.code_sha256)).exists()

    run(tmp_path, work)


def test_a_layer_is_kept_as_long_as_a_function_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lambdad.environments.preparation._COLLECT_AFTER", 0.01)
    key = LayerKey(KEY.account, KEY.region, "shared")

    async def work(world: World) -> None:
        collections = Collections(world, monkeypatch)
        package = await world.code.put(zip_of({"python/shared.py": "x = 2"}))
        layer = LayerVersion(
            key=key,
            version=1,
            description="",
            license_info=None,
            compatible_runtimes=None,
            compatible_architectures=None,
            code_sha256=package.sha256_base64,
            code_size=package.size,
            created="2026-01-01T00:00:00.000+0000",
        )
        await world.layers.apply(key, lambda _: with_layer_version(Layer(key=key), layer))
        await world.create()
        await world.until(is_active)
        having = dataclasses.replace(world.latest(), layers=(layer.reference,))
        await world.functions.update(KEY, lambda f: with_latest(f, updating(having)))
        await world.until(is_active)
        assert world.code.unpacked_path(package.sha256).is_dir()
        await world.layers.apply(key, lambda one: without_layer_version(one, 1) if one is not None else None)
        async with asyncio.timeout(LIMIT):
            assert await collections.gone.get() == 0
            await world.functions.update(KEY, lambda f: with_latest(f, dataclasses.replace(f.latest, layers=())))
            while world.code.zip_path(package.sha256).exists():  # what came lately outlives one collection
                await world.layers.apply(key, lambda one: with_layer_version(one or Layer(key=key), layer))
                await world.layers.apply(key, lambda one: without_layer_version(one, 1) if one is not None else None)
                await collections.gone.get()

    run(tmp_path, work)
