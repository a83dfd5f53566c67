"""What EventBridge's operations are given beside their request, and how they find buses and rules."""

from collections.abc import Callable
from dataclasses import dataclass

from lambdad.clock import Clock
from lambdad.errors.events import AccessDeniedException, ResourceNotFoundException
from lambdad.protocols.context import Context
from lambdad.resources.event_bus import DEFAULT, BusKey, EventBus, Rule, RuleKey, bus_of_arn
from lambdad.services.events.intake import Intake
from lambdad.services.events.replayer import Replayer
from lambdad.store.event_archives import ArchivedEvents, EventArchives, EventReplays
from lambdad.store.event_buses import EventBuses, EventRules


@dataclass(frozen=True, slots=True)
class Backend:
    buses: EventBuses
    rules: EventRules
    archives: EventArchives
    replays: EventReplays
    archived: ArchivedEvents
    intake: Intake
    replayer: Replayer
    clock: Clock

    async def bus(self, key: BusKey) -> EventBus:
        """The default bus is there from the first look on. Raises ResourceNotFoundException."""
        found = self.buses.get(key)
        if found is None and key.name == DEFAULT:
            now = self.clock.now()
            made = EventBus(key=key, created_at=now, modified_at=now)
            _, found = await self.buses.apply(key, lambda before: before or made)
        if found is None:
            raise ResourceNotFoundException.bus(key.name)
        return found

    async def change_bus(self, key: BusKey, change: Callable[[EventBus], EventBus]) -> EventBus:
        """Raises ResourceNotFoundException."""
        await self.bus(key)

        def checked(before: EventBus | None) -> EventBus:
            if before is None:
                raise ResourceNotFoundException.bus(key.name)
            return change(before)

        _, after = await self.buses.apply(key, checked)
        assert after is not None
        return after

    def rule(self, key: RuleKey) -> Rule:
        """Raises ResourceNotFoundException."""
        if not self.intake.router.exists(key.bus):
            raise ResourceNotFoundException.bus(key.bus.name)
        found = self.rules.get(key)
        if found is None:
            raise ResourceNotFoundException.rule(key.rule, key.bus.name)
        return found

    async def change_rule(self, key: RuleKey, change: Callable[[Rule], Rule]) -> Rule:
        """Raises ResourceNotFoundException."""
        self.rule(key)

        def checked(before: Rule | None) -> Rule:
            if before is None:
                raise ResourceNotFoundException.rule(key.rule, key.bus.name)
            return change(before)

        _, after = await self.rules.apply(key, checked)
        assert after is not None
        return after


def named_bus(context: Context, name: str | None) -> BusKey:
    """By name or ARN, anybody's; the default bus if there is none."""
    named = name or DEFAULT
    return bus_of_arn(named) or BusKey(context.account, context.region, named)


def bus_key(context: Context, name: str | None) -> BusKey:
    """The caller's own. Raises AccessDeniedException."""
    return own(context, named_bus(context, name))


def own(context: Context, bus: BusKey) -> BusKey:
    """Raises AccessDeniedException."""
    if bus.account != context.account:
        raise AccessDeniedException.bus(context.account, bus.arn)
    return bus


def rule_key(context: Context, bus: str | None, rule: str) -> RuleKey:
    """Raises AccessDeniedException."""
    return RuleKey(bus_key(context, bus), rule)
