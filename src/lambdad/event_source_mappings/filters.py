"""FilterCriteria of a mapping. AWS: docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lambdad.resources.event_filter import EventPattern, leaves_of
from lambdad.resources.event_pattern import pattern_of

_DATA: Final = ("body", "data", "key", "value")
"""Members of a record that have what somebody sent: of queues, of Kinesis and RabbitMQ, of Kafka."""


class Filters:
    """A record passes if one of them matches, or if there are none."""

    def __init__(self, patterns: Sequence[EventPattern]) -> None:
        self._patterns = patterns

    @classmethod
    def of(cls, criteria: Mapping[str, Any] | None) -> "Filters":
        filters = (criteria or {}).get("Filters") or ()
        return cls([pattern_of(one["Pattern"]) for one in filters if one.get("Pattern")])

    def __bool__(self) -> bool:
        """Is there one?"""
        return bool(self._patterns)

    def match_if(self, document: Mapping[str, Any] | None) -> bool:
        """None: what cannot be read as the filters would have it, which none of them matches."""
        return self.match(document) if document is not None else not self._patterns

    def match(self, document: Mapping[str, Any]) -> bool:
        """Data that is text, not parsed JSON, matches no pattern of what is within it: not even of what must not be there."""
        if not self._patterns:
            return True
        leaves = leaves_of(document)
        texts = tuple(f"{name}." for name in _DATA if isinstance(document.get(name), str))
        return any(_without(pattern, texts).matches_leaves(leaves) for pattern in self._patterns)


def _without(pattern: EventPattern, within: tuple[str, ...]) -> EventPattern:
    """Its alternatives that ask for nothing whose name begins so."""
    if not within:
        return pattern
    return EventPattern(
        tuple(fields for fields in pattern.alternatives if not any(one.name.startswith(within) for one in fields))
    )
