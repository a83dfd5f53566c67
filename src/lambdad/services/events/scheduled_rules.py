"""Supervisor: rules with a schedule fire when they are due.

AWS: docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html. When a rule has fired is committed with what
that sends: a restart fires nothing twice. What was missed while no server ran is not made up for but once, whatever it was.
"""

import asyncio
import logging
from datetime import UTC
from typing import Final

from lambdad.clock import Clock
from lambdad.ids import new_uuid
from lambdad.resources.event_bus import Rule, RuleKey
from lambdad.resources.event_document import BusEvent, time_of
from lambdad.resources.schedule import expression_of
from lambdad.services.clockwork import Clockwork
from lambdad.services.events.intake import Intake
from lambdad.services.events.router import TooMuch
from lambdad.store.event_buses import EventRules, RuleFirings

log = logging.getLogger(__name__)

_PUNCTUAL: Final = 60.0
"""Seconds: who is later fires for now, not for then."""


class ScheduledRules:
    """`load`, `start`, `close`: once each, in that order."""

    def __init__(self, rules: EventRules, firings: RuleFirings, intake: Intake, clock: Clock) -> None:
        self._rules = rules
        self._firings = firings
        self._intake = intake
        self._clock = clock
        self._clockwork = Clockwork(self.fire, clock)
        self._fired: dict[RuleKey, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def load(self) -> None:
        self._fired = self._firings.load()
        for rule in self._rules.all():
            self._clockwork.set(rule.key, self._due(rule))
        self._rules.subscribe(self.rule_changed)

    def start(self) -> None:
        for key in [key for key in self._fired if self._rules.get(key) is None]:
            self._forget(key)
        self._clockwork.start()

    def rule_changed(self, key: RuleKey, before: Rule | None, after: Rule | None) -> None:
        """Committed."""
        self._clockwork.set(key, self._due(after))
        if after is None and key in self._fired:
            self._forget(key)

    def _due(self, rule: Rule | None) -> float | None:
        if rule is None or rule.schedule is None or not rule.enabled:
            return None
        since = max(rule.scheduled_at, self._fired.get(rule.key, 0.0))
        return expression_of(rule.schedule).next(rule.scheduled_at, since, UTC)

    async def fire(self, key: RuleKey) -> None:
        """If it is due; and then when it is due again. Raises WRITE_FAILED."""
        rule, now = self._rules.get(key), self._clock.now()
        due = self._due(rule)
        if rule is not None and due is not None and due <= now:
            moment = due if now - due < _PUNCTUAL else now
            event = scheduled_event(rule, moment, now)
            try:
                await self._intake.fire(rule, event, lambda connection: self._firings.insert(connection, key, moment))
            except TooMuch:
                log.error("%s does not fire: what it sends causes too much at once", key.arn)
            self._fired[key] = moment
        self._clockwork.set(key, self._due(self._rules.get(key)))

    def _forget(self, key: RuleKey) -> None:
        self._fired.pop(key, None)
        task = asyncio.get_running_loop().create_task(self._firings.forget(key))
        self._tasks.add(task)
        task.add_done_callback(self._forgotten)

    def _forgotten(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("a rule that is gone is forgotten at the next start: %r", error)

    async def close(self) -> None:
        await self._clockwork.close()
        if self._tasks:
            await asyncio.wait(list(self._tasks))


def scheduled_event(rule: Rule, moment: float, now: float) -> BusEvent:
    document = {
        "version": "0",
        "id": new_uuid(),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": rule.key.account,
        "time": time_of(moment),
        "region": rule.key.region,
        "resources": [rule.key.arn],
        "detail": {},
    }
    return BusEvent(bus=rule.key.bus, document=document, time=moment, ingested_at=now)
