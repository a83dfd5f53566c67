"""Functions and their versions in the database."""

import bisect
import builtins
import dataclasses
from collections.abc import Callable
from typing import Any

import apsw
import orjson

from lambdad.errors import ResourceConflictException, ResourceNotFoundException
from lambdad.resources.alias import Alias
from lambdad.resources.function import BY_QUALIFIER, Function, FunctionKey, FunctionVersion
from lambdad.resources.layer import LayerReference
from lambdad.store.database import Database
from lambdad.store.records import Records


class Functions(Records[FunctionKey, Function]):
    def __init__(self, database: Database) -> None:
        super().__init__(database, _store)
        self._places: dict[tuple[str, str], _Place] = {}
        self._numbers: dict[FunctionKey, int] = {}

    def load(self) -> None:
        """Read all from the database, once at start."""
        versions: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
        rows = self._database.read("SELECT account, region, name, version, document FROM function_versions")
        for account, region, name, version, document in rows:
            versions.setdefault((account, region, name), []).append((version, document))
        for account, region, name, document in self._database.read(
            "SELECT account, region, name, document FROM functions ORDER BY account, region, name"
        ):
            key = FunctionKey(account, region, name)
            own = [_version_of(key, version, orjson.loads(text)) for version, text in versions[account, region, name]]
            own.sort(key=lambda record: record.number)
            function = _function_of(key, {record.version: record for record in own}, orjson.loads(document))
            self._records[key] = function
            self._place(key).last(function)
        for account, region, name, number in self._database.read(
            "SELECT account, region, name, number FROM published_numbers"
        ):
            self._numbers[FunctionKey(account, region, name)] = number

    def last_published(self, key: FunctionKey) -> int:
        """The number that a new function's versions go on from: none is used twice, though the function be deleted."""
        return self._numbers.get(key, 0)

    def _show(self, key: FunctionKey, before: Function | None, after: Function | None) -> None:
        if after is None and before is not None and before.last_published:
            self._numbers[key] = before.last_published
        self._place(key).changed(before, after)
        super()._show(key, before, after)

    def _place(self, key: FunctionKey) -> "_Place":
        return self._places.setdefault((key.account, key.region), _Place())

    def list(self, account: str, region: str) -> list[Function]:
        """Of one account and region, by name."""
        place = self._places.get((account, region))
        return builtins.list(place.functions) if place is not None else []

    def code_size(self, account: str, region: str) -> int:
        """Bytes of all versions' packages."""
        place = self._places.get((account, region))
        return place.code_size if place is not None else 0

    async def create(self, function: Function) -> None:
        """Durable when it returns. Raises ResourceConflictException."""

        def change(before: Function | None) -> Function:
            if before is not None:
                raise ResourceConflictException.function_exists(function.key.name)
            return function

        await self.apply(function.key, change)

    async def update(self, key: FunctionKey, change: Callable[[Function], Function]) -> Function:
        """Apply a pure change to the function as it is then; durable when it returns. What `change` raises is raised
        here and leaves nothing changed. Raises ResourceNotFoundException."""

        def checked(before: Function | None) -> Function:
            if before is None:
                raise ResourceNotFoundException.function(key.arn)
            return change(before)

        _, after = await self.apply(key, checked)
        assert after is not None
        return after

    async def delete(self, key: FunctionKey) -> Function:
        """The function as it was. Raises ResourceNotFoundException."""

        def change(before: Function | None) -> None:
            if before is None:
                raise ResourceNotFoundException.function(key.arn)

        before, _ = await self.apply(key, change)
        assert before is not None
        return before


class _Place:
    """What one account has in one region: lists and sums of large accounts are not made anew for every request."""

    __slots__ = ("code_size", "functions")

    def __init__(self) -> None:
        self.functions: list[Function] = []
        """By name."""
        self.code_size = 0

    def last(self, function: Function) -> None:
        """One that comes after all others, as at start."""
        self.functions.append(function)
        self.code_size += function.code_size

    def changed(self, before: Function | None, after: Function | None) -> None:
        changed = after or before
        assert changed is not None
        at = bisect.bisect_left(self.functions, changed.key.name, key=lambda function: function.key.name)
        self.functions[at : at + (before is not None)] = [after] if after is not None else []
        self.code_size += _code_size(after) - _code_size(before)


def _code_size(function: Function | None) -> int:
    return function.code_size if function is not None else 0


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
        if before is not None and before.last_published:
            connection.execute(
                "INSERT INTO published_numbers (account, region, name, number) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (account, region, name) DO UPDATE SET number = excluded.number",
                (*name, before.last_published),
            )
        return
    document = {
        "last_published": after.last_published,
        "tags": dict(after.tags),
        "aliases": {name: dataclasses.asdict(alias) for name, alias in after.aliases.items()},
        "policies": dict(after.policies),
        "policy_revisions": dict(after.policy_revisions),
        "reserved_concurrency": after.reserved_concurrency,
        "recursive_loop": after.recursive_loop,
        "code_signing_config_arn": after.code_signing_config_arn,
    }
    for field in BY_QUALIFIER:
        if records := getattr(after, field):
            document[field] = {name: dataclasses.asdict(record) for name, record in records.items()}
    connection.execute(
        "INSERT INTO functions (account, region, name, document) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (account, region, name) DO UPDATE SET document = excluded.document",
        (*name, orjson.dumps(document).decode()),
    )


def _function_of(key: FunctionKey, versions: dict[str, FunctionVersion], document: dict[str, Any]) -> Function:
    aliases = {name: Alias(**members) for name, members in document.pop("aliases", {}).items()}
    policies = {name: tuple(statements) for name, statements in document.pop("policies", {}).items()}
    for field, kind in BY_QUALIFIER.items():
        if field in document:
            document[field] = {name: kind(**members) for name, members in document[field].items()}
    return Function(key=key, versions=versions, aliases=aliases, policies=policies, **document)


_IN_COLUMNS = frozenset({"key", "version"})


def _document_of(version: FunctionVersion) -> str:
    values: dict[str, Any] = {
        field.name: getattr(version, field.name)
        for field in dataclasses.fields(version)
        if field.name not in _IN_COLUMNS
    }
    values["layers"] = [dataclasses.astuple(layer) for layer in version.layers]
    values["environment"] = dict(version.environment)
    values["settings"] = dict(version.settings)
    return orjson.dumps(values).decode()


def _version_of(key: FunctionKey, version: str, document: dict[str, Any]) -> FunctionVersion:
    document["architectures"] = tuple(document["architectures"])
    document["layers"] = tuple(LayerReference(*layer) for layer in document["layers"])
    return FunctionVersion(key=key, version=version, **document)
