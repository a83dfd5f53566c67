"""What the operations of CloudWatch Logs are given, and how they find a group."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from lambdad.clock import Clock
from lambdad.errors.logs import InvalidParameterException, ResourceNotFound
from lambdad.observability.filter_pattern import compile_pattern, keeps_quotas
from lambdad.observability.filter_terms import InvalidPattern, Match
from lambdad.observability.logs import LogStore
from lambdad.protocols.context import Context, Members
from lambdad.resources.function import Function, FunctionKey
from lambdad.store.log_groups import LogGroup, LogGroupKey, LogGroups

_ARN = re.compile(r"arn:aws[a-z-]*:logs:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):log-group:(?P<name>[^:*]+)(?::\*)?")


@dataclass(frozen=True, slots=True)
class Backend:
    groups: LogGroups
    logs: LogStore
    clock: Clock
    function_of: Callable[[FunctionKey], Function | None]

    def now(self) -> int:
        """Milliseconds since the epoch."""
        return int(self.clock.now() * 1000)

    def group(self, key: LogGroupKey) -> LogGroup:
        """Raises ResourceNotFound."""
        found = self.groups.get(key)
        if found is None:
            raise ResourceNotFound.group()
        return found

    def group_named(self, context: Context, request: Members) -> LogGroup:
        """By name or identifier. Raises InvalidParameterException, ResourceNotFound."""
        name, identifier = request.get("logGroupName"), request.get("logGroupIdentifier")
        if name is not None and identifier is not None:
            raise InvalidParameterException.group_and_identifier()
        if name is None and identifier is None:
            raise InvalidParameterException.no_group()
        return self.group(key_of(context, name or identifier or ""))


def key_of(context: Context, identifier: str) -> LogGroupKey:
    """A name, or an ARN. Raises InvalidParameterException."""
    if not identifier.startswith("arn:"):
        return LogGroupKey(context.account, context.region, identifier)
    match = _ARN.fullmatch(identifier)
    if match is None:
        raise InvalidParameterException.arn()
    return LogGroupKey(match["account"], match["region"], match["name"])


def pattern_of(text: str | None) -> Match:
    """Raises InvalidParameterException."""
    try:
        match = compile_pattern(text or "")
        if not keeps_quotas(text or ""):
            raise InvalidParameterException.pattern()
    except InvalidPattern as error:
        raise InvalidParameterException.pattern() from error
    return match
