"""What X-Ray's operations stand on."""

from dataclasses import dataclass

from lambdad.clock import Clock
from lambdad.observability.trace_store import TraceStore
from lambdad.store.sampling_rules import SamplingRules
from lambdad.store.trace_groups import TraceGroups


@dataclass(frozen=True, slots=True)
class Backend:
    """Made once by `xray.py`."""

    traces: TraceStore
    rules: SamplingRules
    groups: TraceGroups
    clock: Clock
