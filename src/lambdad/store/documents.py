"""Resources that are one row each: account, region, name, and a JSON document."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import apsw
import orjson

from lambdad.errors import ResourceNotFoundException
from lambdad.store.database import Database
from lambdad.store.records import Records


class Key(Protocol):
    @property
    def account(self) -> str: ...

    @property
    def region(self) -> str: ...

    @property
    def name(self) -> str: ...

    def __hash__(self) -> int: ...


K = TypeVar("K", bound=Key)
V = TypeVar("V")


class Documents(Records[K, V], ABC, Generic[K, V]):
    table: ClassVar[str]

    def __init__(self, database: Database) -> None:
        super().__init__(database, self._write)

    @abstractmethod
    def _read(self, account: str, region: str, name: str, document: Any) -> tuple[K, V]:
        """From a row; the document is decoded."""

    def _document_of(self, value: V) -> Any:
        """What is to be kept beside the key, for JSON: of a dataclass with its `key`, all else."""
        document = dataclasses.asdict(value)  # type: ignore[call-overload]
        del document["key"]
        return document

    def load(self) -> None:
        """Read all from the database, once at start."""
        for account, region, name, document in self._database.read(
            f"SELECT account, region, name, document FROM {self.table}"
        ):
            key, value = self._read(account, region, name, orjson.loads(document))
            self._records[key] = value

    def list(self, account: str, region: str) -> "list[V]":
        """Of one account and region, by name."""
        keys = [key for key in self._records if (key.account, key.region) == (account, region)]
        return [self._records[key] for key in sorted(keys, key=lambda key: key.name)]

    async def update(self, key: K, change: Callable[[V], V | None]) -> V | None:
        """Durable when it returns; None deletes it. Raises ResourceNotFoundException."""

        def checked(before: V | None) -> V | None:
            if before is None:
                raise ResourceNotFoundException.requested_resource()
            return change(before)

        _, after = await self.apply(key, checked)
        return after

    def _write(self, connection: apsw.Connection, key: K, before: V | None, after: V | None) -> None:
        name = (key.account, key.region, key.name)
        if after is None:
            connection.execute(f"DELETE FROM {self.table} WHERE account = ? AND region = ? AND name = ?", name)
            return
        connection.execute(
            f"INSERT INTO {self.table} (account, region, name, document) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (account, region, name) DO UPDATE SET document = excluded.document",
            (*name, orjson.dumps(self._document_of(after)).decode()),
        )
