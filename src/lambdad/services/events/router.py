"""Which rules and archives of a bus an event matches, and what their targets are handed. Compiled rules are held in memory.

AWS: docs.aws.amazon.com/eventbridge/latest/userguide/eb-rules.html. What a rule sends to another of our buses goes through that
bus at once, in the same commit; from there no rule sends it on to a third, as on AWS: so there are no loops. What one commit may
cause is bounded.
"""

import dataclasses
import logging
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from lambdad.ids import new_uuid
from lambdad.resources.event_bus import DEFAULT, Archive, BusKey, NamedKey, Rule, RuleKey, bus_of_arn
from lambdad.resources.event_document import BusEvent, time_of
from lambdad.resources.event_filter import EventPattern, leaves_of
from lambdad.resources.event_pattern import pattern_of
from lambdad.resources.json_path import MISSING, found_at, path_of
from lambdad.resources.policy_evaluation import Asking, evaluate
from lambdad.resources.target_input import Occasion, Target, input_of
from lambdad.services.target_delivery import ALWAYS_TRIED, DeadLetter, Handover, RetryPolicy
from lambdad.store.event_archives import ArchivedEvent, EventArchives
from lambdad.store.event_buses import EventBuses, EventRules

log = logging.getLogger(__name__)

PRINCIPAL: Final = "events.amazonaws.com"
_PUT: Final = "events:PutEvents"
_MOST_HANDOVERS: Final = 20_000
_MOST_FORWARDED: Final = 1000
"""Events from one bus to another."""
_MOST_BYTES: Final = 64 * 1024 * 1024
"""Of what targets and archives are given in one commit."""


class TooMuch(Exception):
    """More than one commit may cause: rules upon rules, each for the same events."""


@dataclass(frozen=True, slots=True)
class _CompiledRule:
    rule: Rule
    pattern: EventPattern


@dataclass(frozen=True, slots=True)
class _CompiledArchive:
    number: int
    pattern: EventPattern | None


@dataclass(slots=True)
class _Bus:
    """What looks at a bus's events. Most rules name the sources that they are for: the others' are not even tried."""

    by_source: dict[str, list[_CompiledRule]] = field(default_factory=dict)
    of_any: list[_CompiledRule] = field(default_factory=list)
    archives: list[_CompiledArchive] = field(default_factory=list)


@dataclass(slots=True)
class Routed:
    handovers: list[Handover] = field(default_factory=list)
    archived: list[ArchivedEvent] = field(default_factory=list)
    size: int = 0
    """Bytes."""
    forwarded: int = 0

    def add(self, handover: Handover) -> None:
        """Raises TooMuch."""
        self.handovers.append(handover)
        self._grow(len(handover.input))

    def archive(self, event: ArchivedEvent) -> None:
        """Raises TooMuch."""
        self.archived.append(event)
        self._grow(len(event.event))

    def forward(self) -> None:
        """Raises TooMuch."""
        self.forwarded += 1
        if self.forwarded > _MOST_FORWARDED:
            raise TooMuch

    def _grow(self, size: int) -> None:
        self.size += size
        if len(self.handovers) > _MOST_HANDOVERS or self.size > _MOST_BYTES:
            raise TooMuch


class Router:
    def __init__(self, buses: EventBuses, rules: EventRules, archives: EventArchives, here: bool) -> None:
        """`here`: our buses are where ARNs of buses lead to; or else somebody else's are, by an endpoint."""
        self._buses = buses
        self._rules = rules
        self._archives = archives
        self._here = here
        self._compiled: dict[BusKey, _Bus] = {}

    def load(self) -> None:
        """And from then on what is committed."""
        for bus in {rule.key.bus for rule in self._rules.all()}:
            self._compile(bus)
        for archive in self._archives.all():
            self.archive_changed(archive.key, None, archive)
        self._rules.subscribe(self.rule_changed)
        self._archives.subscribe(self.archive_changed)

    def rule_changed(self, key: RuleKey, before: Rule | None, after: Rule | None) -> None:
        self._compile(key.bus)

    def archive_changed(self, key: NamedKey, before: Archive | None, after: Archive | None) -> None:
        archive = after or before
        bus = bus_of_arn(archive.source) if archive is not None else None
        if bus is not None:
            self._compile(bus)

    def _compile(self, key: BusKey) -> None:
        bus = _Bus()
        for rule in self._rules.of_bus(key):
            if rule.pattern is None or not rule.enabled:
                continue
            compiled = _CompiledRule(rule, pattern_of(rule.pattern))
            sources = _sources_of(rule.pattern)
            for source in sources or ():
                bus.by_source.setdefault(source, []).append(compiled)
            if sources is None:
                bus.of_any.append(compiled)
        for archive in self._archives.list(key.account, key.region):
            if archive.source == key.arn:
                pattern = pattern_of(archive.pattern) if archive.pattern is not None else None
                bus.archives.append(_CompiledArchive(archive.number, pattern))
        self._compiled[key] = bus

    # --- Events -------------------------------------------------------------------------------------------------------

    def exists(self, bus: BusKey) -> bool:
        return bus.name == DEFAULT or self._buses.get(bus) is not None

    def allows(self, bus: BusKey, account: str) -> bool:
        """May this account put events there? By the bus's policy, if it is another's."""
        if bus.account == account:
            return True
        record = self._buses.get(bus)
        asking = Asking(account, _PUT, {"aws:sourceaccount": account})
        return record is not None and evaluate(tuple(record.statements), asking) == "Allow"

    def route(self, events: Iterable[BusEvent]) -> Routed:
        """Raises TooMuch."""
        return self._through(deque(events), Routed())

    def of_rule(self, rule: Rule, event: BusEvent) -> Routed:
        """A rule's own event: for its targets, whatever its pattern says. Raises TooMuch."""
        routed = Routed()
        waiting: deque[BusEvent] = deque()
        self._hand(rule, event, orjson.dumps(event.document), routed, waiting)
        return self._through(waiting, routed)

    def _through(self, waiting: deque[BusEvent], routed: Routed) -> Routed:
        while waiting:
            event = waiting.popleft()
            bus = self._compiled.get(event.bus)
            if bus is None:
                continue
            leaves, text = leaves_of(event.document), orjson.dumps(event.document)
            for archive in () if event.replayed else bus.archives:
                if archive.pattern is None or archive.pattern.matches_leaves(leaves):
                    routed.archive(ArchivedEvent(archive.number, event.time, text))
            for one in (*bus.by_source.get(event.document["source"], ()), *bus.of_any):
                if event.rules is not None and one.rule.key.arn not in event.rules:
                    continue
                if one.rule.targets and one.pattern.matches_leaves(leaves):
                    self._hand(one.rule, event, text, routed, waiting)
        return routed

    def _hand(self, rule: Rule, event: BusEvent, text: bytes, routed: Routed, waiting: deque[BusEvent]) -> None:
        """`text`: the event's document."""
        occasion = Occasion(event.document, text, rule.key.arn, rule.key.rule, time_of(event.ingested_at))
        for target in rule.targets:
            bus = bus_of_arn(target["Arn"]) if self._here else None
            if bus is None:
                routed.add(_handover_of(rule, target, event, occasion))
            elif event.forwarded:
                log.warning("%s: an event that comes from another bus is not sent on to %s", rule.key.arn, bus.arn)
            elif not self.exists(bus) or not self.allows(bus, rule.key.account):
                routed.add(_handover_of(rule, target, event, occasion))  # it is refused there
            else:
                routed.forward()
                waiting.append(dataclasses.replace(event, bus=bus, forwarded=True, rules=None))


def _sources_of(pattern: str) -> Sequence[str] | None:
    """Those that events must be of, if it names them literally; None: it does not. Numbers may be written otherwise, as
    addresses may: they are no literals."""
    sources = orjson.loads(pattern).get("source")
    if not isinstance(sources, list):
        return None
    literal = all(isinstance(one, str) and not one[:1].isdigit() and ":" not in one for one in sources)
    return list(dict.fromkeys(sources)) if literal else None


def _handover_of(rule: Rule, target: Target, event: BusEvent, occasion: Occasion) -> Handover:
    policy = target.get("RetryPolicy") or {}
    queue = (target.get("DeadLetterConfig") or {}).get("Arn")
    letter = None
    if queue:
        where = {"RULE_ARN": rule.key.arn, "TARGET_ARN": target["Arn"]}
        letter = DeadLetter(queue, occasion.text, where, "rule")
    return Handover(
        target=target["Arn"],
        input=input_of(target, occasion),
        sender=rule.key.arn,
        principal=PRINCIPAL,
        parameters=_parameters_of(target, event.document),
        retry=RetryPolicy(
            policy.get("MaximumRetryAttempts", ALWAYS_TRIED.attempts),
            policy.get("MaximumEventAgeInSeconds", ALWAYS_TRIED.event_age),
        ),
        dead_letter=letter,
        trace_id=event.trace_header,
    )


def _parameters_of(target: Target, document: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    group = (target.get("SqsParameters") or {}).get("MessageGroupId")
    if group:
        found["MessageGroupId"] = group
    path = path_of((target.get("KinesisParameters") or {}).get("PartitionKeyPath") or "$.id")
    key = MISSING if path is None else found_at(path, document)
    if ":kinesis:" in target["Arn"]:
        found["PartitionKey"] = (
            key if isinstance(key, str) else new_uuid() if key is MISSING else orjson.dumps(key).decode()
        )
    return found
