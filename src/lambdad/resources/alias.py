"""An alias: a name for a version, or for two versions that share its invocations.

AWS: docs.aws.amazon.com/lambda/latest/api/API_AliasConfiguration.html
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    name: str
    function_version: str
    description: str
    weights: Mapping[str, float]
    """Other versions, and which share of the invocations each gets, from 0 to 1; `function_version` gets the rest."""
    revision_id: str

    @property
    def versions(self) -> tuple[str, ...]:
        """All that it refers to."""
        return self.function_version, *self.weights

    def version_for(self, draw: float) -> str:
        """The version of one invocation. `draw`: a random number from 0 to below 1."""
        for version, weight in self.weights.items():
            if draw < weight:
                return version
            draw -= weight
        return self.function_version
