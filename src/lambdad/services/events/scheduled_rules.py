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
from lambdad.services.events.intake import Intake
from lambdad.services.events.router import TooMuch
from lambdad.store.database import WRITE_FAILED
from lambdad.store.event_buses import EventRules, RuleFirings

log = logging.getLogger(__name__)

_PUNCTUAL: Final = 60.0
"""Seconds: who is later fires for now, not for then."""
_LONGEST_SLEEP: Final = 3600.0
_RETRY: Final = 5.0
"""Seconds until a firing that could not be committed is tried again."""


class ScheduledRules:
    """`load`, `start`, `close`: once each, in that order."""

    def __init__(self, rules: EventRules, firings: RuleFirings, intake: Intake, clock: Clock) -> None:
        self._rules = rules
        self._firings = firings
        self._intake = intake
        self._clock = clock
        self._fired: dict[RuleKey, float] = {}
        self._due: dict[RuleKey, float] = {}
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop_task: asyncio.Task[None] | None = None
        self._stopping = False

    def load(self) -> None:
        self._fired = self._firings.load()
        for rule in self._rules.all():
            self._plan(rule)
        self._rules.subscribe(self.rule_changed)

    def start(self) -> None:
        for key in [key for key in self._fired if self._rules.get(key) is None]:
            self._forget(key)
        self._loop_task = asyncio.get_running_loop().create_task(self._run())

    def rule_changed(self, key: RuleKey, before: Rule | None, after: Rule | None) -> None:
        """Committed."""
        self._due.pop(key, None)
        if after is not None:
            self._plan(after)
        elif key in self._fired:
            self._forget(key)
        self._wake.set()

    def _plan(self, rule: Rule) -> None:
        if rule.schedule is None or not rule.enabled:
            return
        since = max(rule.scheduled_at, self._fired.get(rule.key, 0.0))
        due = expression_of(rule.schedule).next(rule.scheduled_at, since, UTC)
        if due is not None:
            self._due[rule.key] = due

    async def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            await self.fire_due()
            await self._sleep()

    async def fire_due(self) -> None:
        now = self._clock.now()
        for key in [key for key, due in self._due.items() if due <= now]:
            await self._fire(key, now)

    async def _sleep(self) -> None:
        wait = min(self._due.values(), default=float("inf")) - self._clock.now()
        try:
            await asyncio.wait_for(self._wake.wait(), min(max(wait, 0.0), _LONGEST_SLEEP))
        except TimeoutError:
            return

    async def _fire(self, key: RuleKey, now: float) -> None:
        due, rule = self._due.get(key), self._rules.get(key)
        if due is None or rule is None:
            return  # it was changed meanwhile
        moment = due if now - due < _PUNCTUAL else now
        event = scheduled_event(rule, moment, now)
        try:
            await self._intake.fire(rule, event, lambda connection: self._firings.insert(connection, key, moment))
        except WRITE_FAILED as error:
            log.error("%s could not fire: %r", key.arn, error)
            self._due[key] = now + _RETRY
            return
        except TooMuch:
            log.error("%s does not fire: what it sends causes too much at once", key.arn)
        self._fired[key] = moment
        if self._due.get(key) == due:
            self._due.pop(key)
            self._plan(rule)

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
        self._stopping = True
        self._wake.set()
        if self._loop_task is not None:
            await self._loop_task
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
