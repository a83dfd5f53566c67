"""What was used, in the database: added up by day, and what is reserved with how much of it is counted.

Nothing here is read by the server itself but the open reservations; `lambdad cost` asks for a month.
"""

import functools
import itertools
from collections.abc import Iterable, Mapping

import apsw

from lambdad.resources.function import FunctionKey
from lambdad.resources.usage import COLUMNS, Counts, Reservation, Terms, UsageKey, date_of
from lambdad.store.database import Database

_ROWS = 500
"""Of one change: others that wait for the writer come in between."""
_KEY = "account, region, day, name, architecture, memory_mb"
_NAMES = ", ".join(COLUMNS)
_ADD = (
    f"INSERT INTO usage_by_day ({_KEY}, {_NAMES}) VALUES ({', '.join('?' * (6 + len(COLUMNS)))}) "
    f"ON CONFLICT ({_KEY}) DO UPDATE SET "
    + ", ".join(f"{column} = usage_by_day.{column} + excluded.{column}" for column in COLUMNS)
)
_SUMS = ", ".join(f"sum({column})" for column in COLUMNS)
_OPEN = "account, region, name, kind, qualifier, architecture, memory_mb, count, since, charged_s"
_RESERVATION = "account = ? AND region = ? AND name = ? AND kind = ? AND qualifier = ?"

MonthlyUse = Mapping[str, list[tuple[str, int, Counts]]]
"""By function: architecture, memory size in MB, and what was counted with them."""


class Usage:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, counted: dict[UsageKey, Counts]) -> None:
        """Add to what is there. What is written is taken out of `counted`: what is left after an error is to be tried again.

        Raises WRITE_FAILED.
        """
        while counted:
            some = list(itertools.islice(counted.items(), _ROWS))
            await self._database.write(functools.partial(_add, rows=some))
            for key, _ in some:
                del counted[key]

    async def month(self, account: str, region: str, month: str, function: str | None = None) -> MonthlyUse:
        """`month` as `2026-01`; of all functions, or of one."""

        def change(connection: apsw.Connection) -> MonthlyUse:
            found: dict[str, list[tuple[str, int, Counts]]] = {}
            rows = connection.execute(
                f"SELECT name, architecture, memory_mb, {_SUMS} FROM usage_by_day "
                "WHERE account = ? AND region = ? AND day BETWEEN ? AND ? "
                "GROUP BY name, architecture, memory_mb ORDER BY name, architecture, memory_mb",
                (account, region, f"{month}-01", f"{month}-31"),
            )
            for name, architecture, memory_mb, *sums in rows:
                found.setdefault(name, []).append((architecture, memory_mb, Counts(*sums)))
            return found

        return await self._database.write(change)

    async def forget(self, before_day: int) -> None:
        """Days before that one."""
        day = date_of(before_day)
        await self._database.write(
            lambda connection: connection.execute("DELETE FROM usage_by_day WHERE day < ?", (day,))
        )

    # --- What is reserved ---------------------------------------------------------------------------------------------

    def reservations(self) -> list[Reservation]:
        """Once, at start."""
        return [
            Reservation(
                FunctionKey(account, region, name),
                (kind, qualifier),
                Terms(architecture, memory_mb, count),
                since,
                charged,
            )
            for account, region, name, kind, qualifier, architecture, memory_mb, count, since, charged in (
                self._database.read(f"SELECT {_OPEN} FROM reservations")
            )
        ]

    async def charge(
        self, reservation: Reservation, open_still: bool, counted: Iterable[tuple[UsageKey, Counts]]
    ) -> None:
        """Keep the reservation as it is now, or no more; in the same transaction, what it adds."""
        key, terms, rows = reservation.function, reservation.terms, list(counted)
        name = (key.account, key.region, key.name, *reservation.name)

        def change(connection: apsw.Connection) -> None:
            connection.execute(f"DELETE FROM reservations WHERE {_RESERVATION}", name)
            if open_still:
                connection.execute(
                    f"INSERT INTO reservations ({_OPEN}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (*name, terms.architecture, terms.memory_mb, terms.count, reservation.since, reservation.charged_s),
                )
            _add(connection, rows)

        await self._database.write(change)


def _add(connection: apsw.Connection, rows: Iterable[tuple[UsageKey, Counts]]) -> None:
    for key, counts in rows:
        whose = key.function
        place = (whose.account, whose.region, date_of(key.day), whose.name, key.architecture, key.memory_mb)
        connection.execute(_ADD, (*place, *counts.values))
