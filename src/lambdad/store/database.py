"""The durable engine: SQLite through apsw, one writer thread, group commit.

A change is a function of a connection. Many that wait at the same time share one transaction and one fsync; each runs in a
savepoint of its own, so that one that fails takes none of the others with it. SQL here is what PostgreSQL speaks too.
"""

import asyncio
import fcntl
import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import apsw

T = TypeVar("T")
Change = Callable[[apsw.Connection], Any]

_BATCH = 512
_QUEUE = 10_000
"""Changes that may wait for the writer: more than that and `write` waits itself."""
_MIGRATIONS = Path(__file__).parent / "migrations"


class DataDirectoryInUse(Exception):
    def __init__(self, path: Path) -> None:
        super().__init__(f"another lambdad uses the data directory {path}")


class Database:
    """One data directory's. `open` before use, `close` once."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._queue: queue.Queue[tuple[Change, asyncio.Future[Any]] | None] = queue.Queue(_QUEUE)
        self._connection: apsw.Connection | None = None
        self._writer: threading.Thread | None = None
        self._lock = -1
        self._loop: asyncio.AbstractEventLoop | None = None
        self._room = asyncio.Event()

    def open(self) -> None:
        """Raises DataDirectoryInUse. Migrates what is older."""
        self._data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = os.open(self._data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise DataDirectoryInUse(self._data_dir) from None
        self._connection = connection = apsw.Connection(str(self._data_dir / "lambdad.sqlite3"))
        connection.set_busy_timeout(5000)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        _migrate(connection)
        self._loop = asyncio.get_running_loop()
        self._writer = threading.Thread(target=self._write_loop, name="database-writer", daemon=True)
        self._writer.start()

    async def write(self, change: Callable[[apsw.Connection], T]) -> T:
        """Run the change; durable when this returns. What it raises undoes only it, and is raised here."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        while True:
            try:
                self._queue.put_nowait((change, future))
                break
            except queue.Full:
                self._room.clear()
                await self._room.wait()
        return await future

    def _write_loop(self) -> None:
        connection, loop = self._connection, self._loop
        assert connection is not None
        assert loop is not None
        while True:
            first = self._queue.get()
            if first is None:
                return
            batch = [first]
            stop = False
            while len(batch) < _BATCH:
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
                if item is None:
                    stop = True
                    break
                batch.append(item)
            results = _commit(connection, [change for change, _ in batch])
            loop.call_soon_threadsafe(self._deliver, [future for _, future in batch], results)
            if stop:
                return

    def _deliver(self, futures: list[asyncio.Future[Any]], results: list[tuple[Any, BaseException | None]]) -> None:
        self._room.set()
        for future, (value, error) in zip(futures, results, strict=True):
            if future.cancelled():
                continue
            if error is None:
                future.set_result(value)
            else:
                future.set_exception(error)

    def read(self, statement: str, bindings: tuple[Any, ...] = ()) -> list[Any]:
        """For loading at start, before anything writes."""
        assert self._connection is not None
        return list(self._connection.execute(statement, bindings))

    async def close(self) -> None:
        """What was asked to be written is written first."""
        if self._writer is not None:
            self._queue.put(None)
            await asyncio.to_thread(self._writer.join)
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _commit(connection: apsw.Connection, changes: list[Change]) -> list[tuple[Any, BaseException | None]]:
    """All in one transaction. If the commit itself fails, none of them happened."""
    results: list[tuple[Any, BaseException | None]] = []
    try:
        connection.execute("BEGIN IMMEDIATE")
        for change in changes:
            connection.execute("SAVEPOINT one")
            try:
                value = change(connection)
            except Exception as error:  # noqa: BLE001 - it is raised where the change was asked for
                connection.execute("ROLLBACK TO one")
                results.append((None, error))
            else:
                results.append((value, None))
            connection.execute("RELEASE one")
        connection.execute("COMMIT")
    except apsw.Error as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        return [(None, error)] * len(changes)
    return results


def _migrate(connection: apsw.Connection) -> None:
    """Apply the numbered files that this data directory has not seen, each in one transaction."""
    done = connection.pragma("user_version")
    for path in sorted(_MIGRATIONS.glob("*.sql")):
        number = int(path.stem)
        if number > done:
            connection.execute(f"BEGIN IMMEDIATE; {path.read_text()}; PRAGMA user_version = {number}; COMMIT")
