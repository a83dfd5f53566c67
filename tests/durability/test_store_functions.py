"""Functions in the store: memory and disk agree, changes are decided one after another."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from pathlib import Path

import apsw
import pytest

from lambdad.errors import ResourceConflictException, ResourceNotFoundException
from lambdad.resources.function import LATEST, Function, FunctionKey, FunctionVersion, publish, with_latest
from lambdad.store.database import Database
from lambdad.store.functions import Functions


def key_of(name: str, account: str = "000000000000", region: str = "us-east-1") -> FunctionKey:
    return FunctionKey(account, region, name)


def function(key: FunctionKey, description: str = "") -> Function:
    latest = FunctionVersion(
        key=key,
        version=LATEST,
        runtime="python3.12",
        handler="app.handler",
        role="arn:aws:iam::000000000000:role/r",
        description=description,
        timeout=3,
        memory_size=128,
        ephemeral_storage=512,
        environment={"KEY": "välue"},
        architectures=("x86_64",),
        layers=(),
        package_type="Zip",
        code_sha256="",
        code_size=1,
        last_modified="2026-01-01T00:00:00.000+0000",
        revision_id="r",
        state="Active",
        last_update_status="Successful",
        settings={"VpcConfig": {"SubnetIds": ["a"]}},
    )
    return Function(key=key, versions={LATEST: latest}, last_published=0, tags={"tag": "value"})


def run(tmp_path: Path, work: Callable[[Functions, Database], Awaitable[None]]) -> None:
    async def main() -> None:
        database = Database(tmp_path)
        database.open()
        functions = Functions(database)
        functions.load()
        try:
            await work(functions, database)
        finally:
            await database.close()

    asyncio.run(main())


def described(text: str) -> Callable[[Function], Function]:
    return lambda function: with_latest(function, dataclasses.replace(function.latest, description=text))


def more(function: Function) -> Function:
    return described(function.latest.description + "x")(function)


def published(text: str) -> Callable[[Function], Function]:
    def change(function: Function) -> Function:
        moved = dataclasses.replace(function.latest, last_modified=text)
        return publish(with_latest(function, moved), text, text)[0]

    return change


def test_a_restart_finds_what_was_there(tmp_path: Path) -> None:
    key = key_of("f")
    seen: list[Function] = []

    async def before(functions: Functions, database: Database) -> None:
        await functions.create(function(key))
        await functions.create(function(key_of("gone")))
        await functions.delete(key_of("gone"))
        for number in range(1, 13):
            await functions.update(key, published(f"{number}"))
        await functions.update(key, lambda f: dataclasses.replace(f, reserved_concurrency=5))
        await functions.update(
            key,
            lambda f: dataclasses.replace(f, versions={name: v for name, v in f.versions.items() if name != "2"}),
        )
        found = functions.get(key)
        assert found is not None
        seen.append(found)

    async def after(functions: Functions, database: Database) -> None:
        assert list(functions.all()) == seen
        (found,) = functions.all()
        assert list(found.versions) == [LATEST, "1", *(str(number) for number in range(3, 13))]

    run(tmp_path, before)
    run(tmp_path, after)


def test_names_belong_to_an_account_and_a_region(tmp_path: Path) -> None:
    keys = [key_of("b"), key_of("a"), key_of("a", region="eu-west-1"), key_of("a", account="111111111111")]

    async def work(functions: Functions, database: Database) -> None:
        for key in keys:
            await functions.create(function(key))
        assert [f.key for f in functions.list("000000000000", "us-east-1")] == [keys[1], keys[0]]
        assert functions.list("000000000000", "ap-south-1") == []

    run(tmp_path, work)


def test_what_is_refused_changes_nothing(tmp_path: Path) -> None:
    key = key_of("f")

    async def work(functions: Functions, database: Database) -> None:
        for change in (functions.delete(key), functions.update(key, described("x"))):
            with pytest.raises(ResourceNotFoundException, match=f"Function not found: {key.arn}"):
                await change
        await functions.create(function(key, "first"))
        with pytest.raises(ResourceConflictException, match="Function already exist: f"):
            await functions.create(function(key, "second"))

        def refuse(function: Function) -> Function:
            raise ResourceConflictException.state("Pending")

        with pytest.raises(ResourceConflictException):
            await functions.update(key, refuse)
        found = functions.get(key)
        assert found is not None
        assert found.latest.description == "first"

    run(tmp_path, work)


def test_changes_at_once_are_made_one_after_another(tmp_path: Path) -> None:
    keys = [key_of(f"f{number}") for number in range(10)]

    async def work(functions: Functions, database: Database) -> None:
        await asyncio.gather(*(functions.create(function(key)) for key in keys))
        await asyncio.gather(*(functions.update(key, more) for _ in range(50) for key in keys))
        assert [f.latest.description for f in functions.all()] == ["x" * 50] * 10

    async def later(functions: Functions, database: Database) -> None:
        assert [f.latest.description for f in functions.all()] == ["x" * 50] * 10

    run(tmp_path, work)
    run(tmp_path, later)


def test_one_of_many_creations_wins(tmp_path: Path) -> None:
    async def work(functions: Functions, database: Database) -> None:
        creations = (functions.create(function(key_of("f"), str(number))) for number in range(20))
        results = await asyncio.gather(*creations, return_exceptions=True)
        assert results.count(None) == 1
        assert sum(isinstance(result, ResourceConflictException) for result in results) == 19

    run(tmp_path, work)


async def turns(number: int) -> None:
    """Let the event loop go round."""
    for _ in range(number):
        turn = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(turn.set_result, None)
        await turn


def test_a_caller_that_goes_away_leaves_memory_and_disk_the_same(tmp_path: Path) -> None:
    key = key_of("f")
    seen: list[Function | None] = []

    async def work(functions: Functions, database: Database) -> None:
        await functions.create(function(key))
        for number in range(50):
            asked = asyncio.ensure_future(functions.update(key, described(f"cancelled {number}")))
            await turns(number % 4)
            asked.cancel()
            after = await functions.update(key, more)
            assert after == functions.get(key)
        seen.append(functions.get(key))

    async def later(functions: Functions, database: Database) -> None:
        assert functions.get(key) == seen[0]

    run(tmp_path, work)
    run(tmp_path, later)


def test_a_commit_that_fails_is_not_seen(tmp_path: Path) -> None:
    """The disk is full; then it is not any more."""
    key = key_of("f")

    async def work(functions: Functions, database: Database) -> None:
        await functions.create(function(key, "kept"))
        await database.write(lambda connection: connection.pragma("max_page_count", 1))
        with pytest.raises(apsw.FullError):
            await functions.update(key, described("lost" * 10_000))
        found = functions.get(key)
        assert found is not None
        assert found.latest.description == "kept"
        await database.write(lambda connection: connection.pragma("max_page_count", 1_000_000))
        await functions.update(key, described("again" * 10_000))

    async def later(functions: Functions, database: Database) -> None:
        found = functions.get(key)
        assert found is not None
        assert found.latest.description == "again" * 10_000

    run(tmp_path, work)
    run(tmp_path, later)


def test_listeners_hear_of_every_commit_in_order(tmp_path: Path) -> None:
    key = key_of("f")
    heard: list[tuple[str | None, str | None]] = []

    def listen(_: FunctionKey, before: Function | None, after: Function | None) -> None:
        heard.append((before and before.latest.description, after and after.latest.description))

    def fail(_: FunctionKey, before: Function | None, after: Function | None) -> None:
        raise RuntimeError("a listener's fault")

    async def work(functions: Functions, database: Database) -> None:
        functions.subscribe(fail)
        functions.subscribe(listen)
        await functions.create(function(key, "1"))
        await functions.update(key, described("2"))
        await functions.update(key, described("2"))
        await functions.delete(key)
        assert heard == [(None, "1"), ("1", "2"), ("2", None)]

    run(tmp_path, work)
