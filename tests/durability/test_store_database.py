"""The database: one commit for many, each change for itself, nothing acknowledged lost."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import apsw
import pytest

from lambdad.store.database import Database, DatabaseClosed, DataDirectoryInUse, DataDirectoryUnusable

WRITER = """
import asyncio, sys
from pathlib import Path
from lambdad.store.database import Database

async def main():
    database = Database(Path(sys.argv[1]))
    database.open()
    await database.write(lambda c: c.execute("CREATE TABLE IF NOT EXISTS told (producer INTEGER, number INTEGER)"))

    async def produce(producer):
        number = 0
        while True:
            number += 1
            await database.write(lambda c: c.execute("INSERT INTO told VALUES (?, ?)", (producer, number)))
            print(producer, number, flush=True)

    await asyncio.gather(*(produce(producer) for producer in range(8)))

asyncio.run(main())
"""


def run(tmp_path: Path, work: Callable[[Database], Awaitable[None]]) -> None:
    async def main() -> None:
        database = Database(tmp_path)
        database.open()
        try:
            await work(database)
        finally:
            await database.close()

    asyncio.run(main())


def insert(number: int) -> Callable[[apsw.Connection], int]:
    def change(connection: apsw.Connection) -> int:
        connection.execute("CREATE TABLE IF NOT EXISTS numbers (number INTEGER)")
        connection.execute("INSERT INTO numbers VALUES (?)", (number,))
        return number

    return change


def numbers(database: Database) -> list[int]:
    return [number for (number,) in database.read("SELECT number FROM numbers ORDER BY rowid")]


def test_a_change_returns_its_value_and_stays(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        assert await database.write(insert(7)) == 7

    async def later(database: Database) -> None:
        assert numbers(database) == [7]

    run(tmp_path, work)
    run(tmp_path, later)


def test_a_change_that_fails_harms_no_other(tmp_path: Path) -> None:
    def fail(connection: apsw.Connection) -> None:
        insert(-1)(connection)
        raise ValueError("no")

    async def work(database: Database) -> None:
        changes = [insert(1), fail, insert(2), fail, insert(3)]
        results = await asyncio.gather(*map(database.write, changes), return_exceptions=True)
        assert [result for result in results if isinstance(result, int)] == [1, 2, 3]
        assert sum(isinstance(result, ValueError) for result in results) == 2
        assert numbers(database) == [1, 2, 3]

    run(tmp_path, work)


def test_changes_happen_in_the_order_they_were_asked_for(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        await asyncio.gather(*(database.write(insert(number)) for number in range(3000)))
        assert numbers(database) == list(range(3000))

    run(tmp_path, work)


def test_more_than_the_queue_holds_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lambdad.store.database._QUEUE", 4)

    async def work(database: Database) -> None:
        await asyncio.gather(*(database.write(insert(number)) for number in range(200)))
        assert sorted(numbers(database)) == list(range(200))

    run(tmp_path, work)


def test_a_caller_that_goes_away_stops_nothing(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        going, staying = (asyncio.ensure_future(database.write(insert(number))) for number in (1, 2))
        asyncio.get_running_loop().call_soon(going.cancel)
        await staying
        assert numbers(database)[-1] == 2

    run(tmp_path, work)


def test_closing_writes_what_was_asked_and_refuses_the_rest(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        *asked, _ = await asyncio.gather(*(database.write(insert(number)) for number in range(100)), database.close())
        assert asked == list(range(100))
        with pytest.raises(DatabaseClosed):
            await database.write(insert(101))

    async def later(database: Database) -> None:
        assert numbers(database) == list(range(100))

    run(tmp_path, work)
    run(tmp_path, later)


def test_one_at_a_time(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        with pytest.raises(DataDirectoryInUse, match="another lambdad uses the data directory"):
            Database(tmp_path).open()

    run(tmp_path, work)
    run(tmp_path, work)


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "lambdad.sqlite3").write_bytes(content)
    for _ in range(2):
        with pytest.raises(DataDirectoryUnusable, match=r"lambdad\.sqlite3"):
            Database(tmp_path).open()


def test_what_a_newer_lambdad_wrote_is_left_alone(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        await database.write(lambda connection: connection.execute("PRAGMA user_version = 999"))

    run(tmp_path, work)
    with pytest.raises(DataDirectoryUnusable, match="newer"):
        Database(tmp_path).open()


@pytest.mark.parametrize("least", [1, 20, 100, 300, 600])
def test_a_killed_writer_has_lost_nothing_it_acknowledged(tmp_path: Path, least: int) -> None:
    """SIGKILL somewhere after `least` acknowledgements; twice on the same directory."""
    told: set[tuple[int, int]] = set()

    async def check(database: Database) -> None:
        assert told <= set(database.read("SELECT producer, number FROM told"))
        assert database.read("PRAGMA integrity_check") == [("ok",)]

    for _ in range(2):
        told |= kill_after(tmp_path, least)
        run(tmp_path, check)


def kill_after(data_dir: Path, least: int) -> set[tuple[int, int]]:
    """What a writer has acknowledged before it was killed."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(data_dir)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        lines = [process.stdout.readline() for _ in range(least)]
        os.kill(process.pid, signal.SIGKILL)
        lines += process.stdout.readlines()
    process.wait(30)
    whole = [line for line in lines if line.endswith(b"\n")]
    assert len(whole) >= least
    return {(int(producer), int(number)) for producer, number in map(bytes.split, whole)}
