"""Layers in the database."""

import dataclasses
from typing import Any

import apsw
import orjson

from lambdad.resources.layer import Layer, LayerKey, LayerVersion
from lambdad.resources.policy import Policy
from lambdad.store.database import Database
from lambdad.store.records import Records


class Layers(Records[LayerKey, Layer]):
    def __init__(self, database: Database) -> None:
        super().__init__(database, _store)

    def load(self) -> None:
        """Read all from the database, once at start."""
        for account, region, name, document in self._database.read(
            "SELECT account, region, name, document FROM layers"
        ):
            key = LayerKey(account, region, name)
            self._records[key] = _layer_of(key, orjson.loads(document))

    def list(self, account: str, region: str) -> list[Layer]:
        """Of one account and region, by name."""
        found = [layer for key, layer in self._records.items() if (key.account, key.region) == (account, region)]
        return sorted(found, key=lambda layer: layer.key.name)


def _store(connection: apsw.Connection, key: LayerKey, before: Layer | None, after: Layer | None) -> None:
    """A layer never goes: its numbers are not given again."""
    assert after is not None
    document = {"last_version": after.last_version, "versions": [_members_of(v) for v in after.versions.values()]}
    connection.execute(
        "INSERT INTO layers (account, region, name, document) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (account, region, name) DO UPDATE SET document = excluded.document",
        (key.account, key.region, key.name, orjson.dumps(document).decode()),
    )


def _members_of(version: LayerVersion) -> dict[str, Any]:
    members = dataclasses.asdict(version)
    del members["key"]
    return members


def _layer_of(key: LayerKey, document: dict[str, Any]) -> Layer:
    versions = [_version_of(key, members) for members in document["versions"]]
    return Layer(key=key, last_version=document["last_version"], versions={one.version: one for one in versions})


def _version_of(key: LayerKey, members: dict[str, Any]) -> LayerVersion:
    for name in ("compatible_runtimes", "compatible_architectures"):
        if members[name] is not None:
            members[name] = tuple(members[name])
    if members["policy"] is not None:
        members["policy"] = Policy(tuple(members["policy"]["statements"]), members["policy"]["revision_id"])
    return LayerVersion(key=key, **members)
