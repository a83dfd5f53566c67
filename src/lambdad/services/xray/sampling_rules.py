"""Sampling rules, and what those who sample by them are told.

AWS: docs.aws.amazon.com/xray/latest/api/API_CreateSamplingRule.html and its neighbours. Lambda itself samples by them, too
(`invocation/tracing.py`).
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from lambdad.errors.xray import InvalidRequestException, RuleLimitExceededException
from lambdad.protocols.context import Context, Members
from lambdad.resources.sampling import DEFAULT, RuleKey, SamplingRule, default_rule
from lambdad.services.xray.backend import Backend
from lambdad.services.xray.pages import refuse_token
from lambdad.services.xray.tags import tags_of

_MOST: Final = 25
_INTERVAL: Final = 10
"""Seconds until somebody who samples asks again."""
_FIELDS: Final = {
    "Priority": "priority",
    "FixedRate": "fixed_rate",
    "ReservoirSize": "reservoir_size",
    "ServiceName": "service_name",
    "ServiceType": "service_type",
    "Host": "host",
    "HTTPMethod": "http_method",
    "URLPath": "url_path",
    "ResourceARN": "resource_arn",
    "Attributes": "attributes",
}
_OF_DEFAULT: Final = frozenset({"FixedRate", "ReservoirSize"})


async def create_sampling_rule(backend: Backend, context: Context, request: Members) -> Members:
    given = request["SamplingRule"]
    name = given.get("RuleName")
    if not name:
        raise InvalidRequestException.required("RuleName")
    if given["Version"] != 1:
        raise InvalidRequestException.version()
    if name == DEFAULT:
        raise InvalidRequestException.default_rule()
    key = RuleKey(context.account, context.region, name)
    if len(backend.rules.list(key.account, key.region)) >= _MOST:
        raise RuleLimitExceededException.rules(_MOST)
    now = backend.clock.now()
    rule = SamplingRule(key=key, created_at=now, modified_at=now, tags=tags_of(request.get("Tags")), **_fields(given))

    def made(before: SamplingRule | None) -> SamplingRule:
        if before is not None:
            raise InvalidRequestException.rule_exists(name)
        return rule

    await backend.rules.apply(key, made)
    return {"SamplingRuleRecord": _record(rule)}


async def update_sampling_rule(backend: Backend, context: Context, request: Members) -> Members:
    given = request["SamplingRuleUpdate"]
    rule = _find(backend, context, given)
    fields = _fields(given)
    if rule.key.name == DEFAULT and not {name for name in _FIELDS if given.get(name) is not None} <= _OF_DEFAULT:
        raise InvalidRequestException.default_rule()
    now = backend.clock.now()

    def changed(before: SamplingRule | None) -> SamplingRule:
        if before is None and rule.key.name != DEFAULT:
            raise InvalidRequestException.no_rule(rule.key.name)
        return dataclasses.replace(before or rule, modified_at=now, **fields)

    _, after = await backend.rules.apply(rule.key, changed)
    assert after is not None
    return {"SamplingRuleRecord": _record(after)}


async def delete_sampling_rule(backend: Backend, context: Context, request: Members) -> Members:
    rule = _find(backend, context, request)
    if rule.key.name == DEFAULT:
        raise InvalidRequestException.default_rule()
    await backend.rules.apply(rule.key, lambda before: None)
    return {"SamplingRuleRecord": _record(rule)}


async def get_sampling_rules(backend: Backend, context: Context, request: Members) -> Members:
    """All of them: there are never many."""
    refuse_token(request)
    rules = backend.rules.in_order(context.account, context.region)
    return {"SamplingRuleRecords": [_record(rule) for rule in rules]}


async def get_sampling_targets(backend: Backend, context: Context, request: Members) -> Members:
    """Each that samples has its rule's whole reservoir until it asks again: two of them may trace twice as many."""
    now = backend.clock.now()
    rules = {rule.key.name: rule for rule in backend.rules.in_order(context.account, context.region)}
    targets, unknown = [], []
    for statistics in request["SamplingStatisticsDocuments"]:
        rule = rules.get(statistics["RuleName"])
        if rule is None:
            told = {"RuleName": statistics["RuleName"], "ErrorCode": "400", "Message": "Unknown rule"}
            unknown.append(told)
            continue
        targets.append(
            {
                "RuleName": rule.key.name,
                "FixedRate": rule.fixed_rate,
                "ReservoirQuota": rule.reservoir_size,
                "ReservoirQuotaTTL": now + _INTERVAL,
                "Interval": _INTERVAL,
            }
        )
    latest = max(rule.modified_at for rule in rules.values())
    return {"SamplingTargetDocuments": targets, "LastRuleModification": latest, "UnprocessedStatistics": unknown}


def _find(backend: Backend, context: Context, given: Mapping[str, Any]) -> SamplingRule:
    """By name or ARN. Raises InvalidRequestException."""
    name, arn = given.get("RuleName"), given.get("RuleARN")
    if bool(name) == bool(arn):
        raise InvalidRequestException.either("RuleName", "RuleARN")
    for rule in (*backend.rules.list(context.account, context.region), default_rule(context.account, context.region)):
        if name == rule.key.name or arn == rule.key.arn:
            return rule
    raise InvalidRequestException.no_rule(name or arn or "")


def _fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """Raises InvalidRequestException."""
    if given.get("SamplingRateBoost"):
        raise InvalidRequestException.not_built("SamplingRateBoost")
    return {field: given[name] for name, field in _FIELDS.items() if given.get(name) is not None}


def _record(rule: SamplingRule) -> Members:
    return {
        "SamplingRule": {
            "RuleName": rule.key.name,
            "RuleARN": rule.key.arn,
            **{name: getattr(rule, field) for name, field in _FIELDS.items()},
            "Version": 1,
        },
        "CreatedAt": rule.created_at,
        "ModifiedAt": rule.modified_at,
    }
