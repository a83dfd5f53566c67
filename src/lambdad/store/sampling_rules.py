"""Sampling rules in the database: those that were made, and the Default one once it was changed."""

import dataclasses
from typing import Any

from lambdad.resources.sampling import DEFAULT, RuleKey, SamplingRule, default_rule, in_order
from lambdad.store.database import Database
from lambdad.store.documents import Documents


class SamplingRules(Documents[RuleKey, SamplingRule]):
    table = "sampling_rules"

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._ordered: dict[tuple[str, str], list[SamplingRule]] = {}
        """As they are tried; made when they are asked for, until one changes."""
        self.subscribe(self._changed)

    def in_order(self, account: str, region: str) -> list[SamplingRule]:
        """As they are tried; the Default one, which there always is, is the last."""
        found = self._ordered.get((account, region))
        if found is None:
            rules = self.list(account, region)
            if all(rule.key.name != DEFAULT for rule in rules):
                rules = [*rules, default_rule(account, region)]
            found = self._ordered[account, region] = in_order(rules)
        return found

    def _changed(self, key: RuleKey, before: SamplingRule | None, after: SamplingRule | None) -> None:
        self._ordered.pop((key.account, key.region), None)

    def _read(self, account: str, region: str, name: str, document: Any) -> tuple[RuleKey, SamplingRule]:
        key = RuleKey(account, region, name)
        return key, SamplingRule(key=key, **document)

    def _document_of(self, value: SamplingRule) -> Any:
        document = dataclasses.asdict(value)
        del document["key"]
        return document
