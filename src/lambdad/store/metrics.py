"""Metrics on disk: which there are, their blocks of datapoints, and the journal of what is not in blocks yet.

Rows are bytes here; what they hold is `observability/metric_blocks.py`'s to say. Long queries read through a connection of their
own, in a thread: they hold up neither the writer nor the event loop.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import apsw
import orjson

from lambdad.store.database import Database

Dimensions = tuple[tuple[str, str], ...]
"""(name, value), in the order of the names."""


@dataclass(frozen=True, slots=True)
class SeriesKey:
    account: str
    region: str
    namespace: str
    name: str
    dimensions: Dimensions
    unit: str
    """Empty: whichever."""

    @property
    def unitless(self) -> "SeriesKey":
        return replace(self, unit="")


@dataclass(slots=True)
class Series:
    """`latest`: the time of its newest datapoint; `folded`: the last row of the journal that its blocks have."""

    id: int
    key: SeriesKey
    latest: int
    folded: int


@dataclass(frozen=True, slots=True)
class BlockRow:
    step: int
    start: int
    points: bytes
    sketches: bytes


@dataclass(frozen=True, slots=True)
class SeriesFold:
    """What becomes of a metric's blocks, by step and start: of the one that there is, or of none, the new one."""

    series: Series
    blocks: Mapping[tuple[int, int], Callable[[BlockRow | None], BlockRow]]


class Metrics:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._journal_ids = itertools.count(1)
        self._reader: apsw.Connection | None = None

    # --- At start -----------------------------------------------------------------------------------------------------

    def load(self) -> Iterator[Series]:
        """All that are known."""
        ((highest,),) = self._database.read(
            "SELECT max((SELECT coalesce(max(id), 0) FROM metric_journal), (SELECT coalesce(max(folded), 0) FROM metric_series))"
        )
        self._journal_ids = itertools.count(highest + 1)
        for number, account, region, namespace, name, dimensions, unit, latest, folded in self._database.read(
            "SELECT id, account, region, namespace, name, dimensions, unit, latest, folded FROM metric_series ORDER BY id"
        ):
            pairs = tuple((one, value) for one, value in orjson.loads(dimensions))
            yield Series(number, SeriesKey(account, region, namespace, name, pairs, unit), latest, folded)

    def journal(self) -> list[tuple[int, bytes]]:
        return self._database.read("SELECT id, points FROM metric_journal ORDER BY id")

    # --- Writing ------------------------------------------------------------------------------------------------------

    async def append(self, points: bytes, new: Sequence[Series]) -> int:
        """One row of the journal, with the metrics that it is the first to name; its number. Durable when it returns."""
        number = next(self._journal_ids)

        def change(connection: apsw.Connection) -> None:
            for series in new:
                _insert(connection, series)
            connection.execute("INSERT INTO metric_journal (id, points) VALUES (?, ?)", (number, points))

        await self._database.write(change)
        return number

    async def fold(self, folds: Sequence[SeriesFold], upto: int) -> None:
        """Put what has come in of these metrics into their blocks; of each it is on record in the same transaction."""

        def change(connection: apsw.Connection) -> None:
            for one in folds:
                _fold(connection, one, upto)

        await self._database.write(change)
        for one in folds:
            one.series.folded = upto

    async def forget_journal(self, upto: int) -> None:
        await self._database.write(
            lambda connection: connection.execute("DELETE FROM metric_journal WHERE id <= ?", (upto,))
        )

    async def delete_blocks(self, step: int, before: int, most: int) -> int:
        """Of those that start before a time, so many at most; how many went."""

        def change(connection: apsw.Connection) -> int:
            rows = list(
                connection.execute(
                    "SELECT series, start FROM metric_blocks WHERE step = ? AND start < ? LIMIT ?", (step, before, most)
                )
            )
            for series, start in rows:
                connection.execute(
                    "DELETE FROM metric_blocks WHERE series = ? AND step = ? AND start = ?", (series, step, start)
                )
            return len(rows)

        return await self._database.write(change)

    async def replace_blocks(self, step: int, before: int, replaced: Callable[[BlockRow], BlockRow], most: int) -> int:
        """Those of this step that start before a time, so many at most, each by one of another step; how many were."""

        def change(connection: apsw.Connection) -> int:
            rows = list(
                connection.execute(
                    "SELECT series, start, points, sketches FROM metric_blocks WHERE step = ? AND start < ? LIMIT ?",
                    (step, before, most),
                )
            )
            for series, start, points, sketches in rows:
                _upsert(connection, series, replaced(BlockRow(step, start, points, sketches)))
                connection.execute(
                    "DELETE FROM metric_blocks WHERE series = ? AND step = ? AND start = ?", (series, step, start)
                )
            return len(rows)

        return await self._database.write(change)

    async def delete_series(self, ids: Sequence[int]) -> None:
        """With what is left of them."""

        def change(connection: apsw.Connection) -> None:
            for number in ids:
                connection.execute("DELETE FROM metric_blocks WHERE series = ?", (number,))
                connection.execute("DELETE FROM metric_series WHERE id = ?", (number,))

        await self._database.write(change)

    # --- Reading ------------------------------------------------------------------------------------------------------

    def blocks(self, series: int, step: int, start: int, end: int) -> list[tuple[int, bytes]]:
        """(start, columns) of blocks that start from `start` on and before `end`. In a thread; one at a time."""
        return list(self._blocks("start, points", series, step, start, end))

    def blocks_with_sketches(self, series: int, step: int, start: int, end: int) -> list[tuple[int, bytes, bytes]]:
        return list(self._blocks("start, points, sketches", series, step, start, end))

    def _blocks(self, columns: str, series: int, step: int, start: int, end: int) -> apsw.Cursor:
        if self._reader is None:
            self._reader = self._database.reader()
        return self._reader.execute(
            f"SELECT {columns} FROM metric_blocks WHERE series = ? AND step = ? AND start >= ? AND start < ? ORDER BY start",
            (series, step, start, end),
        )

    def close(self) -> None:
        """Before the database is closed."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def _insert(connection: apsw.Connection, series: Series) -> None:
    key = series.key
    connection.execute(
        "INSERT INTO metric_series (id, account, region, namespace, name, dimensions, unit, latest, folded) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
        (
            *(series.id, key.account, key.region, key.namespace, key.name, orjson.dumps(key.dimensions).decode()),
            *(key.unit, series.latest, series.folded),
        ),
    )


def _fold(connection: apsw.Connection, change: SeriesFold, upto: int) -> None:
    series = change.series
    for (step, start), merged in change.blocks.items():
        rows = connection.execute(
            "SELECT points, sketches FROM metric_blocks WHERE series = ? AND step = ? AND start = ?",
            (series.id, step, start),
        )
        before = next((BlockRow(step, start, points, sketches) for points, sketches in rows), None)
        _upsert(connection, series.id, merged(before))
    connection.execute("UPDATE metric_series SET latest = ?, folded = ? WHERE id = ?", (series.latest, upto, series.id))


def _upsert(connection: apsw.Connection, series: int, row: BlockRow) -> None:
    connection.execute(
        "INSERT INTO metric_blocks (series, step, start, points, sketches) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (series, step, start) DO UPDATE SET points = excluded.points, sketches = excluded.sketches",
        (series, row.step, row.start, row.points, row.sketches),
    )
