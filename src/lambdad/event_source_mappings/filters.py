"""FilterCriteria of a mapping. AWS: docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from lambdad.resources.event_filter import Pattern, matches


class Filters:
    """A record passes if one of them matches, or if there are none."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._patterns = patterns

    @classmethod
    def of(cls, criteria: Mapping[str, Any] | None) -> "Filters":
        filters = (criteria or {}).get("Filters") or ()
        return cls([orjson.loads(one["Pattern"]) for one in filters if one.get("Pattern")])

    def match(self, document: Mapping[str, Any]) -> bool:
        return not self._patterns or any(matches(pattern, document) for pattern in self._patterns)
