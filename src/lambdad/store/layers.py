"""Layers in the database: one row per layer with all its versions, which are few and small."""

import dataclasses
from typing import Any

from lambdad.resources.layer import Layer, LayerKey, LayerVersion
from lambdad.resources.policy import Policy
from lambdad.store.documents import Documents


class Layers(Documents[LayerKey, Layer]):
    """A layer never goes: its numbers are not given again."""

    table = "layers"

    def _read(self, account: str, region: str, name: str, document: Any) -> tuple[LayerKey, Layer]:
        key = LayerKey(account, region, name)
        versions = [_version_of(key, members) for members in document["versions"]]
        return key, Layer(
            key=key,
            last_version=document["last_version"],
            versions={one.version: one for one in versions},
        )

    def _document_of(self, value: Layer) -> Any:
        return {"last_version": value.last_version, "versions": [_members_of(v) for v in value.versions.values()]}


def _members_of(version: LayerVersion) -> dict[str, Any]:
    members = dataclasses.asdict(version)
    del members["key"]
    return members


def _version_of(key: LayerKey, members: dict[str, Any]) -> LayerVersion:
    for name in ("compatible_runtimes", "compatible_architectures"):
        if members[name] is not None:
            members[name] = tuple(members[name])
    if members["policy"] is not None:
        members["policy"] = Policy(tuple(members["policy"]["statements"]), members["policy"]["revision_id"])
    return LayerVersion(key=key, **members)
