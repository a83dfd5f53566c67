"""Functions and their versions: durable in the database, read from memory.

Memory is written only by a commit that succeeded, in the order of commits, so that a reader sees what a restart would find.
"""

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Iterable
from typing import Any

import apsw
import orjson

from lambdad.errors import ResourceConflictException, ResourceNotFoundException
from lambdad.resources.alias import Alias
from lambdad.resources.function import Function, FunctionKey, FunctionVersion
from lambdad.store.database import Database

log = logging.getLogger(__name__)

Listener = Callable[[FunctionKey, Function | None, Function | None], None]
_Change = Callable[[Function | None], Function | None]


class Functions:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._functions: dict[FunctionKey, Function] = {}
        self._listeners: list[Listener] = []
        self._turns: dict[FunctionKey, asyncio.Task[Any]] = {}

    def load(self) -> None:
        """Read all from the database, once at start."""
        versions: dict[FunctionKey, dict[str, FunctionVersion]] = {}
        rows = self._database.read("SELECT account, region, name, version, document FROM function_versions")
        records = [_version_of(FunctionKey(*key), version, orjson.loads(document)) for *key, version, document in rows]
        for record in sorted(records, key=lambda record: record.number):
            versions.setdefault(record.key, {})[record.version] = record
        for account, region, name, document in self._database.read(
            "SELECT account, region, name, document FROM functions"
        ):
            key = FunctionKey(account, region, name)
            self._functions[key] = _function_of(key, versions[key], orjson.loads(document))

    def get(self, key: FunctionKey) -> Function | None:
        return self._functions.get(key)

    def list(self, account: str, region: str) -> list[Function]:
        """Of one account and region, by name."""
        found = [f for key, f in self._functions.items() if key.account == account and key.region == region]
        return sorted(found, key=lambda function: function.key.name)

    def all(self) -> Iterable[Function]:
        return list(self._functions.values())

    def subscribe(self, listener: Listener) -> None:
        """`listener(key, before, after)` is called on the event loop after each commit, in order."""
        self._listeners.append(listener)

    async def create(self, function: Function) -> None:
        """Durable when it returns. Raises ResourceConflictException."""

        def change(before: Function | None) -> Function:
            if before is not None:
                raise ResourceConflictException.function_exists(function.key.name)
            return function

        await self._in_turn(function.key, change)

    async def update(self, key: FunctionKey, change: Callable[[Function], Function]) -> Function:
        """Apply a pure change to the function as it is then; durable when it returns. What `change` raises is raised
        here and leaves nothing changed. Raises ResourceNotFoundException."""

        def checked(before: Function | None) -> Function:
            if before is None:
                raise ResourceNotFoundException.function(key.arn)
            return change(before)

        _, after = await self._in_turn(key, checked)
        assert after is not None
        return after

    async def delete(self, key: FunctionKey) -> Function:
        """The function as it was. Raises ResourceNotFoundException."""

        def change(before: Function | None) -> None:
            if before is None:
                raise ResourceNotFoundException.function(key.arn)

        before, _ = await self._in_turn(key, change)
        assert before is not None
        return before

    async def _in_turn(self, key: FunctionKey, change: _Change) -> tuple[Function | None, Function | None]:
        """(before, after). One change of a function at a time: each is decided on what the one before it has committed.
        Changes of different functions share commits.

        A task of its own: a caller that goes away must not leave memory behind the disk, or let the next in too early.
        """
        turn = asyncio.get_running_loop().create_task(self._apply(key, change, self._turns.get(key)))
        self._turns[key] = turn
        turn.add_done_callback(lambda done: self._turn_over(key, done))
        return await asyncio.shield(turn)

    def _turn_over(self, key: FunctionKey, turn: asyncio.Task[Any]) -> None:
        if self._turns.get(key) is turn:
            del self._turns[key]
        if not turn.cancelled():
            turn.exception()  # looked at: the caller may be gone

    async def _apply(
        self, key: FunctionKey, change: _Change, earlier: asyncio.Task[Any] | None
    ) -> tuple[Function | None, Function | None]:
        if earlier is not None:
            await asyncio.wait([earlier])
        before = self._functions.get(key)
        after = change(before)
        if after != before:
            await self._database.write(lambda connection: _store(connection, key, before, after))
            self._show(key, before, after)
        return before, after

    def _show(self, key: FunctionKey, before: Function | None, after: Function | None) -> None:
        if after is None:
            self._functions.pop(key, None)
        else:
            self._functions[key] = after
        for listener in self._listeners:
            try:
                listener(key, before, after)
            except Exception:  # it is committed: the others must hear of it, too
                log.exception("a listener failed over a change of %s", key.arn)


def _store(connection: apsw.Connection, key: FunctionKey, before: Function | None, after: Function | None) -> None:
    """Write what differs."""
    name = (key.account, key.region, key.name)
    old = before.versions if before is not None else {}
    new = after.versions if after is not None else {}
    for version in old.keys() - new.keys():
        connection.execute(
            "DELETE FROM function_versions WHERE account = ? AND region = ? AND name = ? AND version = ?",
            (*name, version),
        )
    for version, record in new.items():
        if old.get(version) != record:
            connection.execute(
                "INSERT INTO function_versions (account, region, name, version, document) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (account, region, name, version) DO UPDATE SET document = excluded.document",
                (*name, version, _document_of(record)),
            )
    if after is None:
        connection.execute("DELETE FROM functions WHERE account = ? AND region = ? AND name = ?", name)
        return
    document = {
        "last_published": after.last_published,
        "tags": dict(after.tags),
        "aliases": {name: dataclasses.asdict(alias) for name, alias in after.aliases.items()},
        "reserved_concurrency": after.reserved_concurrency,
    }
    connection.execute(
        "INSERT INTO functions (account, region, name, document) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (account, region, name) DO UPDATE SET document = excluded.document",
        (*name, orjson.dumps(document).decode()),
    )


def _function_of(key: FunctionKey, versions: dict[str, FunctionVersion], document: dict[str, Any]) -> Function:
    aliases = {name: Alias(**members) for name, members in document.pop("aliases", {}).items()}
    return Function(key=key, versions=versions, aliases=aliases, **document)


_IN_COLUMNS = frozenset({"key", "version"})


def _document_of(version: FunctionVersion) -> str:
    values: dict[str, Any] = {
        field.name: getattr(version, field.name)
        for field in dataclasses.fields(version)
        if field.name not in _IN_COLUMNS
    }
    values["environment"] = dict(version.environment)
    values["settings"] = dict(version.settings)
    return orjson.dumps(values).decode()


def _version_of(key: FunctionKey, version: str, document: dict[str, Any]) -> FunctionVersion:
    document["architectures"] = tuple(document["architectures"])
    document["layers"] = tuple(document["layers"])
    return FunctionVersion(key=key, version=version, **document)
