"""Which requests are traced: sampling rules, their reservoirs and rates. Pure; time and chance are arguments.

AWS: docs.aws.amazon.com/xray/latest/devguide/xray-console-sampling.html. The rule with the lowest priority number that matches
decides: as many requests of a second as its reservoir holds, and of those beyond a fixed share.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

DEFAULT: Final = "Default"
_LAST: Final = 10_000
"""The Default rule's priority: after all others."""


@dataclass(frozen=True, slots=True)
class RuleKey:
    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return f"arn:aws:xray:{self.region}:{self.account}:sampling-rule/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingRule:
    key: RuleKey
    priority: int
    fixed_rate: float
    reservoir_size: int
    """Requests in a second that are traced whatever the rate."""
    service_name: str = "*"
    service_type: str = "*"
    host: str = "*"
    http_method: str = "*"
    url_path: str = "*"
    resource_arn: str = "*"
    attributes: Mapping[str, str] = field(default_factory=dict)
    created_at: float = 0.0
    modified_at: float = 0.0
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """What rules are matched with. An invocation has neither host nor path: only a rule that asks for none fits it."""

    service_name: str
    service_type: str
    resource_arn: str


def default_rule(account: str, region: str) -> SamplingRule:
    """AWS's own: the first request of each second, and five in a hundred of the others."""
    key = RuleKey(account, region, DEFAULT)
    return SamplingRule(key=key, priority=_LAST, fixed_rate=0.05, reservoir_size=1)


def in_order(rules: Sequence[SamplingRule]) -> list[SamplingRule]:
    """As they are tried; of one priority by name."""
    return sorted(rules, key=lambda rule: (rule.priority, rule.key.name))


def matches(rule: SamplingRule, request: Request) -> bool:
    wanted = (
        (rule.service_name, request.service_name),
        (rule.service_type, request.service_type),
        (rule.resource_arn, request.resource_arn),
        (rule.host, ""),
        (rule.http_method, ""),
        (rule.url_path, ""),
    )
    return not rule.attributes and all(_glob(pattern).fullmatch(value) for pattern, value in wanted)


@lru_cache(1024)
def _glob(pattern: str) -> re.Pattern[str]:
    """`*` is anything, `?` one character; upper and lower case are the same. Runs of stars are one: no pattern is slow."""
    parts = {"*": ".*", "?": "."}
    collapsed = re.sub(r"\*+", "*", pattern)
    return re.compile("".join(parts.get(one, re.escape(one)) for one in collapsed), re.IGNORECASE | re.DOTALL)


@dataclass(slots=True)
class _Second:
    """What of a rule's reservoir has been used in a second."""

    second: int = -1
    taken: int = 0


class Sampler:
    """Keeps the reservoirs."""

    def __init__(self, chance: Callable[[], float]) -> None:
        """`chance`: evenly from 0 up to, but not, 1."""
        self._chance = chance
        self._seconds: dict[RuleKey, _Second] = {}

    def decide(self, rules: Sequence[SamplingRule], request: Request, now: float) -> bool:
        """`rules`: `in_order`, the Default one last; `now` in seconds."""
        rule = next((rule for rule in rules if matches(rule, request)), None)
        if rule is None:
            return False
        used = self._seconds.setdefault(rule.key, _Second())
        if used.second != int(now):
            used.second, used.taken = int(now), 0
        if used.taken < rule.reservoir_size:
            used.taken += 1
            return True
        return self._chance() < rule.fixed_rate

    def forget(self, key: RuleKey) -> None:
        """It is deleted."""
        self._seconds.pop(key, None)
