"""X-Ray put together: its stores, the export to a collector, and its wire."""

from lambdad.clock import Clock
from lambdad.config import Config
from lambdad.errors.xray import InvalidRequestException
from lambdad.observability.otlp_export import OtlpExport
from lambdad.observability.trace_store import TraceStore
from lambdad.services.service import Service
from lambdad.services.xray.backend import Backend
from lambdad.services.xray.table import OPERATIONS
from lambdad.store.database import Database
from lambdad.store.sampling_rules import SamplingRules
from lambdad.store.trace_groups import TraceGroups
from lambdad.store.traces import Traces

_LARGE = frozenset({"BatchGetTraces", "GetTraceSummaries", "GetServiceGraph"})


class XRay:
    """`load`, `start`, `close`: once each, in that order; `close_traces` after whatever is traced."""

    def __init__(self, database: Database, config: Config, clock: Clock) -> None:
        most_bytes = config.max_traces_mb * 1024 * 1024
        self.traces = TraceStore(Traces(database), clock, config.trace_retention_hours * 3600.0, most_bytes)
        self.rules = SamplingRules(database)
        self._groups = TraceGroups(database)
        self._export: OtlpExport | None = None
        if config.otlp_endpoint is not None:
            self._export = OtlpExport(config.otlp_endpoint, config.otlp_headers)
            self.traces.subscribe(self._export.offer)
        backend = Backend(self.traces, self.rules, self._groups, clock)
        invalid, not_built = InvalidRequestException.of, InvalidRequestException.not_built
        self.service = Service("xray", backend, OPERATIONS, invalid, not_built, large=_LARGE)

    def load(self) -> None:
        self.traces.load()
        self.rules.load()
        self._groups.load()

    def lines(self) -> list[str]:
        """Prometheus's text format."""
        return [*self.traces.lines(), *(self._export.lines() if self._export is not None else ())]

    def start(self) -> None:
        self.traces.start()
        if self._export is not None:
            self._export.start()

    async def close(self) -> None:
        await self.service.close()

    async def close_traces(self) -> None:
        await self.traces.close()
        if self._export is not None:
            await self._export.close()
