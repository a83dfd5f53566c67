"""Traces to a collector: OTLP over HTTP, in batches, with patience, and no more waiting than there is room for.

opentelemetry.io/docs/specs/otlp/#otlphttp. What a collector cannot take now is tried again, ever more slowly; what it will never
take, and what there is no room for meanwhile, is dropped and counted. It is nobody's business but its own task's: nothing waits.
"""

import asyncio
import contextlib
import logging
import random
import ssl
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import orjson

from lambdad.http.client import Connections, Incoming, connect_to
from lambdad.observability.exposition import head
from lambdad.observability.otlp import request_of, spans_of
from lambdad.observability.trace_store import Place, Taken
from lambdad.resources.segment import Document

log = logging.getLogger(__name__)

_PATH: Final = "/v1/traces"
_WAITING: Final = 16_384
"""Spans."""
_WAITING_BYTES: Final = 32 * 1024 * 1024
"""Of the documents that they are made of."""
_BATCH: Final = 512
_INTERVAL: Final = 1.0
"""Seconds that spans wait for others."""
_TIMEOUT: Final = 10.0
_FIRST_WAIT: Final = 0.5
_LONGEST_WAIT: Final = 30.0
_TRIES: Final = 8
_LAST_TRY: Final = 5.0
"""Seconds at the end of the server."""
_AGAIN: Final = frozenset({429, 502, 503, 504})
_MOST_ANSWER: Final = 1024 * 1024
_FAILURES: Final = (OSError, EOFError, ValueError, asyncio.LimitOverrunError, ssl.SSLError, TimeoutError)

Waiting = tuple[Place, str, Document, int]
"""Whose, of which service, the span, and about how many bytes."""


@dataclass(frozen=True, slots=True)
class _Tried:
    """What became of a request."""

    taken: bool = False
    rejected: int = 0
    """Spans that were not, of a request that was."""
    again: bool = False
    """There is some use in trying again."""


class OtlpExport:
    """`start` and `close` once each."""

    def __init__(self, endpoint: str, headers: Mapping[str, str]) -> None:
        """`endpoint`: a collector's base URL, or the whole one."""
        parts = urlsplit(endpoint)
        path = parts.path.rstrip("/")
        self._path = path if path.endswith(_PATH) else path + _PATH
        self._host = parts.netloc.rpartition("@")[2]
        self._headers = {"Content-Type": "application/json", **headers}
        self._connections = Connections(partial(connect_to, endpoint))
        self._waiting: deque[Waiting] = deque()
        self._waiting_bytes = 0
        self._arrived = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.exported = 0
        self.dropped = 0
        self.failures = 0

    def offer(self, taken: Sequence[Taken]) -> None:
        for one in taken:
            spans = spans_of(one)
            each = len(one.segment.text) // (len(spans) or 1)
            for service, span in spans:
                if len(self._waiting) >= _WAITING or self._waiting_bytes + each > _WAITING_BYTES:
                    self.dropped += 1
                    continue
                self._waiting.append((one.place, service, span, each))
                self._waiting_bytes += each
        self._arrived.set()

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while not self._stopping.is_set():
            await self._arrived.wait()
            if len(self._waiting) < _BATCH:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), _INTERVAL)
            self._arrived.clear()
            while self._waiting and not self._stopping.is_set():
                await self._export(self._take())

    def _take(self) -> list[Waiting]:
        batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
        self._waiting_bytes -= sum(size for *_, size in batch)
        return batch

    async def _export(self, batch: Sequence[Waiting]) -> None:
        """Until it is taken, refused for good, or tried often enough."""
        body = orjson.dumps(request_of([(place, service, span) for place, service, span, _ in batch]))
        wait = _FIRST_WAIT
        for _ in range(_TRIES):
            tried = await self._try(body)
            if tried.taken:
                self.exported += len(batch) - tried.rejected
                self.dropped += tried.rejected
                return
            self.failures += 1
            if not tried.again or self._stopping.is_set():
                break
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait * random.uniform(0.5, 1.0))
            wait = min(wait * 2, _LONGEST_WAIT)
        self.dropped += len(batch)

    async def _try(self, body: bytes) -> "_Tried":
        fields = {"Host": self._host, **self._headers, "Content-Length": str(len(body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        request = f"POST {self._path} HTTP/1.1\r\n{head}\r\n".encode() + body
        try:
            async with asyncio.timeout(_TIMEOUT):
                answer = await self._connections.ask(request)
                said = await _body(answer)
        except _FAILURES as error:
            log.warning("the OTLP collector is not reached: %s", error or type(error).__name__)
            return _Tried(again=True)
        if answer.status < 300:
            return _Tried(taken=True, rejected=_rejected(said))
        log.warning("the OTLP collector answers %d: %s", answer.status, said[:200])
        return _Tried(again=answer.status in _AGAIN)

    async def close(self) -> None:
        """What waits is tried once more, for a moment."""
        self._stopping.set()
        self._arrived.set()
        if self._task is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._task, _LAST_TRY)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_TRY):
                while self._waiting:
                    await self._export(self._take())
        self._connections.close()

    def lines(self) -> list[str]:
        """Prometheus's text format."""
        return [
            *head("lambdad_otlp_spans_exported_total"),
            f"lambdad_otlp_spans_exported_total {self.exported}",
            *head("lambdad_otlp_spans_dropped_total"),
            f"lambdad_otlp_spans_dropped_total {self.dropped}",
            *head("lambdad_otlp_failed_requests_total"),
            f"lambdad_otlp_failed_requests_total {self.failures}",
        ]


def _rejected(said: bytes) -> int:
    """ExportTraceServiceResponse: what was refused for good."""
    try:
        partial_success = orjson.loads(said or b"{}").get("partialSuccess") or {}
        return int(partial_success.get("rejectedSpans") or 0)
    except (ValueError, TypeError, AttributeError):
        return 0  # no JSON: a proxy's answer, or a collector that says nothing


async def _body(answer: Incoming) -> bytes:
    try:
        return await answer.read(_MOST_ANSWER)
    finally:
        answer.close()
