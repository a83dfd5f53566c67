"""The durable engine: SQLite through apsw, one writer thread, group commit.

A change is a function of a connection. Many that wait at the same time share one transaction and one fsync; each runs in a
savepoint of its own, so that one that fails takes none of the others with it. SQL here is what PostgreSQL speaks too.
sqlite.org/wal.html, sqlite.org/pragma.html#pragma_synchronous
"""

import asyncio
import contextlib
import fcntl
import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import apsw

T = TypeVar("T")
Change = Callable[[apsw.Connection], Any]
_Result = tuple[Any, BaseException | None]
_Waiting = tuple[Change, asyncio.Future[Any]]

_FILE = "lambdad.sqlite3"
_BATCH = 512
"""Changes in one transaction, at most: they bound how long the first of them waits."""
_QUEUE = 10_000
"""Changes that may wait for the writer: more than that and `write` waits itself."""
_BUSY = 5000
"""Milliseconds to wait for somebody who looks at the file with another program."""
_MIGRATIONS = Path(__file__).parent / "migrations"


class DataDirectoryInUse(Exception):
    def __init__(self, path: Path) -> None:
        super().__init__(f"another lambdad uses the data directory {path}")


class DataDirectoryUnusable(OSError):
    """The database in it cannot be opened: damaged, or written by a newer lambdad."""


class DatabaseClosed(Exception):
    def __init__(self) -> None:
        super().__init__("the database is closed")


WRITE_FAILED: Final = (apsw.Error, DatabaseClosed)
"""What `write` raises of its own: a full disk, an end."""


class Database:
    """One data directory's. `open` before use, `close` once."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._queue: queue.Queue[_Waiting | None] = queue.Queue(_QUEUE)
        self._connection: apsw.Connection | None = None
        self._writer: threading.Thread | None = None
        self._lock = -1
        self._room = asyncio.Event()
        self._closed = False

    def open(self) -> None:
        """Raises DataDirectoryInUse, DataDirectoryUnusable. Migrates what is older."""
        self._data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = _lock(self._data_dir)
        path = self._data_dir / _FILE
        try:
            self._connection = _connect(path)
        except apsw.Error as error:
            os.close(self._lock)
            self._lock = -1
            raise DataDirectoryUnusable(f"{path}: {error}") from error
        self._writer = threading.Thread(
            target=self._write_loop,
            args=(self._connection, asyncio.get_running_loop()),
            name="database-writer",
            daemon=True,
        )
        self._writer.start()

    async def write(self, change: Callable[[apsw.Connection], T]) -> T:
        """Run the change; durable when this returns. What it raises undoes only it, and is raised here.

        Raises DatabaseClosed.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        while True:
            if self._closed:
                raise DatabaseClosed
            try:
                self._queue.put_nowait((change, future))
            except queue.Full:
                self._room.clear()
                await self._room.wait()
            else:
                return await future

    def _write_loop(self, connection: apsw.Connection, loop: asyncio.AbstractEventLoop) -> None:
        more = True
        while more:
            batch, more = self._next_batch()
            if batch:
                results = _commit(connection, [change for change, _ in batch])
                with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
                    loop.call_soon_threadsafe(self._deliver, [future for _, future in batch], results)

    def _next_batch(self) -> tuple[list[_Waiting], bool]:
        """What waits now, at least one change; False when it is the last."""
        item = self._queue.get()
        batch: list[_Waiting] = []
        while item is not None:
            batch.append(item)
            if len(batch) == _BATCH:
                return batch, True
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _deliver(self, futures: list[asyncio.Future[Any]], results: list[_Result]) -> None:
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

    def reader(self) -> apsw.Connection:
        """A connection of one's own, for long queries in a thread: it sees what is committed. Closed before `close`."""
        connection = apsw.Connection(str(self._data_dir / _FILE), flags=apsw.SQLITE_OPEN_READONLY)
        connection.set_busy_timeout(_BUSY)
        return connection

    async def close(self) -> None:
        """What was asked to be written is written first; what comes later is refused."""
        self._closed = True
        self._room.set()
        if self._writer is not None:
            await asyncio.to_thread(self._queue.put, None)
            await asyncio.to_thread(self._writer.join)
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _lock(data_dir: Path) -> int:
    """A lock that ends with this process, however it ends. Raises DataDirectoryInUse."""
    descriptor = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise DataDirectoryInUse(data_dir) from None
    return descriptor


def _connect(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    try:
        connection.set_busy_timeout(_BUSY)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _commit(connection: apsw.Connection, changes: list[Change]) -> list[_Result]:
    """All in one transaction. If the transaction itself fails, none of them happened."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        results = [_try(connection, change) for change in changes]
        connection.execute("COMMIT")
    except apsw.Error as error:
        with contextlib.suppress(apsw.Error):
            connection.execute("ROLLBACK")
        return [(None, error)] * len(changes)
    return results


def _try(connection: apsw.Connection, change: Change) -> _Result:
    """(its value, None) or (None, what it raised), and then it has left nothing. Raises apsw.Error if the transaction is lost."""
    connection.execute("SAVEPOINT one")
    try:
        result: _Result = (change(connection), None)
    except Exception as error:  # it is raised where the change was asked for
        if isinstance(error, apsw.Error) and not connection.in_transaction:
            raise  # a full disk, for one, undoes all of it
        connection.execute("ROLLBACK TO one")
        result = (None, error)
    connection.execute("RELEASE one")
    return result


def _migrate(connection: apsw.Connection) -> None:
    """Apply the numbered files that this data directory has not seen, each in one transaction."""
    files = {int(path.stem): path for path in sorted(_MIGRATIONS.glob("*.sql"))}
    done = connection.pragma("user_version")
    if done > max(files):
        raise apsw.SchemaChangeError("a newer lambdad has written it")
    for number, path in files.items():
        if number > done:
            connection.execute(f"BEGIN IMMEDIATE; {path.read_text()}; PRAGMA user_version = {number}; COMMIT")
