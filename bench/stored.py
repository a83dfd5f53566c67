"""A data directory that has many functions in it, written by the server's own store: what a large account looks like."""

import asyncio
import dataclasses
from pathlib import Path

from bench.targets import HANDLER, interpreter, package
from lambdad.clock import last_modified
from lambdad.ids import new_uuid
from lambdad.resources.function import LATEST, Function, FunctionKey, FunctionVersion
from lambdad.store.code_packages import CodePackages
from lambdad.store.database import Database
from lambdad.store.functions import Functions


def name_of(number: int) -> str:
    return f"function-{number:05}"


def fill(data_dir: Path, functions: int, versions: int) -> None:
    """That many functions, each with `$LATEST` and published versions."""
    asyncio.run(_fill(data_dir, functions, versions))


async def _fill(data_dir: Path, functions: int, versions: int) -> None:
    database, code = Database(data_dir), CodePackages(data_dir)
    database.open()
    code.open()
    kept = await code.put(package(HANDLER))
    store = Functions(database)
    for start in range(0, functions, 500):
        batch = [
            _function(n, versions, kept.sha256_base64, kept.size) for n in range(start, min(start + 500, functions))
        ]
        await asyncio.gather(*map(store.create, batch))
    await database.close()


def _function(number: int, versions: int, code_sha256: str, code_size: int) -> Function:
    key = FunctionKey("000000000000", "us-east-1", name_of(number))
    latest = FunctionVersion(
        key=key,
        version=LATEST,
        runtime=interpreter()[0],
        handler="app.handler",
        role="arn:aws:iam::000000000000:role/bench",
        description=f"number {number}",
        timeout=30,
        memory_size=1769,
        ephemeral_storage=512,
        environment={"STAGE": "bench", "NUMBER": str(number)},
        architectures=("x86_64",),
        layers=(),
        package_type="Zip",
        code_sha256=code_sha256,
        code_size=code_size,
        last_modified=last_modified(1_790_000_000.0),
        revision_id=new_uuid(),
        state="Active",
        last_update_status="Successful",
        has_environment=True,
    )
    published = [dataclasses.replace(latest, version=str(n + 1), revision_id=new_uuid()) for n in range(versions)]
    records = {one.version: one for one in (latest, *published)}
    return Function(key=key, versions=records, last_published=versions, tags={"team": "bench"})
