"""Layers in the store: what is read back after a restart is what was committed."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from pathlib import Path

from lambdad.resources.layer import Layer, LayerKey, LayerVersion, with_layer_version, without_layer_version
from lambdad.resources.policy import Policy, with_statement
from lambdad.store.database import Database
from lambdad.store.layers import Layers

KEY = LayerKey("000000000000", "us-east-1", "shared")


def version(number: int, **more: object) -> LayerVersion:
    plain = LayerVersion(
        key=KEY,
        version=number,
        description="välue",
        license_info=None,
        compatible_runtimes=None,
        compatible_architectures=("x86_64",),
        code_sha256="c",
        code_size=9,
        created="2026-01-01T00:00:00.000+0000",
    )
    return dataclasses.replace(plain, **more)  # type: ignore[arg-type]


def next_one(layer: Layer | None) -> Layer:
    layer = layer or Layer(key=KEY)
    return with_layer_version(layer, version(layer.next_version))


def run(tmp_path: Path, work: Callable[[Layers], Awaitable[None]]) -> None:
    async def main() -> None:
        database = Database(tmp_path)
        database.open()
        layers = Layers(database)
        layers.load()
        try:
            await work(layers)
        finally:
            await database.close()

    asyncio.run(main())


def test_what_was_committed_is_read_back(tmp_path: Path) -> None:
    seen: list[Layer | None] = []

    async def write(layers: Layers) -> None:
        for _ in range(3):
            await layers.apply(KEY, next_one)
        statement = {"Sid": "s", "Principal": "*", "Effect": "Allow"}

        def allowed(layer: Layer | None) -> Layer:
            assert layer is not None
            policy = Policy(with_statement((), statement), "r")
            return with_layer_version(layer, version(2, policy=policy, compatible_runtimes=("python3.12", "ruby3.3")))

        await layers.apply(KEY, allowed)
        await layers.apply(KEY, lambda layer: without_layer_version(layer, 3) if layer is not None else None)
        seen.append(layers.get(KEY))

    async def read(layers: Layers) -> None:
        assert layers.get(KEY) == seen[0]
        (layer,) = layers.list(KEY.account, KEY.region)
        assert list(layer.versions) == [1, 2]
        assert layer.next_version == 4
        assert layers.list("111111111111", KEY.region) == []

    run(tmp_path, write)
    run(tmp_path, read)


def test_versions_published_at_once_have_numbers_of_their_own(tmp_path: Path) -> None:
    async def work(layers: Layers) -> None:
        results = await asyncio.gather(*(layers.apply(KEY, next_one) for _ in range(20)))
        assert [after.last_version for _, after in results if after is not None] == list(range(1, 21))
        layer = layers.get(KEY)
        assert layer is not None
        assert list(layer.versions) == list(range(1, 21))

    run(tmp_path, work)


def test_nothing_is_made_of_what_is_not_there(tmp_path: Path) -> None:
    async def work(layers: Layers) -> None:
        assert await layers.apply(KEY, lambda layer: layer) == (None, None)
        assert layers.get(KEY) is None

    run(tmp_path, work)
